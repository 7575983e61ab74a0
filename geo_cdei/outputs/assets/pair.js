/* Two pages in frames: put them together, then let each follow the other. */
(function () {
  "use strict";

  var data = JSON.parse(document.getElementById("pair").textContent);
  var main = document.querySelector("main");
  var frames = data.pages.map(function (page, number) {
    var frame = document.createElement("iframe");
    frame.title = data.titles[number];
    frame.srcdoc = page.map(function (piece) { return data.pieces[piece]; }).join("");
    main.appendChild(frame);
    return frame;
  });

  function join(states) {
    var busy = false;
    function quietly(act) {
      if (busy) { return; }
      busy = true;
      try { act(); } finally { busy = false; }
    }
    states.forEach(function (state, number) {
      var other = states[1 - number];
      state.map.on("move zoom", function () {
        quietly(function () { other.map.setView(state.map.getCenter(), state.map.getZoom(), { animate: false }); });
      });
      state.on("focus", function (i) {
        quietly(function () { other.focus(i < 0 ? -1 : other.data.codes.indexOf(state.data.codes[i])); });
      });
    });
    // Both begin with the view of the left one.
    states[1].map.setView(states[0].map.getCenter(), states[0].map.getZoom(), { animate: false });
    window.pair = states;
  }

  function wait() {
    var states = frames.map(function (frame) {
      return frame.contentWindow && frame.contentWindow.geoCdei && frame.contentWindow.geoCdei.state;
    });
    if (states[0] && states[1]) { join(states); } else { window.setTimeout(wait, 30); }
  }
  wait();
})();
