/* The column beside the map: themes, the legend that follows them, layers. */
(function (gc) {
  "use strict";

  gc.swatch = function (line) {
    return gc.el("span", {
      class: "gc-swatch" + (line[3] ? " gc-hatched" : ""), "aria-hidden": "true",
      style: line[3] ? {} : { backgroundColor: line[1] }
    });
  };

  function choice(type, name, title, checked, changed, extra) {
    var input = gc.el("input", { type: type, name: name });
    input.checked = checked;
    input.addEventListener("change", function () { changed(input.checked); });
    return gc.el("label", { class: "gc-choice" }, [input].concat(extra, [gc.el("span", { text: title })]));
  }

  function sample(overlay) {
    var style = overlay.style;
    var shape = overlay.shapes.features[0];
    var mark = shape && shape.geometry.type === "Point"
      ? gc.svg("circle", { cx: 11, cy: 4, r: 3, fill: style.colour })
      : gc.svg("path", {
        d: "M1 4H21", stroke: style.colour, "stroke-width": Math.min(3, style.weight + 0.4),
        "stroke-dasharray": style.dash, opacity: style.opacity
      });
    return gc.svg("svg", { class: "gc-sample", viewBox: "0 0 22 8", width: 22, height: 8, "aria-hidden": "true" }, [mark]);
  }

  gc.legend = function (side, state) {
    var data = state.data;
    var list = gc.el("ul", { class: "gc-legend", id: "gc-legend" });
    var heading = gc.el("h2", { class: "gc-legend-title" });
    var note = gc.el("p", { class: "gc-note" });
    side.appendChild(gc.el("fieldset", { class: "gc-block gc-themes" }, [
      gc.el("legend", { text: data.words.themes })
    ].concat(data.themes.map(function (theme, number) {
      return choice("radio", "gc-theme", theme.title, number === 0, function () { state.setTheme(number); }, []);
    }))));
    side.appendChild(gc.el("section", { class: "gc-block", "aria-live": "polite" }, [
      gc.el("div", { class: "gc-legend-head" }, [heading, gc.el("span", { text: data.words.n_units })]), list, note
    ]));
    if (data.overlays.length) {
      side.appendChild(gc.el("fieldset", { class: "gc-block gc-layers" }, [
        gc.el("legend", { text: data.words.overlays })
      ].concat(data.overlays.map(function (overlay, number) {
        return choice("checkbox", "gc-overlay", overlay.title, overlay.show, function (shown) {
          state.toggle(number, shown);
        }, [sample(overlay)]);
      }))));
    }
    function show() {
      var theme = data.themes[state.theme];
      heading.textContent = theme.title;
      note.textContent = theme.note;
      note.hidden = !theme.note;
      list.replaceChildren.apply(list, theme.classes.map(function (line) {
        return gc.el("li", {}, [
          gc.swatch(line), gc.el("span", { class: "gc-label-text", text: line[0] }),
          gc.el("span", { class: "gc-count", text: String(line[2]) })
        ]);
      }));
    }
    state.on("theme", show);
    show();
  };
})(geoCdei);
