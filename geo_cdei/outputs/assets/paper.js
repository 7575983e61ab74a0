/* Paper has its own size and the map keeps that of the screen, where paper would cut it: print a drawing of it. */
(function (gc) {
  "use strict";

  var INK = "#1f2a33";

  function put(svg, tag, attributes, text) {
    var node = gc.svg(tag, attributes);
    if (text) { node.textContent = text; }
    svg.appendChild(node);
  }

  function drawing(state) {
    var map = state.map, size = map.getSize(), holder = map.getContainer(), frame = holder.getBoundingClientRect();
    var svg = gc.svg("svg", { viewBox: "0 0 " + size.x + " " + size.y, "font-family": "sans-serif", "font-size": 11 });
    put(svg, "rect", { width: size.x, height: size.y, fill: getComputedStyle(holder).backgroundColor });
    gc.mapLayers(map).forEach(function (root) {
      var copy = root.cloneNode(true), box = root.getAttribute("viewBox").split(" ").map(Number);
      var at = map.layerPointToContainerPoint([box[0], box[1]]);
      copy.removeAttribute("style");
      [["x", at.x], ["y", at.y], ["width", box[2]], ["height", box[3]]].forEach(function (pair) {
        copy.setAttribute(pair[0], pair[1]);
      });
      svg.appendChild(copy);
    });
    state.visibleLabels().forEach(function (label) {
      var box = label.getBoundingClientRect();
      put(svg, "text", {
        x: box.left - frame.left, y: box.bottom - frame.top - 4, "font-weight": 600, fill: INK, stroke: "#ffffff",
        "stroke-width": 3, "paint-order": "stroke"
      }, label.textContent);
    });
    var bar = holder.querySelector(".leaflet-control-scale-line"), low = size.y - 12;
    put(svg, "path", { d: "M16 " + (low - 6) + "v6h" + bar.offsetWidth + "v-6", fill: "none", stroke: INK });
    put(svg, "text", { x: 21, y: low - 5, fill: INK }, bar.textContent);
    return svg;
  }

  gc.paper = function (state) {
    var holder = state.map.getContainer(), sheet = gc.el("div", { class: "gc-paper", "aria-hidden": "true" });
    // before the map: patterns of the drawing are then found in it, not in the map, which paper hides
    holder.parentNode.insertBefore(sheet, holder);
    window.addEventListener("beforeprint", function () { sheet.replaceChildren(drawing(state)); });
    window.addEventListener("afterprint", function () { sheet.replaceChildren(); });
  };
})(geoCdei);
