/* A scatter of two numbers per unit: hover a point and its unit lights up on the map, and the other way round. */
(function (gc) {
  "use strict";

  var W = 288, H = 232, LEFT = 34, BOTTOM = 34, TOP = 8, RIGHT = 8;

  function scale(values, low, high) {
    var min = Math.min.apply(null, values.concat(0));
    var max = Math.max.apply(null, values.concat(0));
    var margin = (max - min || 1) * 0.05;
    var at = function (v) { return low + (v - min + margin) / (max - min + 2 * margin) * (high - low); };
    at.ticks = ticks(min, max);
    at.ends = [min - margin, max + margin];
    return at;
  }

  function ticks(min, max) {
    var raw = (max - min || 1) / 4;
    var power = Math.pow(10, Math.floor(Math.log10(raw)));
    var step = [1, 2, 5, 10].map(function (m) { return m * power; }).find(function (s) { return s >= raw; });
    var found = [];
    for (var v = Math.ceil(min / step) * step; v <= max + 1e-9; v += step) { found.push(Number(v.toPrecision(6))); }
    return found;
  }

  function line(x1, y1, x2, y2, name) {
    return gc.svg("line", { x1: x1, y1: y1, x2: x2, y2: y2, class: name });
  }

  function axes(x, y, panel) {
    var parts = [
      line(x(0), TOP, x(0), H - BOTTOM, "gc-axis"), line(LEFT, y(0), W - RIGHT, y(0), "gc-axis"),
      gc.svg("text", { x: (LEFT + W - RIGHT) / 2, y: H - 4, "text-anchor": "middle", text: panel.x_label }),
      gc.svg("text", {
        x: 0, y: 0, transform: "translate(10 " + (H - BOTTOM + TOP) / 2 + ") rotate(-90)",
        "text-anchor": "middle", text: panel.y_label
      })
    ];
    x.ticks.forEach(function (t) {
      parts.push(gc.svg("text", { x: x(t), y: H - BOTTOM + 13, "text-anchor": "middle", text: String(t) }));
    });
    y.ticks.forEach(function (t) {
      parts.push(gc.svg("text", { x: LEFT - 4, y: y(t) + 3.5, "text-anchor": "end", text: String(t) }));
    });
    if (panel.line) {
      var at = function (v) { return y(panel.line[0] * v + panel.line[1]); };
      parts.push(line(x(x.ends[0]), at(x.ends[0]), x(x.ends[1]), at(x.ends[1]), "gc-fit"));
    }
    return parts;
  }

  gc.chart = function (side, state, panel) {
    var x = scale(panel.x, LEFT, W - RIGHT);
    var y = scale(panel.y, H - BOTTOM, TOP);
    var dots = {};
    var cloud = panel.at.map(function (i, k) {
      var dot = gc.svg("circle", { cx: x(panel.x[k]).toFixed(1), cy: y(panel.y[k]).toFixed(1), r: 3, class: "gc-dot" });
      dot.addEventListener("mouseenter", function () { state.focus(i); });
      dot.addEventListener("mouseleave", function () { state.focus(state.selected); });
      dot.addEventListener("click", function () { state.select(i, false); });
      dots[i] = dot;
      return dot;
    });
    side.appendChild(gc.el("section", { class: "gc-block gc-panel" }, [
      gc.el("h2", { text: panel.title }),
      gc.svg("svg", { viewBox: "0 0 " + W + " " + H, role: "img", "aria-label": panel.title }, axes(x, y, panel).concat(cloud)),
      gc.el("p", { class: "gc-note", text: panel.note })
    ]));
    function colour() {
      panel.at.forEach(function (i) { dots[i].setAttribute("fill", state.colour(i)[1]); });
    }
    state.on("theme", colour);
    state.on("focus", function (i) {
      panel.at.forEach(function (other) { dots[other].classList.toggle("gc-lit", other === i); });
      if (dots[i]) { dots[i].parentNode.appendChild(dots[i]); }
    });
    colour();
  };
})(geoCdei);
