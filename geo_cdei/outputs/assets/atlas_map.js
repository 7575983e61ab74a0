/* The map: units once, coloured by the present layer; a press, a press with Shift, and a rectangle select.
   The rectangle takes the cities whose own point inside of their polygon lies in it. */
(function (A) {
  "use strict";

  var ICONS = {
    zoom_in: "M10 4V16M4 10H16", zoom_out: "M4 10H16", home: "M3.5 9.5L10 4L16.5 9.5M5.5 8.5V16H14.5V8.5",
    brush: "M4 4h3M9 4h3M14 4h2v2M16 8v3M16 13v3h-2M12 16H9M7 16H4v-3M4 11V8M4 6V4"
  };
  var UNSCORED = "url(#at-hatch)", NAMED = 60, TRACE_MS = 160, MOST_TRACED = 600;
  var map, units = [], cityOf = [], outline, colours = [], box, overlays = [], brushing = false, tip, tracing = null;

  A.map = function (leaflet) {
    map = leaflet;
    geoCdei.unpack(Object.assign(A.data.units, { unit: A.data.unit, overlays: A.data.overlays }));
    A.data.at.forEach(function (place, i) { cityOf[place] = i; });
    tip = L.tooltip({ opacity: 1, className: "gc-tip", offset: [12, 0] });
    frame();
    bar();
    // the legend and the view come first: what is added to the map is then projected once
    legend(A.classes());
    quietly(function () { map.invalidateSize({ pan: false, animate: false }); });
    if (A.state.view) { look(A.state.view); } else { home(); }
    quietly(function () { map.setMinZoom(2).setMaxZoom(11); });
    addUnits();
    A.data.overlays.forEach(addOverlay);
    names();
    rectangle();
    A.on("state", function (changed) {
      if (["layer", "variable", "graph", "rule", "lang", "tab"].some(changed.has, changed)) { paint(); }
      if (changed.has("selection")) { mark(); }
      if (changed.has("view") && A.state.view) { look(A.state.view); }
    });
    A.on("colour", paint);
    paint();
    mark();
  };

  /* View ------------------------------------------------------------------------------------------------- */

  var moving = false;
  function quietly(act) { moving = true; act(); moving = false; }
  function home() { quietly(function () { map.fitBounds(A.data.extent, { padding: [8, 8], animate: false }); }); }
  function look(view) {
    var now = view_();
    if (JSON.stringify(now) !== JSON.stringify(view)) {
      quietly(function () { map.setView([view[0], view[1]], view[2], { animate: false }); });
    }
  }
  function view_() {
    var centre = map.getCenter();
    return [Number(centre.lat.toFixed(3)), Number(centre.lng.toFixed(3)), Number(map.getZoom().toFixed(2))];
  }
  function frame() {
    map.boxZoom.disable();
    var holder = map.getContainer();
    holder.setAttribute("role", "region");
    holder.setAttribute("data-t-label", "map_label");
    holder.setAttribute("aria-label", A.t("map_label"));
    L.control.scale({ imperial: false, maxWidth: 120 }).addTo(map);
    new ResizeObserver(function () {
      var size = map.getSize();
      if (size.x === holder.clientWidth && size.y === holder.clientHeight) { return; }
      quietly(function () { map.invalidateSize({ pan: false, animate: false }); });
      if (!A.state.view) { home(); }
    }).observe(holder);
    map.on("moveend", function () { if (!moving) { A.set({ view: view_() }, { quiet: true }); } });
  }
  function bar() {
    var buttons = A.el("div", { class: "gc-bar", role: "group", "t-label": "map_tools" });
    function button(key, act) {
      var node = A.el("button", { type: "button", "t-title": key, "t-label": key }, [geoCdei.icon(ICONS[key])]);
      node.addEventListener("click", act);
      buttons.appendChild(node);
      return node;
    }
    button("zoom_in", function () { map.zoomIn(); });
    button("zoom_out", function () { map.zoomOut(); });
    button("home", function () { A.set({ view: null }, { quiet: true }); home(); });
    var brush = button("brush", function () {
      brushing = !brushing;
      brush.setAttribute("aria-pressed", String(brushing));
      map.getContainer().classList.toggle("at-brushing", brushing);
      map.dragging[brushing ? "disable" : "enable"]();
    });
    brush.classList.add("at-brush-button");
    brush.setAttribute("aria-pressed", "false");
    map.getContainer().insertBefore(buttons, map.getContainer().firstChild);
    L.DomEvent.disableClickPropagation(buttons);
  }

  /* Units ------------------------------------------------------------------------------------------------ */

  function addUnits() {
    L.geoJSON(A.data.units.shapes, {
      smoothFactor: 0.4,
      style: function () { return { color: "#ffffff", weight: 0.6, opacity: 1, fillColor: UNSCORED, fillOpacity: 1 }; },
      onEachFeature: function (feature, layer) {
        var place = feature.id, i = cityOf[place];
        units[place] = layer;
        layer.on("mouseover", function (event) { point(event, function () { return unitCard(place); }); });
        layer.on("mousemove", function (event) { tip.setLatLng(event.latlng); });
        layer.on("mouseout", function () { map.closeTooltip(tip); });
        if (i === undefined) { layer.options.interactive = true; return; }
        layer.on("click", function (event) { press(i, event.originalEvent); });
      }
    }).addTo(map);
    units.forEach(function (layer, place) {
      layer.getElement().classList.add("at-unit");
      if (cityOf[place] !== undefined) { layer.getElement().setAttribute("data-i", cityOf[place]); }
    });
    var root = map.getPane("overlayPane").querySelector("svg");
    root.classList.add("at-units");
    outline = geoCdei.svg("path", {
      fill: "none", stroke: "#1f2a33", "stroke-width": 1, "stroke-opacity": 0.8, "stroke-linejoin": "round", "pointer-events": "none"
    });
    root.querySelector("g").appendChild(outline);
    map.on("zoomend moveend viewreset", trace);
  }

  function press(i, event) {
    if (brushing) { return; }
    A.select([A.ids[i]], event.shiftKey || event.ctrlKey || event.metaKey ? "toggle" : "replace");
  }

  function point(event, content) {
    var at = map.latLngToContainerPoint(event.latlng), size = map.getSize();
    tip.options.direction = at.y < 120 ? "bottom" : at.y > size.y - 120 ? "top" : "auto";
    tip.setContent(content()).setLatLng(event.latlng);
    if (!map.hasLayer(tip)) { map.openTooltip(tip); }
  }
  function unitCard(place) {
    var i = cityOf[place], pair = A.data.units.names[place];
    if (i === undefined) { return geoCdei.card(A.either(pair), "", [A.t("not_scored")], [""]); }
    return A.cityCard(i);
  }
  A.cityCard = function (i) {
    var found = A.local(i), variable = A.variable(), c = A.data.cluster[i], pair = A.data.names[i];
    return geoCdei.card(A.either(pair), A.lang() === "zh" ? "" : pair[1] ? "" : "", [
      A.either(variable.title), A.t("cluster"), A.t("z"), A.t("lag"), A.t("class"), "p"
    ], [
      A.number(A.value(i), variable.digits), c < 0 ? "—" : A.clusterName(A.data.clusters.ids[c]),
      A.number(found.z, 2), A.number(found.lag, 2), A.t("lisa_" + A.lisaClass(i)), A.number(found.p, 4)
    ]);
  };

  function paint() {
    var found = A.classes();
    A.ids.forEach(function (id, i) {
      var colour = found.lines[found.of[i]].colour;
      if (colour === colours[i]) { return; }
      colours[i] = colour;
      units[A.data.at[i]].setStyle({ fillColor: colour });
    });
    overlays.forEach(function (overlay) {
      var yes = shown(overlay.data);
      if (yes !== map.hasLayer(overlay.layer)) { overlay.layer[yes ? "addTo" : "remove"](map); }
    });
    legend(found);
  }
  function shown(data) {
    if (A.paint()) { return !data.layers.length || data.key === "clusters"; }
    return !data.layers.length || data.layers.indexOf(A.state.layer) >= 0;
  }
  function legend(found) { A.legend(found, A.data.overlays.filter(shown)); }

  var lit = new Set();
  function mark() {
    var root = map.getPane("overlayPane").querySelector("svg");
    root.classList.toggle("at-some", A.chosen.size > 0);
    lit.forEach(function (id) { if (!A.chosen.has(id)) { on(id, false); } });
    A.chosen.forEach(function (id) { if (!lit.has(id)) { on(id, true); } });
    lit = new Set(A.chosen);
    clearTimeout(tracing);
    tracing = setTimeout(trace, TRACE_MS);
  }
  function on(id, yes) { units[A.data.at[A.index[id]]].getElement().classList.toggle("at-on", yes); }
  /* One line around all that is selected, over the borders of the others, when the rectangle rests. */
  function trace() {
    var lines = "";
    // so many outlines tell no more than the colours do, and cost every later frame
    (A.chosen.size > MOST_TRACED ? [] : A.chosen).forEach(function (id) {
      lines += units[A.data.at[A.index[id]]].getElement().getAttribute("d") || "";
    });
    outline.setAttribute("d", lines || "M0 0");
  }

  /* Overlays and names ----------------------------------------------------------------------------------- */

  function addOverlay(data, number) {
    var pane = "at-layer-" + number, style = data.style;
    map.createPane(pane).style.zIndex = 410 + number;
    var answers = data.rows[0].length > 0 && data.rows[0][0].length > 0;
    var layer = L.geoJSON(data.shapes, {
      pane: pane, smoothFactor: 0.4, interactive: answers,
      style: function (feature) {
        return {
          pane: pane, color: style.colour, weight: data.widths ? data.widths[feature.id] : style.weight,
          opacity: style.opacity, dashArray: style.dash || null, fill: false, lineJoin: "round"
        };
      },
      pointToLayer: function (feature, at) {
        return L.circleMarker(at, { pane: pane, radius: data.widths ? data.widths[feature.id] : 3, interactive: answers });
      },
      onEachFeature: function (feature, part) {
        if (!answers) { return; }
        part.on("mouseover", function (event) {
          var at = A.lang() === "zh" ? 0 : 1, row = data.rows[at][feature.id];
          point(event, function () { return geoCdei.card(row[0], "", data.fields[at].slice(1), row.slice(1)); });
        });
        part.on("mousemove", function (event) { tip.setLatLng(event.latlng); });
        part.on("mouseout", function () { map.closeTooltip(tip); });
      }
    });
    layer.eachLayer(function (part) {
      if (part instanceof L.CircleMarker) {
        part.setStyle({ color: "#ffffff", weight: 1, fill: true, fillColor: style.colour, fillOpacity: 0.85 });
      }
    });
    overlays.push({ data: data, layer: layer });
    fit(overlays[number]);
    map.on("zoomend", function () { fit(overlays[number]); });
  }
  /* Lines are thinner where the whole country is as small as a hand. */
  function fit(overlay) {
    var share = map.getZoom() < 3.9 ? 0.65 : 1, data = overlay.data;
    if (share === overlay.share) { return; }
    overlay.share = share;
    overlay.layer.eachLayer(function (part) {
      if (part instanceof L.CircleMarker) { part.setRadius((data.widths ? data.widths[part.feature.id] : 3) * share); } else {
        part.setStyle({ weight: (data.widths ? data.widths[part.feature.id] : data.style.weight) * share });
      }
    });
  }

  /* The cities that come first are named first; a name that would touch another is left out. */
  function names() {
    var group = map.createPane("at-names");
    group.style.zIndex = 640;
    group.classList.add("at-names");
    function place() {
      var taken = [], size = map.getSize();
      group.replaceChildren();
      A.ids.slice(0, NAMED).forEach(function (id, i) {
        var at = map.latLngToLayerPoint([A.data.points[i][1], A.data.points[i][0]]);
        var seen = map.layerPointToContainerPoint(at);
        if (seen.x < 0 || seen.y < 0 || seen.x > size.x || seen.y > size.y) { return; }
        var text = A.cityName(id), wide = text.length * (A.lang() === "zh" ? 12 : 6.6) + 4;
        var box = [at.x - wide / 2, at.y - 8, at.x + wide / 2, at.y + 8];
        if (taken.some(function (b) { return b[0] < box[2] && box[0] < b[2] && b[1] < box[3] && box[1] < b[3]; })) { return; }
        taken.push(box);
        var label = geoCdei.el("span", { text: text });
        label.style.transform = "translate(" + at.x + "px," + at.y + "px) translate(-50%,-50%)";
        group.appendChild(label);
      });
    }
    map.on("zoomend moveend resize", place);
    A.on("language", place);
    place();
  }

  /* Rectangle -------------------------------------------------------------------------------------------- */

  function rectangle() {
    var holder = map.getContainer();
    box = geoCdei.el("div", { class: "at-rectangle" });
    box.hidden = true;
    holder.appendChild(box);
    A.brush(holder, {
      active: function (event) {
        return (brushing || event.shiftKey) && !event.target.closest(".gc-bar,.leaflet-control");
      },
      at: function (event) {
        var frame = holder.getBoundingClientRect();
        return [event.clientX - frame.left, event.clientY - frame.top];
      },
      box: function (rect) {
        box.hidden = !rect;
        if (rect) {
          Object.assign(box.style, {
            left: rect[0] + "px", top: rect[1] + "px", width: rect[2] - rect[0] + "px", height: rect[3] - rect[1] + "px"
          });
        }
      },
      found: function (rect) {
        var a = map.containerPointToLatLng([rect[0], rect[1]]), b = map.containerPointToLatLng([rect[2], rect[3]]);
        return A.ids.filter(function (id, i) {
          var at = A.data.points[i];
          return at[0] >= a.lng && at[0] <= b.lng && at[1] <= a.lat && at[1] >= b.lat;
        });
      },
      click: function (event) {
        var under = document.elementFromPoint(event.clientX, event.clientY);
        var i = under && under.getAttribute("data-i");
        if (i === null || i === undefined || i === false) { return; }
        A.select([A.ids[Number(i)]], event.shiftKey || event.ctrlKey || event.metaKey ? "toggle" : "replace");
      }
    });
  }

  /* Picture ---------------------------------------------------------------------------------------------- */

  function scale(group, size) {
    var bar = map.getContainer().querySelector(".leaflet-control-scale-line"), wide = bar.offsetWidth, y = size.y - 10;
    A.draw(group, "path", {
      d: "M10 " + (y - 6) + "v6h" + wide + "v-6", fill: "none", stroke: "#1f2a33", "stroke-width": 1.4
    });
    A.draw(group, "text", { x: 14, y: y - 4, "font-size": 11, "font-family": "sans-serif", fill: "#1f2a33", text: bar.textContent });
  }

  A.mapSize = function () { var size = map.getSize(); return [size.x, size.y]; };
  /* The drawn panes as one SVG group, in the order in which they lie, cut to what is in view. */
  A.mapGroup = function () {
    var size = map.getSize();
    var group = geoCdei.svg("svg", { width: size.x, height: size.y, viewBox: "0 0 " + size.x + " " + size.y, overflow: "hidden" });
    group.appendChild(geoCdei.svg("rect", { width: size.x, height: size.y, fill: "#f4f7f9" }));
    var roots = Array.from(map.getContainer().querySelectorAll(".leaflet-pane > svg")).sort(function (a, b) {
      return Number(getComputedStyle(a.parentNode).zIndex) - Number(getComputedStyle(b.parentNode).zIndex);
    });
    roots.forEach(function (root) {
      var corner = root.getAttribute("viewBox").split(" ").map(Number);
      var at = map.layerPointToContainerPoint([corner[0], corner[1]]);
      var part = A.styled(root);
      part.setAttribute("x", at.x);
      part.setAttribute("y", at.y);
      group.appendChild(part);
    });
    map.getPane("at-names").querySelectorAll("span").forEach(function (label) {
      var frame = map.getContainer().getBoundingClientRect(), seen = label.getBoundingClientRect();
      group.appendChild(geoCdei.svg("text", {
        x: seen.left - frame.left + seen.width / 2, y: seen.bottom - frame.top - 4, "text-anchor": "middle",
        "font-size": 11, "font-weight": 600, "font-family": "sans-serif", fill: "#1f2a33", stroke: "#ffffff",
        "stroke-width": 2.5, "paint-order": "stroke", text: label.textContent
      }));
    });
    scale(group, size);
    return group;
  };
})(Atlas);
