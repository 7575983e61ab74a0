/* What if a city scored more, or stood in another cluster: the arithmetic of score_clusters, without the page. */
var AtlasWhatIf = (function () {
  "use strict";

  var FEWEST = 3; // scored members that a cluster needs to be classed
  var NEEDS = { score: ["value"], move: ["from", "to"], add: ["to"], remove: ["from"] };
  var ROLES = ["primary", "secondary"];

  function known(value) { return typeof value === "number" && isFinite(value); }
  function sum(list) { return list.reduce(function (total, value) { return total + value; }, 0); }

  /* Changes ---------------------------------------------------------------------------------------------- */

  function placeOf(model, id) { return model.ids.indexOf(id); }
  function clusterOf(model, id) {
    return model.clusters.findIndex(function (cluster) { return cluster.id === id; });
  }
  function scored(model, score, place) { return place < score.length && known(score[place]); }

  /* Role of every member by "place/cluster". */
  function held(model) {
    var found = new Map();
    model.members.forEach(function (row) { found.set(row[1] + "/" + row[0], row[2]); });
    return found;
  }
  function roleOf(model, edit, roles) {
    return edit.role || roles.get(placeOf(model, edit.id) + "/" + clusterOf(model, edit.from)) || "primary";
  }

  /* Scores and memberships after the changes: first all that is left, then all that is entered. */
  function apply(model, edits) {
    var score = model.score.slice(), gone = new Set(), roles = held(model);
    edits.forEach(function (edit) {
      var place = placeOf(model, edit.id);
      if (edit.kind === "score") { score[place] = edit.value; }
      if (edit.from) { gone.add(place + "/" + clusterOf(model, edit.from)); }
    });
    var members = model.members.filter(function (row) { return !gone.has(row[1] + "/" + row[0]); });
    edits.forEach(function (edit) {
      if (!edit.to) { return; }
      var place = placeOf(model, edit.id), role = roleOf(model, edit, roles);
      if (!scored(model, score, place)) { role = "unscored"; } else if (role === "unscored") { role = "primary"; }
      members.push([clusterOf(model, edit.to), place, role]);
    });
    members = members.map(function (row, i) { return [row, i]; }).sort(function (a, b) {
      return a[0][0] - b[0][0] || a[1] - b[1];
    }).map(function (pair) { return pair[0]; });
    return { score: score, members: members };
  }

  /* What keeps changes from being a table that the pipeline takes: [text key, the change]. */
  function faults(model, edits) {
    var found = [], touched = new Set(), left = new Set(), roles = held(model);
    function bad(key, edit) { found.push([key, edit]); }
    edits.forEach(function (edit) {
      var place = edit ? placeOf(model, edit.id) : -1;
      if (!edit || place < 0 || !NEEDS[edit.kind] || !NEEDS[edit.kind].every(function (key) {
        return key === "value" ? known(edit.value) : clusterOf(model, edit[key]) >= 0;
      }) || (edit.role && ROLES.indexOf(edit.role) < 0)) {
        bad("whatif_fault_unknown", edit);
        return;
      }
      if (edit.kind === "score") {
        if (edit.value < model.limits[0] || edit.value > model.limits[1]) { bad("whatif_fault_limits", edit); }
        if (place >= model.score.length) { bad("whatif_fault_unscored", edit); }
      }
      if (edit.from && !roles.has(place + "/" + clusterOf(model, edit.from))) { bad("whatif_fault_absent", edit); }
      [["score", edit.kind === "score"], ["from" + edit.from, edit.from], ["to" + edit.to, edit.to]].forEach(
        function (what) {
          if (!what[1]) { return; }
          if (touched.has(place + what[0])) { bad("whatif_fault_twice", edit); }
          touched.add(place + what[0]);
        });
      if (edit.from) { left.add(place + "/" + clusterOf(model, edit.from)); }
    });
    return found.length ? found : jointFaults(model, edits, roles, left);
  }

  function jointFaults(model, edits, roles, left) {
    var found = [], now = new Map();
    roles.forEach(function (role, key) { if (!left.has(key)) { now.set(key, role); } });
    edits.forEach(function (edit) {
      if (!edit.to) { return; }
      var place = placeOf(model, edit.id), key = place + "/" + clusterOf(model, edit.to);
      if (now.has(key)) { found.push(["whatif_fault_there", edit]); }
      now.set(key, roleOf(model, edit, roles));
      var homes = model.clusters.filter(function (cluster, c) { return now.get(place + "/" + c) === "primary"; });
      if (homes.length > 1 && place < model.score.length) { found.push(["whatif_fault_primary", edit]); }
    });
    var filled = new Set(Array.from(now.keys()).map(function (key) { return key.split("/")[1]; }));
    edits.forEach(function (edit) {
      if (edit.from && !filled.has(String(clusterOf(model, edit.from)))) { found.push(["whatif_fault_empty", edit]); }
    });
    return found;
  }

  /* The changes that can be made of what a link holds. */
  function sound(model, edits) {
    var given = Array.isArray(edits) ? edits : [];
    if (!faults(model, given).length) { return given; }
    var kept = [];
    given.filter(Boolean).sort(function (a, b) { return (a.kind === "remove" ? 0 : 1) - (b.kind === "remove" ? 0 : 1); })
      .forEach(function (edit) { if (!faults(model, kept.concat([edit])).length) { kept.push(edit); } });
    return kept;
  }

  function withScore(model, edits, id, value) {
    var rest = edits.filter(function (edit) { return !(edit.kind === "score" && edit.id === id); });
    var rounded = Math.round(Math.min(model.limits[1], Math.max(model.limits[0], value)) * 1e4) / 1e4;
    return rounded === model.score[placeOf(model, id)] ? rest : rest.concat([{ kind: "score", id: id, value: rounded }]);
  }

  function withoutHome(edits, id) {
    return edits.filter(function (edit) { return edit.id !== id || edit.kind === "score"; });
  }
  /* The changes that make a cluster (or null: none) the one of a city, whatever was changed of its membership. */
  function withHome(model, edits, id, to) {
    var place = placeOf(model, id), rest = withoutHome(edits, id), roles = held(model);
    var from = model.clusters.find(function (cluster, c) { return roles.get(place + "/" + c) === "primary"; });
    if (from && from.id === to) { return rest; }
    if (to === null) { return from ? rest.concat([{ kind: "remove", id: id, from: from.id }]) : rest; }
    if (roles.has(place + "/" + clusterOf(model, to))) { rest = rest.concat([{ kind: "remove", id: id, from: to }]); }
    return rest.concat([from ? { kind: "move", id: id, from: from.id, to: to } : { kind: "add", id: id, to: to }]);
  }

  /* Rows of overrides.csv, scores first. */
  function table(model, edits) {
    var head = ["kind", "adcode", "city", "value", "from_cluster", "cluster_id", "role"];
    var first = edits.filter(function (edit) { return edit.kind === "score"; });
    var rest = edits.filter(function (edit) { return edit.kind !== "score"; });
    return [head].concat(first.concat(rest).map(function (edit) {
      return [edit.kind, edit.id, model.names[placeOf(model, edit.id)][0],
        edit.kind === "score" ? edit.value : "", edit.from || "", edit.to || "", edit.role || ""];
    }));
  }

  /* Scores of the clusters ------------------------------------------------------------------------------- */

  function scoreClusters(model, state) {
    return model.clusters.map(function (cluster, c) {
      var counted = state.members.filter(function (row) {
        return row[0] === c && (model.roles.indexOf(row[2]) >= 0 || row[2] === "unscored");
      });
      return counted.length ? oneCluster(model, state.score, counted, cluster.id) : null;
    });
  }

  function oneCluster(model, score, counted, id) {
    var inside = counted.filter(function (row) { return row[2] !== "unscored" && row[1] < score.length; });
    var usable = inside.filter(function (row) { return known(score[row[1]]) && known(model.weight[row[1]]); });
    var total = sum(usable.map(function (row) { return model.weight[row[1]]; }));
    var used = total > 0 ? usable : [];
    var parts = used.map(function (row) {
      var w = model.weight[row[1]], y = score[row[1]];
      return { place: row[1], w: w, y: y, share: w / total };
    });
    var product = sum(parts.map(function (part) { return part.w * part.y; }));
    var mean = parts.length ? sum(parts.map(function (part) { return part.share * part.y; })) : null;
    parts.forEach(function (part) {
      part.without = total - part.w > 0 ? (product - part.w * part.y) / (total - part.w) : null;
    });
    var moving = parts.filter(function (part) { return part.without !== null; });
    var withouts = moving.map(function (part) { return part.without; });
    var top = moving.reduce(function (best, part) {
      return !best || Math.abs(part.without - mean) > Math.abs(best.without - mean) ? part : best;
    }, null) || (parts.length === 1 ? parts[0] : null);
    var left = inside.filter(function (row) { return used.indexOf(row) < 0; });
    return {
      id: id, score: mean, n_scored: parts.length, n_members: counted.length,
      coverage: parts.length / counted.length, weight_coverage: weightCoverage(model, score, counted),
      spread: parts.length ? Math.sqrt(sum(parts.map(function (part) {
        return part.share * Math.pow(part.y - mean, 2);
      }))) : null,
      loo_min: withouts.length ? Math.min.apply(null, withouts) : null,
      loo_max: withouts.length ? Math.max.apply(null, withouts) : null,
      top_member: top ? model.names[top.place][0] : "",
      left_out: left.map(function (row) { return model.names[row[1]][0]; }).join(";")
    };
  }

  function weightCoverage(model, score, counted) {
    if (model.weights === "equal") { return null; }
    var weights = counted.map(function (row) { return row[1] < score.length ? model.weight[row[1]] : null; });
    if (!weights.every(known) || !(sum(weights) > 0)) { return null; }
    return sum(counted.map(function (row, i) { return known(score[row[1]]) ? weights[i] : 0; })) / sum(weights);
  }

  /* Rank from the highest score down; equal scores share the better rank. */
  function ranks(rows) {
    var rounded = rows.map(function (row) { return row && row.score !== null ? Math.round(row.score * 1e9) : null; });
    return rounded.map(function (mine) {
      return mine === null ? null : 1 + rounded.filter(function (other) { return other !== null && other > mine; }).length;
    });
  }

  /* Classes as in the base scenario of the pattern: natural breaks of the tested clusters, at the run's k. */
  function classes(model, state) {
    var tested = [], means = [];
    model.clusters.forEach(function (cluster, c) {
      var inside = state.members.filter(function (row) {
        return row[0] === c && row[2] === "primary" && row[1] < state.score.length && model.classed[row[1]] &&
          known(state.score[row[1]]);
      });
      if (inside.length < FEWEST) { return; }
      var total = sum(inside.map(function (row) { return model.weight[row[1]]; }));
      tested.push(c);
      means.push(sum(inside.map(function (row) { return model.weight[row[1]] * state.score[row[1]]; })) / total);
    });
    var found = model.clusters.map(function () { return null; });
    if (!model.k || tested.length < model.k) { return found; }
    naturalBreaks(means, model.k).forEach(function (label, i) { found[tested[i]] = label; });
    return found;
  }

  /* Fisher-Jenks by the dynamic programme: 1 is the highest class; equal numbers share the lower one. */
  function naturalBreaks(values, k) {
    var n = values.length;
    var order = values.map(function (_, i) { return i; }).sort(function (a, b) { return values[a] - values[b] || a - b; });
    var ordered = order.map(function (i) { return values[i]; });
    var cost = costs(ordered), best = cost[0], choices = [];
    for (var level = 1; level < k; level += 1) {
      var next = [], choice = [];
      for (var end = 0; end < n; end += 1) {
        var low = Infinity, at = 1;
        for (var start = 1; start <= end; start += 1) {
          var total = best[start - 1] + cost[start][end];
          if (total < low) { low = total; at = start; }
        }
        next.push(low);
        choice.push(at);
      }
      best = next;
      choices.push(choice);
    }
    var starts = [], last = n - 1;
    choices.reverse().forEach(function (choice) {
      starts.push(choice[last]);
      last = choice[last] - 1;
    });
    var labels = ordered.map(function (_, place) {
      return 1 + starts.filter(function (start) { return place < start; }).length;
    });
    var found = [];
    order.forEach(function (i, place) {
      if (place && ordered[place] === ordered[place - 1]) { labels[place] = labels[place - 1]; }
      found[i] = labels[place];
    });
    return found;
  }

  function costs(ordered) {
    var n = ordered.length, mean = sum(ordered) / n, first = [0], second = [0];
    ordered.forEach(function (value, i) {
      first.push(first[i] + value - mean);
      second.push(second[i] + Math.pow(value - mean, 2));
    });
    return ordered.map(function (_, i) {
      return ordered.map(function (__, j) {
        return j < i ? Infinity : Math.max(0, second[j + 1] - second[i] -
          Math.pow(first[j + 1] - first[i], 2) / (j - i + 1));
      });
    });
  }

  /* Everything at once: rows of the clusters with rank and class. */
  function answer(model, edits) {
    var state = apply(model, edits), rows = scoreClusters(model, state);
    return { state: state, rows: rows, ranks: ranks(rows), classes: classes(model, state) };
  }

  return {
    answer: answer, apply: apply, faults: faults, sound: sound, withScore: withScore, withHome: withHome,
    withoutHome: withoutHome, table: table, naturalBreaks: naturalBreaks, placeOf: placeOf, clusterOf: clusterOf
  };
})();

