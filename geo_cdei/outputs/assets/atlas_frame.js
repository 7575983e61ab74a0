/* The page around the views: title, choices, legend, what is known of the selection, export, language, print. */
(function (A) {
  "use strict";

  var ICONS = {
    undo: "M7 5L3.5 8.5L7 12M4 8.5H12a4 4 0 0 1 0 8H9", redo: "M13 5L16.5 8.5L13 12M16 8.5H8a4 4 0 0 0 0 8H11",
    link: "M8.5 11.5L11.5 8.5M9 6.5L11 4.5a3 3 0 0 1 4.5 4.5L13.5 11M11 13.5L9 15.5a3 3 0 0 1 -4.5 -4.5L6.5 9",
    print: "M6 8V3.5H14V8M6 14H4V8.5H16V14H14M6 12H14V16.5H6Z", save: "M10 3V12M6.5 9L10 12.5L13.5 9M4 16H16"
  };
  var holders = {}, over = [];

  function iconButton(key, act) {
    var node = A.el("button", { type: "button", class: "at-icon", "t-title": key, "t-label": key }, [geoCdei.icon(ICONS[key])]);
    node.addEventListener("click", act);
    return node;
  }
  function chooser(key, options, change) {
    var select = geoCdei.el("select", { id: "at-" + key, class: "at-select" });
    select.addEventListener("change", function () { change(select.value); });
    function fill() {
      select.replaceChildren.apply(select, options().map(function (option) {
        return geoCdei.el("option", { value: option[0], text: option[1] });
      }));
    }
    return { select: select, fill: fill, node: geoCdei.el("label", { class: "at-choice", for: "at-" + key }, [A.el("span", { t: key }), select]) };
  }

  /* The frame is made before the views, since they are put into it. */
  A.frame = function (map) {
    document.body.classList.add("at");
    var title = geoCdei.el("h1", {}), foot = geoCdei.el("footer", { class: "at-foot" });
    var main = geoCdei.el("main", { class: "at-main" });
    ["map", "legend", "selection", "rows"].forEach(function (name) {
      holders[name] = A.el("section", { class: "at-" + name, "t-label": "region_" + name });
    });
    var views = geoCdei.el("div", { class: "at-views" });
    holders.views = views;
    var side = A.el("aside", { class: "at-side", "t-label": "region_side" }, [
      A.el("div", { class: "at-tabs", role: "tablist", "t-label": "region_side" }),
      geoCdei.el("div", { class: "at-area" }, [views])
    ]);
    holders.map.appendChild(map.getContainer());
    paper();
    main.append(geoCdei.el("div", { class: "at-left" }, [holders.map, holders.legend, holders.selection, holders.rows]), side);
    var bar = choices();
    document.body.prepend(
      geoCdei.el("header", { class: "at-head" }, [geoCdei.el("div", { class: "at-titles" }, [title, A.el("p", { t: "atlas" })]), actions()]),
      bar.node, main, foot
    );
    A.on("language", function () {
      title.textContent = A.either(A.data.title);
      document.title = A.either(A.data.title) + " · " + A.t("atlas");
      foot.replaceChildren.apply(foot, A.data.lines[A.lang() === "zh" ? 0 : 1].map(function (line) {
        return geoCdei.el("span", { text: line });
      }));
      bar.fill();
      Object.keys(members).forEach(function (key) { members[key].fill(); });
      showMembers();
    });
    A.on("state", bar.show);
  };

  A.views = function () {
    var scatter = A.scatter(), histogram = A.histogram();
    holders.views.append(scatter.node, histogram.node);
    selection(holders.selection);
    A.table(holders.rows);
  };

  /* Choices ---------------------------------------------------------------------------------------------- */

  function choices() {
    function titled(list) { return list.map(function (item) { return [item.key, A.either(item.title)]; }); }
    var all = {
      layer: chooser("layer", function () {
        return A.data.layers.map(function (name) { return [name, A.t("layer_" + name)]; });
      }, function (value) { A.set({ layer: value }); }),
      variable: chooser("variable", function () { return titled(A.data.variables); }, function (value) { A.set({ variable: value }); }),
      graph: chooser("graph", function () { return titled(A.data.graphs); }, function (value) { A.set({ graph: value }); }),
      rule: chooser("rule", function () {
        return [["p", A.t("rule_p")], ["fdr", A.t("rule_fdr")]];
      }, function (value) { A.set({ rule: value }); })
    };
    function show() { Object.keys(all).forEach(function (key) { all[key].select.value = A.state[key]; }); }
    return {
      node: A.el("nav", { class: "at-choices", "t-label": "region_choices" }, Object.keys(all).map(function (key) {
        return all[key].node;
      }).concat(pickers())),
      fill: function () { Object.keys(all).forEach(function (key) { all[key].fill(); }); show(); },
      show: show
    };
  }

  function actions() {
    var undo = iconButton("undo", A.undo), redo = iconButton("redo", A.redo);
    var link = iconButton("link", copyLink), print = iconButton("print", function () { window.print(); });
    var language = geoCdei.el("button", { type: "button", class: "at-button at-language" });
    language.addEventListener("click", function () { A.set({ lang: A.lang() === "zh" ? "en" : "zh" }, { quiet: true }); });
    A.on("language", function () {
      language.textContent = A.lang() === "zh" ? "EN" : "中文";
      language.setAttribute("lang", A.lang() === "zh" ? "en" : "zh-CN");
      language.setAttribute("aria-label", A.lang() === "zh" ? "English" : "中文");
    });
    A.on("state", function () {
      var n = A.undoable();
      undo.disabled = !n[0];
      redo.disabled = !n[1];
    });
    document.addEventListener("keydown", function (event) {
      var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
        event.preventDefault();
        if (event.shiftKey) { A.redo(); } else { A.undo(); }
      }
      if (event.key === "Escape" && !typing) { A.select([]); }
    });
    return geoCdei.el("div", { class: "at-actions" }, [undo, redo, link, exportMenu(), print, language]);
  }

  function copyLink() {
    var text = A.link();
    function told() { A.say(A.t("link_copied")); }
    function byHand() {
      var field = geoCdei.el("textarea", { class: "at-hidden" });
      field.value = text;
      document.body.appendChild(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      told();
    }
    if (navigator.clipboard && window.isSecureContext) { navigator.clipboard.writeText(text).then(told, byHand); } else { byHand(); }
  }

  var toast = null, fading = null;
  A.say = function (message) {
    if (!toast) {
      toast = geoCdei.el("div", { class: "at-toast", role: "status" });
      document.body.appendChild(toast);
    }
    toast.textContent = message;
    toast.hidden = false;
    clearTimeout(fading);
    fading = setTimeout(function () { toast.hidden = true; }, 2500);
  };

  /* Export ----------------------------------------------------------------------------------------------- */

  function exportMenu() {
    var menu = geoCdei.el("div", { class: "at-menu-list" });
    function item(key, act) {
      var button = A.el("button", { type: "button", t: key });
      button.addEventListener("click", function () {
        details.open = false;
        act();
      });
      menu.appendChild(button);
    }
    item("export_selection", function () { A.download("selection.csv", "text/csv", A.csv(selectionRows(A.state.selection))); });
    item("export_all", function () { A.download("cities.csv", "text/csv", A.csv(selectionRows(A.ids))); });
    [["map", A.mapDrawing], ["scatter", function () { return document.querySelector("#at-scatter svg"); }],
      ["histogram", function () { return document.querySelector("#at-histogram svg"); }],
      ["table", function () { return A.tableDrawing(); }]].forEach(function (view) {
      item("export_" + view[0] + "_png", function () {
        A.exportPng(view[1](), view[0]).catch(function () { A.say(A.t("export_failed")); });
      });
      item("export_" + view[0] + "_svg", function () { A.exportSvg(view[1](), view[0]); });
    });
    var summary = A.el("summary", { class: "at-icon", "t-title": "save", "t-label": "save" }, [geoCdei.icon(ICONS.save)]);
    var details = geoCdei.el("details", { class: "at-menu" }, [summary, menu]);
    document.addEventListener("click", function (event) { if (!details.contains(event.target)) { details.open = false; } });
    details.addEventListener("keydown", function (event) {
      if (event.key === "Escape") { details.open = false; summary.focus(); event.stopPropagation(); }
    });
    return details;
  }

  function selectionRows(ids) {
    var head = ["adcode", "city", "city_en", "province", "province_en", "cluster_id"]
      .concat(A.data.variables.map(function (variable) { return variable.key; }))
      .concat(["variable", "graph", "z", "lag", "I", "quadrant", "p_sim", "significant", "significant_fdr"]);
    return [head].concat(ids.map(function (id) {
      var i = A.index[id], found = A.local(i), c = A.data.cluster[i], province = A.data.provinces[A.data.province[i]];
      return [id, A.data.names[i][0], A.data.names[i][1], province[0], province[1], c < 0 ? "" : A.data.clusters.ids[c]]
        .concat(A.data.variables.map(function (variable) { return variable.values[i]; }))
        .concat([A.state.variable, A.state.graph, found.z, found.lag, found.I, found.quadrant, found.p,
          found.p === null ? null : found.significant, found.p === null ? null : found.significant_fdr]);
    }));
  }

  /* The map as one drawing: title, what is in view, legend, and the lines that stand under every map. */
  A.mapDrawing = function () {
    var size = A.mapSize(), found = A.classes(), foot = A.data.lines[A.lang() === "zh" ? 0 : 1];
    var lines = (found.legend || found.lines).concat(unscored()).filter(function (line) { return line.label; });
    var wide = size[0] + 250, tall = 56 + Math.max(size[1], 40 + (lines.length + over.length) * 20) + 16 + foot.length * 16;
    var svg = A.svg(wide, tall, { "data-plain": "", "font-family": "sans-serif", "font-size": 12 });
    svg.appendChild(A.hatch());
    function put(x, y, said, more) { A.draw(svg, "text", Object.assign({ x: x, y: y, fill: "#1f2a33", text: said }, more || {})); }
    A.draw(svg, "rect", { width: wide, height: tall, fill: "#ffffff" });
    put(16, 34, A.either(A.data.title), { "font-size": 18, "font-weight": 600 });
    var map = A.mapGroup();
    map.setAttribute("y", 56);
    svg.appendChild(map);
    wrapped(found.title, 26).forEach(function (part, k) { put(size[0] + 16, 72 + k * 16, part, { "font-weight": 600 }); });
    lines.forEach(function (line, k) {
      var y = 112 + k * 20;
      A.draw(svg, "rect", { x: size[0] + 16, y: y - 10, width: 18, height: 12, fill: line.colour, stroke: "#b9c3ca" });
      put(size[0] + 42, y, line.label);
      put(wide - 14, y, String(line.count), { "text-anchor": "end", fill: "#5b6670" });
    });
    over.forEach(function (overlay, k) {
      A.draw(svg, "g", { transform: "translate(" + (size[0] + 14) + " " + (102 + (lines.length + k) * 20) + ")" })
        .appendChild(mark(overlay));
      put(size[0] + 42, 112 + (lines.length + k) * 20, A.either(overlay.title));
    });
    foot.forEach(function (line, k) { put(16, tall - (foot.length - k) * 16 + 6, line, { "font-size": 11, fill: "#5b6670" }); });
    return svg;
  };
  function wrapped(text, most) {
    var lines = [""], wide = 0;
    (text.match(/[\u2e80-\uffef]|[^\u2e80-\uffef\s]+\s*/g) || []).forEach(function (piece) {
      var long = /[\u2e80-\uffef]/.test(piece) ? 2 : piece.length;
      if (wide + long > most && wide) { lines.push(""); wide = 0; }
      lines[lines.length - 1] += piece;
      wide += long;
    });
    return lines;
  }

  /* Paper has its own size and the map on the screen keeps that of the screen, so paper is given a drawing of it. */
  function paper() {
    var sheet = geoCdei.el("div", { class: "at-paper", "aria-hidden": "true" });
    // the hatching stands apart from the map, since paper hides that
    holders.map.append(sheet, geoCdei.svg("svg", { width: 0, height: 0, class: "at-hidden", "aria-hidden": "true" }, [A.hatch()]));
    window.addEventListener("beforeprint", function () {
      var drawing = A.mapGroup();
      drawing.removeAttribute("width");
      drawing.removeAttribute("height");
      sheet.replaceChildren(drawing);
    });
    window.addEventListener("afterprint", function () { sheet.replaceChildren(); });
  }

  /* Legend ----------------------------------------------------------------------------------------------- */

  /* The units that no score was given to: hatched under every layer, as on the other pages. */
  function unscored() {
    var n = A.data.units.names.length - A.ids.length;
    return n > 0 ? [{ label: A.t("not_scored"), colour: "url(#at-hatch)", count: n, hatched: true }] : [];
  }
  A.hatch = function () {
    return geoCdei.svg("defs", {}, [geoCdei.svg("pattern", {
      id: "at-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)"
    }, [
      geoCdei.svg("rect", { width: 6, height: 6, fill: "#f3f3f1" }),
      geoCdei.svg("path", { d: "M0 0V6", stroke: "#d6d8d8", "stroke-width": 1.6 })
    ])]);
  };

  A.legend = function (found, overlays) {
    var clickable = !found.legend;
    var list = (found.legend || found.lines).concat(unscored()).map(function (line, number) {
      var press = clickable && !line.hatched, swatch = "at-swatch" + (line.hatched ? " gc-hatched" : "");
      var parts = [
        geoCdei.el("span", { class: swatch, style: line.hatched ? {} : { backgroundColor: line.colour } }),
        geoCdei.el("span", { text: line.label }), geoCdei.el("span", { class: "at-quiet", text: String(line.count) })
      ];
      var node = geoCdei.el(press ? "button" : "span", press ? { type: "button", class: "at-line" } : { class: "at-line" }, parts);
      if (press) {
        node.setAttribute("aria-label", A.t("select_class", { name: line.label, n: line.count }));
        node.addEventListener("click", function (event) {
          A.select(A.ids.filter(function (id, i) { return found.of[i] === number; }), event.shiftKey ? "toggle" : "replace");
        });
      }
      return node;
    });
    over = overlays.filter(function (overlay) { return overlay.layers.length; });
    var drawn = over.map(function (overlay) {
      return geoCdei.el("span", { class: "at-line" }, [
        geoCdei.svg("svg", { viewBox: "0 0 22 8", width: 22, height: 8, "aria-hidden": "true" }, [mark(overlay)]), geoCdei.el("span", { text: A.either(overlay.title) })
      ]);
    });
    holders.legend.replaceChildren.apply(holders.legend, [geoCdei.el("strong", { text: found.title })].concat(
      list, drawn, found.note ? [geoCdei.el("span", { class: "at-quiet", text: found.note })] : []));
  };

  /* How an overlay stands in a legend: a dot or a line, 22 by 8. */
  function mark(overlay) {
    var first = overlay.shapes.features[0], style = overlay.style;
    if (first && first.geometry.type === "Point") { return geoCdei.svg("circle", { cx: 11, cy: 4, r: 3.6, fill: style.colour }); }
    return geoCdei.svg("path", {
      d: "M1 4H21", fill: "none", stroke: style.colour, "stroke-width": Math.min(3, style.weight + 0.4),
      "stroke-dasharray": style.dash, opacity: style.opacity
    });
  }

  /* Selection -------------------------------------------------------------------------------------------- */

  var members = {};

  function pickers() {
    function picker(key, options, places) {
      var made = chooser(key, function () { return [["", A.t("choose_" + key)]].concat(options()); }, function (value) {
        if (value !== "") { A.select(places(value).map(function (i) { return A.ids[i]; })); }
      });
      made.node.classList.add("at-picker");
      members[key] = made;
      return made.node;
    }
    var clear = A.el("button", { type: "button", class: "at-button", t: "clear" });
    clear.addEventListener("click", function () { A.select([]); });
    A.on("state", function () { clear.disabled = !A.chosen.size; });
    return [
      picker("cluster", function () {
        return A.data.clusters.ids.map(function (id) { return [id, A.clusterName(id)]; });
      }, function (value) { return A.data.clusters.members[A.data.clusters.ids.indexOf(value)]; }),
      picker("province", function () {
        return A.data.provinces.map(function (pair, k) { return [String(k), A.either(pair)]; });
      }, function (value) { return inProvince(Number(value)); }),
      clear
    ];
  }
  var byProvince = null;
  function inProvince(number) {
    if (!byProvince) {
      byProvince = A.data.provinces.map(function () { return []; });
      A.data.province.forEach(function (k, i) { byProvince[k].push(i); });
    }
    return byProvince[number];
  }
  /* The cluster or province that the selection is, if it is one. */
  function showMembers() {
    members.cluster.select.value = same(A.data.clusters.members, A.data.clusters.ids);
    members.province.select.value = same(A.data.provinces.map(function (pair, k) { return inProvince(k); }), null);
  }
  function same(lists, keys) {
    var at = lists.findIndex(function (list) {
      return list.length && list.length === A.chosen.size && list.every(function (i) { return A.chosen.has(A.ids[i]); });
    });
    return at < 0 ? "" : keys ? keys[at] : String(at);
  }

  function selection(root) {
    var facts = geoCdei.el("dl", { class: "at-facts", "aria-live": "polite" });
    root.append(facts);
    var tiles = ["n", "mean", "within", "across", "rest", "whole"].map(function (key) {
      var value = geoCdei.el("dd", {}), more = geoCdei.el("dd", { class: "at-quiet" });
      facts.appendChild(geoCdei.el("div", { class: "at-fact", id: "at-fact-" + key }, [A.el("dt", { t: "fact_" + key, "t-title": "fact_" + key + "_why" }), value, more]));
      return { key: key, value: value, more: more };
    });
    function show() {
      var said = facts_();
      tiles.forEach(function (tile) {
        tile.value.textContent = said[tile.key][0];
        tile.more.textContent = said[tile.key][1];
      });
      showMembers();
    }
    A.on("state", function (changed) {
      if (["selection", "variable", "graph", "lang"].some(changed.has, changed)) { show(); }
    });
  }
  function facts_() {
    var variable = A.variable(), chosen = [], rest = [];
    A.ids.forEach(function (id, i) { (A.chosen.has(id) ? chosen : rest).push(i); });
    var own = A.weightedMean(chosen, variable.values), other = A.weightedMean(rest, variable.values);
    var parts = A.moranParts(A.chosen), whole = A.data.moran[A.state.variable][A.state.graph];
    function part(k) { return [A.number(parts[k].I, 3), A.t("share_of_links", { share: A.number(100 * parts[k].share, 1) })]; }
    return {
      n: [A.number(chosen.length, 0), A.t("of_n", { n: A.ids.length })],
      mean: [A.number(own.mean, variable.digits), A.t("rest_mean", { mean: A.number(other.mean, variable.digits), weights: A.either(A.data.weights) })],
      within: part(0), across: part(1), rest: part(2),
      whole: [A.number(whole[0], 3), "p = " + A.number(whole[1], 4)]
    };
  }
  A.facts = facts_;
})(Atlas);
