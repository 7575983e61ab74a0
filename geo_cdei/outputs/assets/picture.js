/* The map as a PNG: its SVG layers on a canvas, with title, legend, scale, source and notices. */
(function (gc) {
  "use strict";

  var INK = "#1f2a33", QUIET = "#5b6670";
  var HEAD = 54, SIDE = 236, PAD = 16, LINE = 19;
  var MOST_PIXELS = 16e6;
  var FONT = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif';

  function image(svgRoot) {
    var copy = svgRoot.cloneNode(true);
    var box = svgRoot.getAttribute("viewBox").split(" ").map(Number);
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("width", box[2]);
    copy.setAttribute("height", box[3]);
    copy.removeAttribute("style");
    return new Promise(function (resolve, reject) {
      var picture = new Image();
      picture.onload = function () { resolve({ picture: picture, box: box }); };
      picture.onerror = reject;
      picture.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
    });
  }

  function paneOrder(a, b) {
    return Number(getComputedStyle(a.parentNode).zIndex) - Number(getComputedStyle(b.parentNode).zIndex);
  }

  /* Break at any character of Chinese, at spaces elsewhere. */
  function wrap(ctx, text, width) {
    var lines = [""];
    (text.match(/[\u2e80-\uffef]|[^\u2e80-\uffef\s]+|\s+/g) || []).forEach(function (piece) {
      var longer = lines[lines.length - 1] + piece;
      if (ctx.measureText(longer).width > width && lines[lines.length - 1]) {
        lines.push(piece.trim());
      } else {
        lines[lines.length - 1] = longer;
      }
    });
    return lines;
  }

  function write(ctx, text, x, y, font, colour) {
    ctx.font = font + " " + FONT;
    ctx.fillStyle = colour;
    ctx.fillText(text, x, y);
  }

  function hatched(ctx, x, y) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, 16, 12);
    ctx.clip();
    ctx.fillStyle = "#f3f3f1";
    ctx.fillRect(x, y, 16, 12);
    ctx.strokeStyle = "#c4c8c9";
    for (var k = -12; k < 16; k += 5) {
      ctx.beginPath();
      ctx.moveTo(x + k, y + 12);
      ctx.lineTo(x + k + 12, y);
      ctx.stroke();
    }
    ctx.restore();
  }

  function drawLegend(ctx, state, x, y) {
    var theme = state.data.themes[state.theme];
    ctx.font = "600 13px " + FONT;
    wrap(ctx, theme.title, SIDE - 2 * PAD).forEach(function (row) {
      write(ctx, row, x, y, "600 13px", INK);
      y += LINE;
    });
    theme.classes.forEach(function (line) {
      if (line[3]) { hatched(ctx, x, y - 10); } else {
        ctx.fillStyle = line[1];
        ctx.fillRect(x, y - 10, 16, 12);
      }
      ctx.strokeStyle = "#c4c8c9";
      ctx.strokeRect(x + 0.5, y - 9.5, 15, 11);
      ctx.font = "12px " + FONT;
      wrap(ctx, line[0], SIDE - 2 * PAD - 60).forEach(function (row, number) {
        if (number) { y += LINE - 4; }
        write(ctx, row, x + 24, y, "12px", INK);
        if (!number) {
          ctx.textAlign = "right";
          write(ctx, String(line[2]), x + SIDE - 2 * PAD, y, "12px", QUIET);
          ctx.textAlign = "left";
        }
      });
      y += LINE;
    });
    ctx.font = "11px " + FONT;
    wrap(ctx, theme.note, SIDE - 2 * PAD).forEach(function (row) {
      write(ctx, row, x, y + 4, "11px", QUIET);
      y += 15;
    });
    return drawLayers(ctx, state, x, y + 16);
  }

  function drawLayers(ctx, state, x, y) {
    state.data.overlays.forEach(function (overlay, number) {
      if (!state.map.hasLayer(state.overlays[number])) { return; }
      ctx.strokeStyle = ctx.fillStyle = overlay.style.colour;
      ctx.lineWidth = overlay.style.weight;
      ctx.beginPath();
      if (overlay.shapes.features.length && overlay.shapes.features[0].geometry.type === "Point") {
        ctx.arc(x + 8, y - 4, 3, 0, 2 * Math.PI);
        ctx.fill();
      } else {
        ctx.setLineDash((overlay.style.dash || "").split(/[ ,]+/).filter(Boolean).map(Number));
        ctx.moveTo(x, y - 4);
        ctx.lineTo(x + 16, y - 4);
        ctx.stroke();
        ctx.setLineDash([]);
      }
      ctx.lineWidth = 1;
      write(ctx, overlay.title, x + 24, y, "12px", INK);
      y += LINE;
    });
    return y;
  }

  function drawScale(ctx, map, y) {
    var bar = map.getContainer().querySelector(".leaflet-control-scale-line");
    var width = bar.offsetWidth;
    ctx.strokeStyle = INK;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(PAD, y - 6);
    ctx.lineTo(PAD, y);
    ctx.lineTo(PAD + width, y);
    ctx.lineTo(PAD + width, y - 6);
    ctx.stroke();
    write(ctx, bar.textContent, PAD + 5, y - 5, "11px", INK);
  }

  function drawNames(ctx, state) {
    var frame = state.map.getContainer().getBoundingClientRect();
    ctx.font = "600 11px " + FONT;
    ctx.lineJoin = "round";
    state.visibleLabels().forEach(function (text) {
      var box = text.getBoundingClientRect();
      ctx.strokeStyle = "rgba(255,255,255,.9)";
      ctx.lineWidth = 3;
      ctx.strokeText(text.textContent, box.left - frame.left, HEAD + box.bottom - frame.top - 4);
      write(ctx, text.textContent, box.left - frame.left, HEAD + box.bottom - frame.top - 4, "600 11px", INK);
    });
    ctx.lineWidth = 1;
  }

  function compose(state, layers) {
    var map = state.map, size = map.getSize(), data = state.data;
    var canvas = document.createElement("canvas");
    var ctx = canvas.getContext("2d");
    var width = size.x + SIDE;
    ctx.font = "11px " + FONT;
    var foot = wrap(ctx, data.lines.join("   ·   "), width - 2 * PAD);
    var legendRows = data.themes[state.theme].classes.length + data.overlays.length + 8;
    var tall = Math.max(size.y, legendRows * LINE);
    var height = HEAD + tall + foot.length * 16 + PAD;
    var ratio = Math.min(2, Math.sqrt(MOST_PIXELS / (width * height)));
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    ctx.scale(ratio, ratio);
    ctx.fillStyle = "#ffffff";
    ctx.fillRect(0, 0, width, height);
    write(ctx, data.title, PAD, 34, "600 18px", INK);
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, HEAD, size.x, size.y);
    ctx.clip();
    ctx.fillStyle = getComputedStyle(map.getContainer()).backgroundColor;
    ctx.fillRect(0, HEAD, size.x, size.y);
    layers.forEach(function (layer) {
      var at = map.layerPointToContainerPoint([layer.box[0], layer.box[1]]);
      ctx.drawImage(layer.picture, at.x, HEAD + at.y, layer.box[2], layer.box[3]);
    });
    drawNames(ctx, state);
    drawScale(ctx, map, HEAD + size.y - 12);
    ctx.restore();
    drawLegend(ctx, state, size.x + PAD, HEAD + 14);
    foot.forEach(function (row, i) { write(ctx, row, PAD, HEAD + tall + 18 + i * 16, "11px", QUIET); });
    return canvas;
  }

  /* The drawn panes of a map in the order in which they lie. */
  gc.mapLayers = function (map) {
    return Array.prototype.slice.call(map.getContainer().querySelectorAll(".leaflet-pane > svg")).sort(paneOrder);
  };

  gc.picture = function (state) {
    return Promise.all(gc.mapLayers(state.map).map(image)).then(function (layers) {
      return new Promise(function (resolve, reject) {
        compose(state, layers).toBlob(function (blob) { if (blob) { resolve(blob); } else { reject(new Error("empty")); } });
      });
    });
  };

  gc.save = function (state) {
    return gc.picture(state).then(function (blob) {
      var link = gc.el("a", { download: state.data.themes[state.theme].key + ".png", href: URL.createObjectURL(blob) });
      document.body.appendChild(link);
      link.click();
      link.remove();
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
    }, function () { window.alert(state.data.words.png_failed); });
  };
})(geoCdei);
