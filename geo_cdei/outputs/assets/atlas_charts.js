/* Moran scatterplot and histogram of the chosen variable; both select what the map and the table select. */
(function (A) {
  "use strict";

  var ACCENT = "#0b5f8a", PALE = "#c6d3dc", RULE = "#c4cdd3", TEXT = "#5b6670";
  var BARS = 14;

  function figure(id, titleKey) {
    var title = A.el("h2", { t: titleKey }), note = geoCdei.el("p", { class: "at-note" });
    var holder = geoCdei.el("div", { class: "at-plot", tabindex: "-1" });
    var node = geoCdei.el("figure", { class: "at-figure", id: id }, [title, holder, note]);
    return { node: node, holder: holder, note: note, title: title };
  }

  /* A drawing as wide as its place, drawn anew when that changes or when what it shows changes. */
  function live(parts, keys, draw) {
    var width = 0;
    function anew() { if (width > 40) { draw(width); } }
    new ResizeObserver(function () {
      var now = Math.floor(parts.holder.clientWidth);
      if (now && now !== width) { width = now; anew(); }
    }).observe(parts.holder);
    A.on("state", function (changed) { if (keys.some(changed.has, changed)) { anew(); } });
  }

  function text(svg, x, y, said, more) {
    return A.draw(svg, "text", Object.assign({ x: x, y: y, "font-size": 11, fill: TEXT, text: said }, more || {}));
  }
  function line(svg, x1, y1, x2, y2, more) {
    return A.draw(svg, "line", Object.assign({ x1: x1, y1: y1, x2: x2, y2: y2, stroke: RULE, "stroke-width": 1 }, more || {}));
  }
  function act(node, label, done) {
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", label);
    node.addEventListener("keydown", function (event) {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); done(event.shiftKey); }
    });
  }
  function brushed(holder, svg, found, press) {
    var rect = A.draw(svg, "rect", { fill: ACCENT, "fill-opacity": 0.1, stroke: ACCENT, visibility: "hidden" });
    A.brush(svg, {
      at: function (event) {
        var frame = svg.getBoundingClientRect(), box = svg.viewBox.baseVal;
        return [(event.clientX - frame.left) * box.width / frame.width, (event.clientY - frame.top) * box.height / frame.height];
      },
      box: function (box) {
        rect.setAttribute("visibility", box ? "visible" : "hidden");
        if (!box) { return; }
        ["x", "y"].forEach(function (name, k) { rect.setAttribute(name, box[k]); });
        rect.setAttribute("width", box[2] - box[0]);
        rect.setAttribute("height", box[3] - box[1]);
      },
      found: found,
      click: function (event) { press(event, event.shiftKey || event.ctrlKey || event.metaKey ? "toggle" : "replace"); }
    });
    holder.replaceChildren(svg);
  }

  /* Scatterplot ------------------------------------------------------------------------------------------ */

  var QUADRANTS = ["HH", "LH", "LL", "HL"];

  A.scatter = function () {
    var parts = figure("at-scatter", "scatter_title"), dots = [], seen = [], svg;
    live(parts, ["variable", "graph", "rule", "lang"], function (width) {
      var height = Math.round(Math.min(340, Math.max(230, width * 0.68)));
      var left = 38, right = width - 8, top = 10, bottom = height - 34;
      svg = A.svg(width, height, { class: "at-drawing", role: "group", "aria-label": A.t("scatter_title") });
      seen = [];
      dots = [];
      A.ids.forEach(function (id, i) {
        var found = A.local(i);
        if (found.z !== null && found.lag !== null) { seen.push({ id: id, i: i, z: found.z, lag: found.lag }); }
      });
      var x = axis(seen.map(function (d) { return d.z; }), [left, right]);
      var y = axis(seen.map(function (d) { return d.lag; }), [bottom, top]);
      grid(svg, x, y, [left, right, top, bottom]);
      text(svg, (left + right) / 2, height - 4, A.t("z_axis", { name: A.either(A.variable().title) }), { "text-anchor": "middle" });
      text(svg, 10, (top + bottom) / 2, A.t("lag"), {
        "text-anchor": "middle", transform: "rotate(-90 10 " + (top + bottom) / 2 + ")"
      });
      var whole = A.data.moran[A.state.variable][A.state.graph];
      var end = [Math.max(x.low, y.low / whole[0] || x.low), Math.min(x.high, y.high / whole[0] || x.high)];
      if (whole[0] < 0) { end = [x.low, x.high]; }
      line(svg, x.at(end[0]), y.at(end[0] * whole[0]), x.at(end[1]), y.at(end[1] * whole[0]), { stroke: ACCENT, "stroke-width": 1.4 });
      corners(svg, [left, right, top, bottom]);
      seen.forEach(function (d) {
        var name = A.lisaClass(d.i);
        var dot = A.draw(svg, "circle", {
          cx: x.at(d.z).toFixed(1), cy: y.at(d.lag).toFixed(1), r: 3.2, class: "at-dot", "data-i": d.i,
          fill: name === "ns" ? "#b9c3ca" : A.data.lisa_colours[name], stroke: "#5b6670", "stroke-width": 0.5
        });
        d.x = x.at(d.z);
        d.y = y.at(d.lag);
        dots[d.i] = dot;
      });
      parts.note.textContent = A.t("scatter_note", {
        I: A.number(whole[0], 3), p: A.number(whole[1], 4), side: whole[A.lang() === "zh" ? 4 : 5],
        permutations: A.number(whole[2], 0), n: whole[3]
      });
      brushed(parts.holder, svg, function (box) {
        return seen.filter(function (d) {
          return d.x >= box[0] && d.x <= box[2] && d.y >= box[1] && d.y <= box[3];
        }).map(function (d) { return d.id; });
      }, function (event, mode) {
        var under = document.elementFromPoint(event.clientX, event.clientY);
        if (under && under.hasAttribute("data-i")) { A.select([A.ids[Number(under.getAttribute("data-i"))]], mode); }
        if (under && under.hasAttribute("data-quadrant")) { A.select(members(under.getAttribute("data-quadrant")), mode); }
      });
      hover(svg);
      lit = new Set();
      mark();
    });
    function members(name) {
      return seen.filter(function (d) { return A.local(d.i).quadrant === name; }).map(function (d) { return d.id; });
    }
    function corners(svg, box) {
      QUADRANTS.forEach(function (name) {
        var right = name[0] === "H", above = name[1] === "H", n = members(name).length;
        var node = text(svg, right ? box[1] - 4 : box[0] + 5, above ? box[2] + 12 : box[3] - 6, name + " " + n, {
          "text-anchor": right ? "end" : "start", "font-weight": 600, class: "at-press", "data-quadrant": name
        });
        act(node, A.t("select_class", { name: name, n: n }), function (more) { A.select(members(name), more ? "toggle" : "replace"); });
      });
    }
    var lit = new Set();
    function mark() {
      if (!svg) { return; }
      svg.classList.toggle("at-some", A.chosen.size > 0);
      lit.forEach(function (id) { if (!A.chosen.has(id)) { on(id, false); } });
      A.chosen.forEach(function (id) { if (!lit.has(id)) { on(id, true); } });
      lit = new Set(A.chosen);
    }
    function on(id, yes) { var dot = dots[A.index[id]]; if (dot) { dot.classList.toggle("at-on", yes); } }
    A.on("selection", mark);
    return parts;
  };

  function axis(values, range) {
    var low = Math.min(0, Math.min.apply(null, values)), high = Math.max(0, Math.max.apply(null, values));
    var pad = (high - low) * 0.04 || 1;
    return { low: low - pad, high: high + pad, at: A.scale([low - pad, high + pad], range), ticks: A.ticks(low, high, 5) };
  }
  function grid(svg, x, y, box) {
    x.ticks.forEach(function (value) {
      line(svg, x.at(value), box[3], x.at(value), box[3] + 4);
      text(svg, x.at(value), box[3] + 15, A.tickText(value, x.ticks), { "text-anchor": "middle" });
    });
    y.ticks.forEach(function (value) {
      line(svg, box[0] - 4, y.at(value), box[0], y.at(value));
      text(svg, box[0] - 6, y.at(value) + 4, A.tickText(value, y.ticks), { "text-anchor": "end" });
    });
    line(svg, box[0], box[3], box[1], box[3]);
    line(svg, box[0], box[2], box[0], box[3]);
    line(svg, x.at(0), box[2], x.at(0), box[3], { "stroke-dasharray": "3 3" });
    line(svg, box[0], y.at(0), box[1], y.at(0), { "stroke-dasharray": "3 3" });
  }

  /* The card of a point beside the pointer. */
  function hover(svg) {
    svg.addEventListener("pointermove", function (event) {
      var i = event.target.getAttribute && event.target.getAttribute("data-i");
      A.hint(i === null || event.buttons ? null : A.cityCard(Number(i)), event);
    });
    svg.addEventListener("pointerleave", function () { A.hint(null); });
  }
  var hint = null;
  A.hint = function (content, event) {
    if (!hint) {
      hint = geoCdei.el("div", { class: "at-hint" });
      document.body.appendChild(hint);
    }
    hint.hidden = !content;
    if (!content) { return; }
    hint.replaceChildren(content);
    var wide = hint.offsetWidth, tall = hint.offsetHeight;
    hint.style.left = Math.max(4, Math.min(innerWidth - wide - 8, event.clientX + 14)) + "px";
    hint.style.top = Math.max(4, Math.min(innerHeight - tall - 8, event.clientY + 12)) + "px";
  };

  A.on("language", function () { if (hint) { hint.replaceChildren(); } });

  /* Histogram -------------------------------------------------------------------------------------------- */

  A.histogram = function () {
    var parts = figure("at-histogram", "histogram_title"), bars = [], y;
    live(parts, ["variable", "lang"], function (width) {
      var height = Math.round(Math.min(230, Math.max(160, width * 0.44)));
      var left = 38, right = width - 14, top = 10, bottom = height - 34, values = A.variable().values;
      var svg = A.svg(width, height, { class: "at-drawing", role: "group", "aria-label": A.t("histogram_title") });
      bars = binned(values);
      var x = A.scale([bars[0].low, bars[bars.length - 1].high], [left, right]);
      var most = Math.max.apply(null, bars.map(function (bar) { return bar.ids.length; }));
      var counts = A.ticks(0, most, 4).filter(function (value) { return value % 1 === 0; });
      y = A.scale([0, Math.max(most, counts[counts.length - 1])], [bottom, top]);
      counts.forEach(function (value) {
        line(svg, left, y(value), right, y(value), { stroke: "#e8ecef" });
        text(svg, left - 6, y(value) + 4, A.number(value, 0), { "text-anchor": "end" });
      });
      var edges = bars.map(function (bar) { return bar.low; }).concat([bars[bars.length - 1].high]);
      var every = Math.ceil(edges.length / (width / 46));
      edges.forEach(function (value, k) {
        if (k % every) { return; }
        text(svg, x(value), bottom + 15, A.tickText(value, edges), { "text-anchor": "middle" });
      });
      bars.forEach(function (bar) {
        bar.x = [x(bar.low), x(bar.high)];
        var wide = Math.max(1, bar.x[1] - bar.x[0] - 1.5);
        bar.all = A.draw(svg, "rect", {
          x: bar.x[0], width: wide, y: y(bar.ids.length), height: bottom - y(bar.ids.length), fill: PALE, class: "at-bar-all"
        });
        bar.own = A.draw(svg, "rect", { x: bar.x[0], width: wide, y: bottom, height: 0, fill: ACCENT, "pointer-events": "none" });
        if (bar.ids.length) {
          act(bar.all, A.t("select_bar", { low: A.tickText(bar.low, edges), high: A.tickText(bar.high, edges), n: bar.ids.length }),
            function (more) { A.select(bar.ids, more ? "toggle" : "replace"); });
        }
      });
      line(svg, left, bottom, right, bottom);
      text(svg, (left + right) / 2, height - 4, A.either(A.variable().title), { "text-anchor": "middle" });
      brushed(parts.holder, svg, function (box) {
        var low = x.back(box[0]), high = x.back(box[2]);
        return A.ids.filter(function (id, i) { return values[i] !== null && values[i] >= low && values[i] <= high; });
      }, function (event, mode) {
        var frame = svg.getBoundingClientRect(), at = (event.clientX - frame.left) * width / frame.width;
        var bar = bars.find(function (b) { return at >= b.x[0] && at < b.x[1]; });
        if (bar) { A.select(bar.ids, mode); }
      });
      var missing = values.filter(function (value) { return value === null; }).length;
      parts.note.textContent = missing ? A.t("histogram_missing", { n: missing }) : "";
      parts.note.hidden = !missing;
      mark();
    });
    function mark() {
      bars.forEach(function (bar) {
        var n = bar.ids.reduce(function (sum, id) { return sum + (A.chosen.has(id) ? 1 : 0); }, 0);
        if (bar.n === n) { return; }
        bar.n = n;
        bar.own.setAttribute("y", y(n));
        bar.own.setAttribute("height", y(0) - y(n));
      });
    }
    A.on("selection", mark);
    return parts;
  };

  /* Bars between round numbers, the lower bound included. */
  function binned(values) {
    var known = values.filter(function (value) { return value !== null; });
    var low = Math.min.apply(null, known), high = Math.max.apply(null, known);
    var ticks = A.ticks(low, high, BARS), step = ticks.length > 1 ? ticks[1] - ticks[0] : 1;
    var first = Math.floor(low / step + 1e-9) * step, n = Math.max(1, Math.floor((high - first) / step + 1e-9) + 1);
    var bars = [];
    for (var k = 0; k < n; k += 1) { bars.push({ low: first + k * step, high: first + (k + 1) * step, ids: [], n: -1 }); }
    values.forEach(function (value, i) {
      if (value === null) { return; }
      bars[Math.min(n - 1, Math.floor((value - first) / step + 1e-9))].ids.push(A.ids[i]);
    });
    return bars;
  }
})(Atlas);
