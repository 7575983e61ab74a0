/* Elements and texts. Texts of the data come in through textContent alone, so nothing in them is markup. */
var geoCdei = (function () {
  "use strict";

  var SVG = "http://www.w3.org/2000/svg";

  function fill(node, attributes, children) {
    Object.keys(attributes || {}).forEach(function (name) {
      if (name === "text") {
        node.textContent = attributes.text;
      } else if (name === "style") {
        Object.assign(node.style, attributes.style);
      } else {
        node.setAttribute(name, attributes[name]);
      }
    });
    (children || []).forEach(function (child) {
      node.appendChild(child);
    });
    return node;
  }

  function el(tag, attributes, children) {
    return fill(document.createElement(tag), attributes, children);
  }

  function svg(tag, attributes, children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }

  function icon(path) {
    return svg("svg", { viewBox: "0 0 20 20", width: 18, height: 18, "aria-hidden": "true" }, [
      svg("path", {
        d: path, fill: "none", stroke: "currentColor", "stroke-width": 1.6,
        "stroke-linecap": "round", "stroke-linejoin": "round"
      })
    ]);
  }

  /* The card of a unit or a line: a heading, a second name, and a table of label and value. */
  function card(heading, second, labels, values) {
    var body = el("tbody", {}, labels.map(function (label, i) {
      return el("tr", {}, [el("th", { scope: "row", text: label }), el("td", { text: values[i] })]);
    }));
    return el("div", { class: "gc-card" }, [
      el("div", { class: "gc-card-head" }, [
        el("strong", { text: heading }), el("span", { text: second || "" })
      ]),
      el("table", {}, [body])
    ]);
  }

  /* A ring or line comes as whole numbers, each vertex as the step from the one before: a third of the bytes. */
  function pairs(steps, unit) {
    var x = 0, y = 0, found = [];
    for (var k = 0; k < steps.length; k += 2) {
      x += steps[k];
      y += steps[k + 1];
      found.push([x / unit, y / unit]);
    }
    return found;
  }

  function spread(coordinates, unit) {
    return typeof coordinates[0] === "number" ? pairs(coordinates, unit) : coordinates.map(function (part) {
      return spread(part, unit);
    });
  }

  function collection(shapes, unit) {
    return { type: "FeatureCollection", features: shapes.map(function (shape, i) {
      var coordinates = spread(shape[1], unit);
      return { type: "Feature", id: i, properties: {}, geometry: {
        type: shape[0], coordinates: shape[0] === "Point" ? coordinates[0] : coordinates
      } };
    }) };
  }

  function unpack(data) {
    data.shapes = collection(data.shapes, data.unit);
    data.overlays.forEach(function (overlay) { overlay.shapes = collection(overlay.shapes, data.unit); });
    return data;
  }

  return { el: el, svg: svg, icon: icon, card: card, unpack: unpack };
})();