(function (A) {
  "use strict";
  if (!A) { return; }

  var el = A.el, W = AtlasWhatIf;
  var MOST = 10; // chosen cities that are named one by one
  // ColorBrewer YlGnBu, darkest for the highest class
  var COLOURS = ["#0c2c84", "#1d91c0", "#7fcdbb", "#d5efb3", "#f0f4c3", "#f7f7e8"];
  var UNTESTED = "#c9ced2", OUTSIDE = "#f0f2f3", COMMAND = "geo-cdei run";
  var model, before, parts = {};

  function say(pair) { return A.either(pair); }
  function clear(node) { while (node.firstChild) { node.removeChild(node.firstChild); } return node; }
  function edits() { return W.sound(model, (A.state.whatif || {}).edits); }
  function put(list) { A.set({ whatif: { edits: list } }); }
  function cityName(id) { return say(model.names[W.placeOf(model, id)]); }
  function clusterName(id) { return say(model.clusters[W.clusterOf(model, id)].name); }
  function one(value) { return A.number(value, 1); }

  A.addPanel({
    id: "whatif",
    titleKey: "whatif_tab",
    get start() { return { edits: A.data.whatif ? A.data.whatif.start : [] }; },
    build: function (root) {
      model = A.data.whatif;
      if (!model) {
        root.appendChild(el("p", { class: "ap-none", t: "whatif_none" }));
        return;
      }
      before = W.answer(model, []);
      root.classList.add("ap-whatif");
      root.append(chosen(), change(), changes(), clusters(), others());
      A.on("language", write);
      A.on("selection", function () { if (A.state.tab === "whatif") { writeChosen(W.answer(model, edits())); } });
    },
    update: function (changed) {
      if (model && (changed.has("whatif") || changed.has("lang") || changed.has("tab"))) { write(); }
    }
  });

  function block(titleKey, children) {
    return el("section", { class: "ap-block" }, [el("h3", { t: titleKey })].concat(children));
  }
  function note(key) { return el("p", { class: "ap-note", t: key }); }
  function button(key, action, more) {
    var node = el("button", Object.assign({ type: "button", class: "ap-button", t: key }, more || {}));
    node.addEventListener("click", action);
    return node;
  }

  /* The cities in question ------------------------------------------------------------------------------- */

  function chosen() {
    parts.chips = el("ul", { class: "ap-chips" });
    parts.names = el("datalist", { id: "ap-cities" });
    parts.find = el("input", { type: "text", list: "ap-cities", id: "ap-find", autocomplete: "off",
      "t-placeholder": "whatif_find", "t-label": "whatif_find" });
    parts.find.addEventListener("change", function () {
      var wanted = parts.find.value.trim().toLowerCase();
      var place = model.names.findIndex(function (pair, i) {
        return i < model.score.length && pair.some(function (name) { return name.toLowerCase() === wanted; });
      });
      if (place >= 0) {
        A.select([model.ids[place]], "add");
        parts.find.value = "";
      }
    });
    return block("whatif_chosen", [note("whatif_intro"), parts.find, parts.names, parts.chips]);
  }

  function writeChosen(now) {
    var list = clear(parts.chips);
    subject().slice(0, MOST).forEach(function (id) {
      var place = W.placeOf(model, id), changed = now.state.score[place] !== model.score[place];
      var away = el("button", { type: "button", class: "ap-away", text: "×",
        "aria-label": A.t("whatif_unchoose", { city: cityName(id) }) });
      away.addEventListener("click", function () { A.select([id], "toggle"); });
      list.appendChild(el("li", {}, [
        el("span", { text: cityName(id) }), el("b", { class: changed ? "ap-changed" : "", text: one(now.state.score[place]) }),
        away
      ]));
    });
    var more = subject().length - MOST;
    if (more > 0) { list.appendChild(el("li", { class: "ap-more", text: A.t("whatif_more", { n: more }) })); }
    parts.actions.forEach(function (node) { node.disabled = !subject().length; });
  }
  function subject() {
    return A.state.selection.filter(function (id) {
      var place = W.placeOf(model, id);
      return place >= 0 && place < model.score.length;
    });
  }

  /* What is done to them --------------------------------------------------------------------------------- */

  function change() {
    parts.points = el("input", { type: "number", id: "ap-points", min: 0, max: 100, step: 0.1, value: 5,
      "t-label": "whatif_points" });
    parts.target = el("select", { id: "ap-target", "t-label": "whatif_target" });
    parts.said = el("p", { class: "ap-warn", role: "alert" });
    parts.said.hidden = true;
    parts.actions = [
      button("whatif_raise", function () { raise(1); }), button("whatif_lower", function () { raise(-1); }),
      button("whatif_move", function () { move(parts.target.value); }),
      button("whatif_out", function () { move(null); })
    ];
    return block("whatif_change", [
      el("div", { class: "ap-row" }, [
        el("label", { for: "ap-points", t: "whatif_points" }), parts.points, parts.actions[0], parts.actions[1]
      ]),
      el("div", { class: "ap-row" }, [parts.target, parts.actions[2], parts.actions[3]]), parts.said
    ]);
  }

  function raise(sign) {
    var by = Number(parts.points.value), list = edits();
    if (!isFinite(by)) { return; }
    var score = W.apply(model, list).score;
    subject().forEach(function (id) {
      var now = score[W.placeOf(model, id)];
      if (typeof now === "number") { list = W.withScore(model, list, id, now + sign * by); }
    });
    take(list);
  }
  function move(to) {
    var list = edits();
    subject().forEach(function (id) { list = W.withHome(model, list, id, to); });
    take(list);
  }
  function take(list) {
    var wrong = W.faults(model, list);
    parts.said.hidden = !wrong.length;
    if (!wrong.length) {
      put(list);
      return;
    }
    var edit = wrong[0][1];
    parts.said.textContent = A.t(wrong[0][0], {
      city: cityName(edit.id), cluster: edit.from || edit.to ? clusterName(edit.from || edit.to) : ""
    });
  }

  /* The list of changes ---------------------------------------------------------------------------------- */

  function changes() {
    parts.list = el("ul", { class: "ap-changes" });
    parts.nothing = note("whatif_nothing");
    parts.save = button("whatif_save", save, { id: "ap-save" });
    parts.clear = button("whatif_clear", function () { put([]); });
    parts.how = el("p", { class: "ap-note" });
    return block("whatif_changes", [
      parts.list, parts.nothing, el("div", { class: "ap-buttons" }, [parts.save, parts.clear]), parts.how
    ]);
  }

  function writeChanges(list) {
    var rows = clear(parts.list);
    list.forEach(function (edit) {
      var away = el("button", { type: "button", class: "ap-away", text: "×",
        "aria-label": A.t("whatif_undo", { city: cityName(edit.id) }) });
      away.addEventListener("click", function () {
        put(edit.kind === "score" ? edits().filter(function (other) {
          return !(other.kind === "score" && other.id === edit.id);
        }) : W.withoutHome(edits(), edit.id));
      });
      rows.appendChild(el("li", { "data-kind": edit.kind }, [el("span", { text: sentence(edit) }), away]));
    });
    parts.nothing.hidden = list.length > 0;
    // the study may hold overrides of its own: to take them all back is a change too
    parts.save.disabled = !list.length;
    parts.clear.disabled = !list.length;
    parts.how.textContent = A.t("whatif_how", { command: COMMAND });
  }
  function sentence(edit) {
    return A.t("whatif_said_" + edit.kind, {
      city: cityName(edit.id), from: edit.from ? clusterName(edit.from) : "", to: edit.to ? clusterName(edit.to) : "",
      before: edit.kind === "score" ? one(model.score[W.placeOf(model, edit.id)]) : "",
      after: edit.kind === "score" ? one(edit.value) : ""
    });
  }
  function save() { A.download("overrides.csv", "text/csv", A.csv(W.table(model, edits()))); }

  /* The answer ------------------------------------------------------------------------------------------- */

  function clusters() {
    parts.rows = el("tbody");
    parts.about = el("p", { class: "ap-note" });
    return block("whatif_clusters", [el("div", { class: "ap-scroll" }, [el("table", { class: "ap-table" }, [
      el("thead", {}, [el("tr", {}, [
        el("th", { scope: "col", class: "ap-num", t: "whatif_rank" }), el("th", { scope: "col", t: "whatif_cluster" }),
        el("th", { scope: "col", class: "ap-num", t: "whatif_score" }),
        el("th", { scope: "col", class: "ap-num", t: "whatif_gain" }),
        el("th", { scope: "col", class: "ap-num", t: "whatif_class" }),
        el("th", { scope: "col", class: "ap-num", t: "whatif_members" })
      ])]), parts.rows
    ])]), parts.about]);
  }

  function writeClusters(now) {
    var rows = clear(parts.rows);
    var order = model.clusters.map(function (_, c) { return c; }).sort(function (a, b) {
      return (now.ranks[a] || 1e9) - (now.ranks[b] || 1e9) || a - b;
    });
    order.forEach(function (c) {
      var row = now.rows[c], old = before.rows[c];
      if (!row) { return; }
      var gain = row.score !== null && old && old.score !== null ? row.score - old.score : null;
      var touched = gain === null || Math.abs(gain) > 1e-9 || now.ranks[c] !== before.ranks[c] ||
        now.classes[c] !== before.classes[c] || row.n_members !== old.n_members;
      var name = el("button", { type: "button", class: "ap-link", text: say(model.clusters[c].name) });
      name.addEventListener("click", function () { A.select(membersOf(now, c)); });
      rows.appendChild(el("tr", {
        class: touched ? "ap-touched" : "", "data-id": row.id, "data-score": row.score === null ? "" : row.score,
        "data-rank": now.ranks[c] || "", "data-class": now.classes[c] || ""
      }, [
        el("td", { class: "ap-num" }, shift(before.ranks[c], now.ranks[c])), el("td", {}, [name]),
        el("td", { class: "ap-num", text: one(row.score) }),
        el("td", { class: "ap-num " + (gain > 0 ? "ap-up" : gain < 0 ? "ap-down" : ""),
          text: gain === null || Math.abs(gain) < 0.005 ? "" : (gain > 0 ? "+" : "") + A.number(gain, 2) }),
        el("td", { class: "ap-num" }, shift(before.classes[c], now.classes[c])),
        el("td", { class: "ap-num", text: row.n_scored + "/" + row.n_members })
      ]));
    });
    parts.about.textContent = A.t("whatif_about", { k: model.k || "—" });
  }
  function shift(from, to) {
    var now = el("span", { text: to === null ? "—" : to });
    return from === to ? [now] : [el("s", { text: from === null ? "—" : from }), document.createTextNode(" "), now];
  }
  function membersOf(now, c) {
    return now.state.members.filter(function (row) {
      return row[0] === c && model.roles.indexOf(row[2]) >= 0;
    }).map(function (row) { return model.ids[row[1]]; });
  }

  /* What only another run can say: grey as soon as something is changed. */
  function others() {
    parts.held = el("ul", { class: "ap-held" });
    parts.heldNote = el("p", { class: "ap-note" });
    return block("whatif_held", [parts.held, parts.heldNote]);
  }
  function writeOthers(list) {
    var rows = clear(parts.held);
    Object.keys(model.held).forEach(function (key) {
      var v = model.held[key], share = key === "poles";
      var said = A.t("whatif_held_" + key, {
        a: share ? A.number(100 * v[0], 0) : key === "moran" ? A.number(v[0], 3) : v[0],
        b: v.length > 1 ? (key === "moran" ? A.number(v[1], 4) : v[1]) : ""
      });
      rows.appendChild(el("li", { class: list.length ? "ap-stale" : "", "aria-disabled": String(list.length > 0) }, [
        el("span", { text: said })
      ]));
    });
    clear(parts.heldNote);
    if (list.length) {
      parts.heldNote.appendChild(el("span", { text: A.t("whatif_stale") + " " }));
      parts.heldNote.appendChild(el("code", { text: COMMAND }));
    } else {
      parts.heldNote.textContent = A.t("whatif_fresh");
    }
  }

  function writeMap(now) {
    var colours = {}, counts = {};
    var home = {};
    model.ids.slice(0, model.score.length).forEach(function (id) { colours[id] = OUTSIDE; });
    now.state.members.forEach(function (row) {
      if (row[2] !== "primary" || row[1] >= model.score.length) { return; }
      home[row[1]] = now.classes[row[0]];
      colours[model.ids[row[1]]] = now.classes[row[0]] ? shade(now.classes[row[0]]) : UNTESTED;
    });
    now.classes.forEach(function (label, c) {
      if (now.rows[c]) { counts[label || 0] = (counts[label || 0] || 0) + 1; }
    });
    var lines = [];
    for (var label = 1; label <= (model.k || 0); label += 1) {
      lines.push([A.t("whatif_class_n", { n: label }), shade(label), counts[label] || 0]);
    }
    lines.push([A.t("whatif_untested"), UNTESTED, counts[0] || 0]);
    lines.push([A.t("whatif_outside"), OUTSIDE, model.score.length - Object.keys(home).length]);
    A.colour(colours, { title: A.t("whatif_map"), lines: lines, note: A.t("whatif_map_note") });
  }
  function shade(label) { return COLOURS[Math.min(COLOURS.length, label) - 1]; }

  function write() {
    var list = edits(), now = W.answer(model, list);
    var target = parts.target.value;
    clear(parts.target);
    model.clusters.forEach(function (cluster) {
      parts.target.appendChild(el("option", { value: cluster.id, text: say(cluster.name) }));
    });
    if (target) { parts.target.value = target; }
    clear(parts.names);
    model.names.slice(0, model.score.length).forEach(function (pair) {
      parts.names.appendChild(el("option", { value: say(pair) }));
    });
    parts.said.hidden = true;
    writeChosen(now);
    writeChanges(list);
    writeClusters(now);
    writeOthers(list);
    if (A.state.tab === "whatif") { writeMap(now); }
  }
})(typeof Atlas === "undefined" ? null : Atlas);
