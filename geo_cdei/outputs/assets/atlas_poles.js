/* The fifth pole under the reader's own weights: the arithmetic of rank_poles, without the page. */
var AtlasPoles = (function () {
  "use strict";

  var MIDDLE = 0.5; // where an unknown value stands on the scale
  var STEP = 1e12; // values nearer than 1e-12 share a rank

  function sum(list) { return list.reduce(function (total, value) { return total + value; }, 0); }
  function number(value) { return typeof value === "number" && isFinite(value) && value >= 0; }

  /* Weights of the criteria: of a preset as the run wrote them, or in two levels as group_weights does.
     null where nothing weighs anything. */
  function weights(model, state) {
    var found = preset(model, state.preset);
    if (!found) {
      var groups = state.groups || {}, inside = state.criteria || {};
      var sums = {};
      model.criteria.forEach(function (c) {
        sums[c.group] = (sums[c.group] || 0) + given(inside, c.key);
      });
      found = model.criteria.map(function (c) {
        return sums[c.group] > 0 ? given(inside, c.key) / sums[c.group] * given(groups, c.group) : 0;
      });
    }
    var total = sum(found);
    return total > 0 ? found.map(function (weight) { return weight / total; }) : null;
  }
  function given(values, key) { return number(values[key]) ? values[key] : 1; }

  function preset(model, name) {
    var parts = String(name).split(":");
    if (parts[0] === "central") { return (model.central[parts[1]] || {})[parts[2]] || null; }
    return Object.prototype.hasOwnProperty.call(model.presets, name) ? model.presets[name] : null;
  }

  /* The same weights as percent: of the groups, and of the criteria inside their group. */
  function levels(model, used) {
    var groups = {}, criteria = {};
    model.groups.forEach(function (g) { groups[g.key] = 0; });
    model.criteria.forEach(function (c, i) { groups[c.group] += used[i]; });
    model.criteria.forEach(function (c, i) {
      var mates = model.criteria.filter(function (other) { return other.group === c.group; }).length;
      criteria[c.key] = groups[c.group] > 0 ? 100 * used[i] / groups[c.group] : 100 / mates;
    });
    model.groups.forEach(function (g) { groups[g.key] *= 100; });
    return { groups: groups, criteria: criteria };
  }

  function filled(candidate) {
    return candidate.scaled.map(function (value) { return value === null ? MIDDLE : value; });
  }
  function contributions(candidate, used) {
    return filled(candidate).map(function (value, i) { return value * used[i]; });
  }

  /* Value and rank of every candidate, in their order; equal values share the better rank. */
  function rank(model, used) {
    var values = model.candidates.map(function (candidate) { return sum(contributions(candidate, used)); });
    var rounded = values.map(function (value) { return Math.round(value * STEP); });
    return model.candidates.map(function (candidate, i) {
      return { id: candidate.id, place: i, value: values[i], rank: 1 + rounded.filter(function (other) {
        return other > rounded[i];
      }).length };
    });
  }
  function ordered(ranking) {
    return ranking.slice().sort(function (a, b) { return a.rank - b.rank || a.place - b.place; });
  }

  return {
    weights: weights, preset: preset, levels: levels, contributions: contributions, rank: rank, ordered: ordered
  };
})();

