/* The units, coloured by one theme at a time, and the layers over them. */
(function (gc) {
  "use strict";

  var INK = "#1f2a33";
  var BORDER = { color: "#ffffff", weight: 0.6, opacity: 1 };
  // A unit that is a few pixels wide would drown in its white border, so it gets a dark one.
  var TINY = { color: "#6d7780", weight: 1.2, opacity: 1 };
  var TINY_PX = 2;

  gc.atlas = function (map, data) {
    var state = { map: map, data: data, theme: 0, units: [], overlays: [], selected: -1 };
    var listeners = { theme: [], focus: [], overlays: [] };
    var tip = L.tooltip({ opacity: 1, className: "gc-tip", offset: [12, 0] });
    var popup = L.popup({ className: "gc-pop", maxWidth: 300, minWidth: 200, autoPanPadding: [14, 14] });
    var wide = map.getSize().x > 500;
    // The card keeps clear of the buttons, which stand on the left, or above on a phone.
    popup.options.autoPanPaddingTopLeft = L.point(wide ? [64, 14] : [14, 60]);

    state.on = function (name, listener) { listeners[name].push(listener); };
    state.tell = function (name, value) {
      listeners[name].forEach(function (listener) { listener(value); });
    };
    state.colour = function (i) {
      var theme = data.themes[state.theme];
      return theme.classes[theme.of[i]];
    };
    state.setTheme = function (number) {
      state.theme = number;
      state.units.forEach(function (layer, i) { layer.setStyle({ fillColor: fillOf(state.colour(i)) }); });
      state.tell("theme", number);
    };
    state.focus = function (i) {
      state.units.forEach(function (layer, other) {
        if (layer.lit && other !== i) { unlight(layer, other); }
      });
      if (i >= 0 && !state.units[i].lit) { light(state.units[i]); }
      state.tell("focus", i);
    };
    state.select = function (i, move) {
      state.selected = i;
      state.focus(i);
      if (move) { map.fitBounds(state.units[i].getBounds(), { maxZoom: 7, padding: [60, 60], animate: false }); }
      map.closeTooltip(tip);
      popup.setLatLng([data.points[i][1], data.points[i][0]]).setContent(unitCard(i)).openOn(map);
    };

    function fillOf(line) { return line[3] ? "url(#gc-hatch)" : line[1]; }
    function light(layer) { layer.lit = true; layer.setStyle({ color: INK, weight: 2.6 }).bringToFront(); }
    function unlight(layer, i) {
      if (i === state.selected) { return; }
      layer.lit = false;
      layer.setStyle(layer.tiny ? TINY : BORDER);
    }
    function unitCard(i) {
      var own = data.lang === "en" && data.names[i][1] ? 1 : 0;
      return gc.card(data.names[i][own], data.names[i][1 - own], data.fields, data.rows[i]);
    }

    function point(layer, content) {
      layer.on("mouseover mousemove", function (event) {
        var at = map.latLngToContainerPoint(event.latlng);
        var size = map.getSize();
        tip.options.direction = at.y < 120 ? "bottom" : at.y > size.y - 120 ? "top" : "auto";
        if (event.type === "mouseover") { tip.setContent(content()); }
        tip.setLatLng(event.latlng);
        if (!map.hasLayer(tip)) { map.openTooltip(tip); }
      });
      layer.on("mouseout", function () { map.closeTooltip(tip); });
    }

    function addUnits() {
      var group = L.geoJSON(data.shapes, {
        smoothFactor: 0.4,
        style: function (feature) {
          return Object.assign({ fillColor: fillOf(state.colour(feature.id)), fillOpacity: 1 }, BORDER);
        },
        onEachFeature: function (feature, layer) {
          var i = feature.id;
          state.units[i] = layer;
          layer.span = span(feature.geometry);
          point(layer, function () { return unitCard(i); });
          layer.on("mouseover", function () { state.focus(i); });
          layer.on("mouseout", function () { state.focus(state.selected); });
          layer.on("click", function () { state.select(i, false); });
        }
      }).addTo(map);
      addHatch(map.getPane("overlayPane").querySelector("svg"));
      map.on("zoomend", markTiny);
      markTiny();
      return group;
    }

    function markTiny() {
      var perDegree = 256 * Math.pow(2, map.getZoom()) / 360;
      state.units.forEach(function (layer) {
        var tiny = layer.span * perDegree < TINY_PX;
        if (tiny !== layer.tiny && !layer.lit) {
          layer.setStyle(tiny ? TINY : BORDER);
        }
        layer.tiny = tiny;
      });
    }

    map.on("popupopen", function (event) {
      var button = event.popup.getElement().querySelector(".leaflet-popup-close-button");
      button.setAttribute("aria-label", data.words.close);
      button.setAttribute("title", data.words.close);
    });
    map.on("popupclose", function () {
      state.selected = -1;
      state.focus(-1);
    });

    addUnits();
    data.overlays.forEach(function (overlay, number) {
      var layer = overlayLayer(map, overlay, number, point);
      state.overlays.push(layer);
      if (overlay.show) { layer.addTo(map); }
    });
    state.toggle = function (number, shown) {
      if (shown) { state.overlays[number].addTo(map); } else { state.overlays[number].remove(); }
      state.tell("overlays", number);
    };
    return state;
  };

  function overlayLayer(map, overlay, number, point) {
    var pane = "gc-layer-" + number;
    var style = overlay.style;
    map.createPane(pane).style.zIndex = 410 + number;
    function drawn(colour, extra, answers) {
      return L.geoJSON(overlay.shapes, {
        pane: pane,
        smoothFactor: 0.4,
        interactive: answers,
        style: function (feature) {
          return {
            pane: pane, color: colour, weight: widthOf(overlay, feature.id) + extra, opacity: style.opacity,
            dashArray: style.dash || null, fill: false, lineJoin: "round"
          };
        },
        pointToLayer: function (feature, at) {
          return L.circleMarker(at, {
            pane: pane, radius: overlay.widths ? overlay.widths[feature.id] : 3, interactive: answers
          });
        },
        onEachFeature: function (feature, layer) {
          if (answers) {
            point(layer, function () {
              var row = overlay.rows[feature.id];
              return gc.card(row[0], "", overlay.fields.slice(1), row.slice(1));
            });
          }
        }
      });
    }
    // A group draws its members in the order of their making, so the halo is made first.
    var halo = style.halo ? drawn("#ffffff", 2, false).setStyle({ opacity: 0.75 }) : null;
    var top = drawn(style.colour, 0, overlay.fields.length > 0);
    top.eachLayer(function (layer) {
      if (layer instanceof L.CircleMarker) {
        layer.setStyle({ color: "#ffffff", weight: 1, fill: true, fillColor: style.colour, fillOpacity: 1 });
      }
    });
    function fit() {
      var share = shareOf(map);
      [halo, top].forEach(function (group, number) {
        if (!group) { return; }
        group.eachLayer(function (layer) {
          if (!(layer instanceof L.CircleMarker)) {
            layer.setStyle({ weight: (widthOf(overlay, layer.feature.id) + (number ? 0 : 2)) * share });
          }
        });
      });
    }
    var last = shareOf(map);
    if (last !== 1) { fit(); }
    map.on("zoomend", function () {
      if (shareOf(map) !== last) { last = shareOf(map); fit(); }
    });
    return halo ? L.featureGroup([halo, top]) : top;
  }

  /* Lines are thinner where the whole country is as small as on a phone. */
  function shareOf(map) {
    return map.getZoom() < 3.6 ? 0.6 : 1;
  }

  function widthOf(overlay, i) {
    return overlay.widths ? overlay.widths[i] : overlay.style.weight;
  }

  /* The longer side of a shape's largest part, in degrees. */
  function span(geometry) {
    var parts = geometry.type === "MultiPolygon" ? geometry.coordinates : [geometry.coordinates];
    return Math.max.apply(null, parts.map(function (rings) {
      var xs = rings[0].map(function (p) { return p[0]; });
      var ys = rings[0].map(function (p) { return p[1]; });
      return Math.max(
        Math.max.apply(null, xs) - Math.min.apply(null, xs), Math.max.apply(null, ys) - Math.min.apply(null, ys)
      );
    }));
  }

  function addHatch(root) {
    root.insertBefore(gc.svg("defs", {}, [
      gc.svg("pattern", {
        id: "gc-hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)"
      }, [
        gc.svg("rect", { width: 6, height: 6, fill: "#f3f3f1" }),
        gc.svg("path", { d: "M0 0V6", stroke: "#d6d8d8", "stroke-width": 1.6 })
      ])
    ]), root.firstChild);
  }
})(geoCdei);
