/* Put the parts together and keep the whole extent in view until the reader moves the map. */
(function (gc) {
  "use strict";

  var ICONS = {
    zoom_in: "M10 4V16M4 10H16",
    zoom_out: "M4 10H16",
    home: "M3.5 9.5L10 4L16.5 9.5M5.5 8.5V16H14.5V8.5",
    fullscreen: "M4 8V4H8M12 4H16V8M16 12V16H12M8 16H4V12",
    png: "M10 3V12M6.5 9L10 12.5L13.5 9M4 16H16"
  };

  function button(bar, words, key, act) {
    var node = gc.el("button", { type: "button", title: words[key], "aria-label": words[key], class: "gc-" + key }, [
      gc.icon(ICONS[key])
    ]);
    node.addEventListener("click", act);
    bar.appendChild(node);
    return node;
  }

  function keepInView(map, extent) {
    var bounds = [[extent[1], extent[0]], [extent[3], extent[2]]];
    var ours = false, moved = false;
    function quietly(act) { ours = true; act(); ours = false; }
    function home() {
      quietly(function () { map.fitBounds(bounds, { padding: [10, 10], animate: false }); });
      moved = false;
    }
    map.on("movestart zoomstart", function () { if (!ours) { moved = true; } });
    new ResizeObserver(function () {
      quietly(function () { map.invalidateSize({ pan: false, animate: false }); });
      if (!moved) { home(); }
    }).observe(map.getContainer());
    home();
    map.setMinZoom(2).setMaxZoom(11);
    return home;
  }

  function fullscreen(node, words) {
    var root = document.documentElement;
    function label() {
      var key = document.body.classList.contains("gc-full") ? "leave_fullscreen" : "fullscreen";
      node().setAttribute("title", words[key]);
      node().setAttribute("aria-label", words[key]);
    }
    function set(on) { document.body.classList.toggle("gc-full", on); label(); }
    document.addEventListener("fullscreenchange", function () { set(Boolean(document.fullscreenElement)); });
    document.addEventListener("keydown", function (event) {
      if (event.key === "Escape" && !document.fullscreenElement) { set(false); }
    });
    return function () {
      var on = !document.body.classList.contains("gc-full");
      set(on);
      // Where the browser has no full screen for pages (phones, frames), the map still takes the whole page.
      if (on && root.requestFullscreen) { root.requestFullscreen().catch(function () {}); }
      if (!on && document.fullscreenElement) { document.exitFullscreen(); }
    };
  }

  gc.start = function (map, id) {
    var data = gc.unpack(JSON.parse(document.getElementById(id).textContent));
    var holder = map.getContainer();
    var head = document.querySelector(".gc-head");
    var bar = gc.el("div", { class: "gc-bar", role: "group" });
    var home = keepInView(map, data.extent);
    var state = gc.atlas(map, data);
    var side = document.querySelector(".gc-side");
    // Readers with a keyboard meet the parts in the order in which they stand.
    document.body.insertBefore(head, holder);
    holder.setAttribute("role", "region");
    holder.setAttribute("aria-label", data.words.map_label);
    holder.insertBefore(bar, holder.firstChild);
    L.DomEvent.disableClickPropagation(bar);
    L.control.scale({ imperial: false, maxWidth: 120 }).addTo(map);
    button(bar, data.words, "zoom_in", function () { map.zoomIn(); });
    button(bar, data.words, "zoom_out", function () { map.zoomOut(); });
    button(bar, data.words, "home", function () { map.closePopup(); home(); });
    var full = button(bar, data.words, "fullscreen", fullscreen(function () { return full; }, data.words));
    button(bar, data.words, "png", function () { gc.save(state); });
    gc.search(document.querySelector(".gc-search"), state);
    gc.legend(side, state);
    gc.labels(state);
    data.panels.forEach(function (panel) { gc.chart(side, state, panel); });
    gc.paper(state);
    gc.state = state;
  };
})(geoCdei);