(function (A) {
  "use strict";
  if (!A) { return; }

  var el = A.el;
  // ColorBrewer YlGnBu, darkest first
  var CLASSES = [[1, "#0c2c84"], [3, "#1d91c0"], [6, "#41b6c4"], [10, "#a1dab4"], [Infinity, "#eef7dc"]];
  var NAMED = ["used", "grouped", "equal", "entropy", "critic"];
  var model, parts = {}, study;

  function mine() { return A.state.poles || {}; }
  function say(pair) { return A.either(pair); }
  function of(id) { return model.candidates.find(function (candidate) { return candidate.id === id; }); }
  function percent(value) { return A.number(100 * value, 1) + "%"; }
  function digits(value) { return A.number(value, 3); }
  function clear(node) { while (node.firstChild) { node.removeChild(node.firstChild); } return node; }

  A.addPanel({
    id: "poles",
    titleKey: "poles_tab",
    start: { preset: "used" },
    build: function (root) {
      model = A.data.poles;
      if (!model) {
        root.appendChild(el("p", { class: "ap-none", t: "poles_none" }));
        return;
      }
      study = AtlasPoles.rank(model, AtlasPoles.weights(model, { preset: "used" }));
      root.classList.add("ap-poles");
      root.append(chooser(), sliders(), result(), chart(), why());
      A.on("language", function () { write(); });
    },
    update: function (changed) {
      if (model && (changed.has("poles") || changed.has("lang") || changed.has("tab"))) { write(); }
    }
  });

  /* Controls --------------------------------------------------------------------------------------------- */

  function block(titleKey, children, noteKey) {
    return el("section", { class: "ap-block" }, [el("h3", { t: titleKey })].concat(children).concat(
      noteKey ? [el("p", { class: "ap-note", t: noteKey })] : []));
  }

  function chooser() {
    parts.preset = el("select", { id: "ap-preset", "t-label": "poles_preset" });
    parts.preset.addEventListener("change", function () {
      A.set({ poles: { preset: parts.preset.value, groups: null, criteria: null } });
    });
    return block("poles_preset", [parts.preset], "poles_intro");
  }

  function fillPresets() {
    var now = mine().preset, list = clear(parts.preset);
    function option(parent, value, text) { parent.appendChild(el("option", { value: value, text: text })); }
    NAMED.forEach(function (name) { option(list, name, A.t("poles_preset_" + name)); });
    Object.keys(model.central).forEach(function (scheme) {
      var group = el("optgroup", { label: A.t("poles_central_" + scheme) });
      Object.keys(model.central[scheme]).forEach(function (id) {
        if (of(id)) { option(group, "central:" + scheme + ":" + id, say(of(id).name)); }
      });
      list.appendChild(group);
    });
    if (!AtlasPoles.preset(model, now)) {
      option(list, "own", A.t("poles_preset_own"));
      now = "own";
    }
    list.value = now;
  }

  function slider(kind, key) {
    var name = el("label", { for: "ap-" + kind + "-" + key });
    var input = el("input", {
      type: "range", id: "ap-" + kind + "-" + key, min: 0, max: 100, step: 1, "data-kind": kind, "data-key": key
    });
    var share = el("output", { for: input.id });
    input.addEventListener("input", function () { turn(kind, key, Number(input.value), true); });
    input.addEventListener("change", function () { turn(kind, key, Number(input.value), false); });
    parts[kind][key] = { name: name, input: input, share: share };
    return el("div", { class: "ap-slider ap-" + kind }, [name, input, share]);
  }

  function sliders() {
    parts.groups = {};
    parts.criteria = {};
    var list = model.groups.map(function (group) {
      var inside = model.criteria.filter(function (c) { return c.group === group.key; });
      var more = el("details", {}, [el("summary", { t: "poles_unfold" })].concat(inside.map(function (c) {
        return slider("criteria", c.key);
      })));
      return el("div", { class: "ap-group" }, [slider("groups", group.key), more]);
    });
    parts.empty = el("p", { class: "ap-warn", role: "alert", t: "poles_empty" });
    return block("poles_weights", list.concat([parts.empty]), "poles_share_note");
  }

  /* The first slider that is moved takes over what the preset weighs; from then on all are the reader's. */
  function turn(kind, key, value, live) {
    var state = mine();
    var used = AtlasPoles.weights(model, state);
    var now = state.groups && state.criteria && state.preset === "own" ? state : AtlasPoles.levels(model, used);
    var patch = { preset: "own", groups: Object.assign({}, now.groups), criteria: Object.assign({}, now.criteria) };
    patch[kind][key] = value;
    A.set({ poles: patch }, { live: live });
  }

  function writeSliders(used) {
    var state = mine();
    var own = !AtlasPoles.preset(model, state.preset);
    var shares = AtlasPoles.levels(model, used || model.criteria.map(function () { return 0; }));
    var shown = own && state.groups && state.criteria ? state : shares;
    model.groups.forEach(function (group) {
      var part = parts.groups[group.key];
      part.name.textContent = say(group.name);
      part.input.value = shown.groups[group.key];
      part.share.textContent = percent(shares.groups[group.key] / 100);
    });
    model.criteria.forEach(function (c, i) {
      var part = parts.criteria[c.key];
      part.name.textContent = say(c.name);
      if (c.missing) { part.name.appendChild(el("small", { text: " " + A.t("poles_missing", { n: c.missing }) })); }
      part.input.value = shown.criteria[c.key];
      part.share.textContent = percent(used ? used[i] : 0);
    });
    parts.empty.hidden = Boolean(used);
  }

  /* Answers ---------------------------------------------------------------------------------------------- */

  function button(key, action) {
    var node = el("button", { type: "button", class: "ap-button", t: key });
    node.addEventListener("click", action);
    return node;
  }

  function result() {
    parts.rows = el("tbody");
    parts.ranking = el("table", { class: "ap-table" }, [
      el("thead", {}, [el("tr", {}, [
        el("th", { scope: "col", class: "ap-num", t: "poles_rank" }), el("th", { scope: "col", t: "poles_candidate" }),
        el("th", { scope: "col", class: "ap-num", t: "poles_value" }),
        el("th", { scope: "col", class: "ap-num", t: "poles_was" }),
        el("th", { scope: "col", class: "ap-num", t: "poles_first" })
      ])]), parts.rows
    ]);
    return block("poles_ranking", [
      el("div", { class: "ap-scroll" }, [parts.ranking]),
      el("div", { class: "ap-buttons" }, [button("poles_csv", save)])
    ], "poles_ranking_note");
  }

  function writeRanking(ranking) {
    var rows = clear(parts.rows);
    AtlasPoles.ordered(ranking).forEach(function (row) {
      var candidate = of(row.id);
      var name = el("button", { type: "button", class: "ap-link", text: say(candidate.name) });
      name.addEventListener("click", function () { A.set({ poles: { a: row.id } }); });
      var bar = el("span", { class: "ap-bar" }, [el("i", {
        style: { width: 100 * Math.min(1, row.value) + "%" }
      })]);
      rows.appendChild(el("tr", { "data-id": row.id, "data-rank": row.rank, "data-value": row.value }, [
        el("td", { class: "ap-num", text: row.rank }), el("td", {}, [name, bar]),
        el("td", { class: "ap-num", text: digits(row.value) }),
        el("td", { class: "ap-num", text: study[row.place].rank }),
        el("td", { class: "ap-num", text: percent(candidate.acceptability[0]) })
      ]));
    });
  }

  function save() {
    var used = AtlasPoles.weights(model, mine());
    if (!used) { return; }
    var head = ["cluster_id", "cluster", "rank_additive", "value_additive"].concat(model.criteria.map(function (c) {
      return "contribution_" + c.key;
    }));
    var rows = AtlasPoles.ordered(AtlasPoles.rank(model, used)).map(function (row) {
      var candidate = of(row.id);
      return [row.id, say(candidate.name), row.rank, row.value].concat(AtlasPoles.contributions(candidate, used));
    });
    var weighed = ["weight", "", "", ""].concat(used);
    A.download("fifth-pole.csv", "text/csv", A.csv([head].concat(rows, [weighed])));
  }

  /* The run's shares of ranks as a grid, one row a candidate in the present order; a ring is the present place. */
  function chart() {
    parts.chart = el("div", { class: "ap-chart" });
    return block("poles_chart", [
      el("div", { class: "ap-scroll" }, [parts.chart]),
      el("div", { class: "ap-buttons" }, [
        button("poles_png", function () { A.exportPng(parts.chart.firstChild, "rank-acceptability"); }),
        button("poles_svg", function () { A.exportSvg(parts.chart.firstChild, "rank-acceptability"); })
      ]),
      parts.chartNote = el("p", { class: "ap-note" })
    ]);
  }

  var ROW = 17, LEFT = 148, TOP = 22, RIGHT = 4, WIDTH = 440;

  function writeChart(ranking) {
    var n = model.candidates.length, cell = (WIDTH - LEFT - RIGHT) / n;
    var drawing = A.svg(WIDTH, TOP + n * ROW + 36, { role: "img", "aria-label": A.t("poles_chart") });
    function put(tag, attributes) { return A.draw(drawing, tag, attributes); }
    function write(x, y, text, anchor) {
      put("text", { x: x, y: y, "font-size": 10, fill: "#3d4952", "text-anchor": anchor, text: text });
    }
    for (var r = 1; r <= n; r += r === 1 ? 4 : 5) { write(LEFT + (r - 0.5) * cell, TOP - 7, r, "middle"); }
    AtlasPoles.ordered(ranking).forEach(function (row, line) {
      var candidate = of(row.id), y = TOP + line * ROW;
      write(LEFT - 8, y + ROW * 0.7, short(say(candidate.name)), "end");
      candidate.acceptability.forEach(function (share, i) {
        put("rect", {
          x: LEFT + i * cell, y: y, width: cell, height: ROW, fill: "#0b5f8a",
          "fill-opacity": share ? 0.06 + 0.94 * Math.sqrt(share) : 0, stroke: "#e1e6ea", "stroke-width": 0.5
        }).appendChild(geoCdei.svg("title", { text: A.t("poles_cell", {
          name: say(candidate.name), rank: i + 1, share: percent(share)
        }) }));
      });
      put("rect", {
        x: LEFT + (row.rank - 1) * cell + 1, y: y + 1, width: cell - 2, height: ROW - 2, rx: 2, fill: "none",
        stroke: "#c2410c", "stroke-width": 2, "data-id": row.id, "data-mark": row.rank
      });
    });
    write(4, TOP + n * ROW + 16, A.t("poles_axis"), "start");
    write(4, TOP + n * ROW + 30, A.t("poles_frame"), "start");
    clear(parts.chart).appendChild(drawing);
    parts.chartNote.textContent = A.t("poles_chart_note", { draws: A.number(model.draws, 0), seed: model.seed });
  }
  function short(name) {
    var most = A.lang() === "zh" ? 13 : 21;
    return name.length > most ? name.slice(0, most - 1) + "…" : name;
  }

  /* Why ---------------------------------------------------------------------------------------------------- */

  function why() {
    parts.pair = ["a", "b"].map(function (side) {
      var select = el("select", { "t-label": "poles_" + side, "data-side": side });
      select.addEventListener("change", function () {
        var patch = {};
        patch[side] = select.value;
        A.set({ poles: patch });
      });
      return select;
    });
    parts.why = el("tbody");
    parts.whyHead = [el("th", { scope: "col", class: "ap-num" }), el("th", { scope: "col", class: "ap-num" })];
    return block("poles_why", [
      el("div", { class: "ap-pair" }, parts.pair),
      el("div", { class: "ap-scroll" }, [el("table", { class: "ap-table ap-why" }, [
        el("thead", {}, [el("tr", {}, [el("th", { scope: "col", t: "poles_criterion" })].concat(parts.whyHead).concat([
          el("th", { scope: "col", t: "poles_difference" })
        ]))]), parts.why
      ])])
    ], "poles_why_note");
  }

  function chosen(ranking) {
    var best = AtlasPoles.ordered(ranking).map(function (row) { return row.id; });
    var a = of(mine().a) ? mine().a : null, b = of(mine().b) ? mine().b : null;
    a = a || best.find(function (id) { return id !== b; });
    if (!b || b === a) { b = best.find(function (id) { return id !== a; }); }
    return [a, b];
  }

  function writeWhy(ranking, used) {
    var pair = chosen(ranking);
    parts.pair.forEach(function (select, side) {
      clear(select);
      model.candidates.forEach(function (candidate) {
        select.appendChild(el("option", { value: candidate.id, text: say(candidate.name) }));
      });
      select.value = pair[side];
      parts.whyHead[side].textContent = say(of(pair[side]).name);
    });
    var both = pair.map(function (id) { return AtlasPoles.contributions(of(id), used); });
    var gaps = both[0].map(function (value, i) { return value - both[1][i]; });
    var widest = Math.max.apply(null, gaps.map(Math.abs).concat([1e-9]));
    var rows = clear(parts.why);
    model.criteria.forEach(function (c, i) {
      rows.appendChild(line(say(c.name), both[0][i], both[1][i], gaps[i] / widest, pair.some(function (id) {
        return of(id).scaled[i] === null;
      }), c.key));
    });
    var totals = both.map(function (list) { return list.reduce(function (a, b) { return a + b; }, 0); });
    var last = line(A.t("poles_sum"), totals[0], totals[1], null, false, "sum");
    last.className = "ap-sum";
    rows.appendChild(last);
  }

  function line(name, a, b, share, unknown, key) {
    var label = el("th", { scope: "row", text: name });
    if (unknown) { label.appendChild(el("small", { text: " " + A.t("poles_unknown") })); }
    var bar = el("span", { class: "ap-lead", title: digits(a - b) });
    if (share !== null) {
      bar.appendChild(el("i", { class: share < 0 ? "ap-behind" : "ap-ahead", style: {
        width: 50 * Math.abs(share) + "%", left: share < 0 ? 50 - 50 * Math.abs(share) + "%" : "50%"
      } }));
    }
    var cell = el("td", {}, [share === null ? el("span", { class: "ap-num", text: signed(a - b) }) : bar]);
    return el("tr", { "data-key": key, "data-a": a, "data-b": b }, [
      label, el("td", { class: "ap-num", text: digits(a) }), el("td", { class: "ap-num", text: digits(b) }), cell
    ]);
  }
  function signed(value) { return (value > 0 ? "+" : "") + digits(value); }

  /* Map ---------------------------------------------------------------------------------------------------- */

  function writeMap(ranking) {
    var colours = {}, counts = CLASSES.map(function () { return 0; });
    ranking.forEach(function (row) {
      var place = CLASSES.findIndex(function (part) { return row.rank <= part[0]; });
      colours[row.id] = CLASSES[place][1];
      counts[place] += 1;
    });
    var from = 1;
    var lines = CLASSES.map(function (part, i) {
      var to = Math.min(part[0], ranking.length);
      var text = from === to ? String(from) : from + "–" + to;
      from = part[0] + 1;
      return [A.t("poles_rank") + " " + text, part[1], counts[i]];
    }).filter(function (line, i) { return i === 0 || CLASSES[i - 1][0] < ranking.length; });
    A.colour(colours, { title: A.t("poles_map"), lines: lines, note: A.t("poles_map_note") });
  }

  function write() {
    var used = AtlasPoles.weights(model, mine());
    fillPresets();
    writeSliders(used);
    if (!used) { return; }
    var ranking = AtlasPoles.rank(model, used);
    writeRanking(ranking);
    writeChart(ranking);
    writeWhy(ranking, used);
    if (A.state.tab === "poles") { writeMap(ranking); }
  }
})(typeof Atlas === "undefined" ? null : Atlas);
