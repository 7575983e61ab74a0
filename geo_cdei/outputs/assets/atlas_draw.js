/* Drawing and saving: SVG with its looks in it, PNG made of that, CSV; axes, and the rectangle that selects. */
(function (A) {
  "use strict";

  var LOOKS = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "opacity",
    "font-size", "font-weight", "font-family", "text-anchor", "dominant-baseline", "paint-order", "visibility"];
  var MOST_PIXELS = 16e6;

  A.svg = function (width, height, attributes) {
    return geoCdei.svg("svg", Object.assign({
      viewBox: "0 0 " + width + " " + height, width: width, height: height, xmlns: "http://www.w3.org/2000/svg"
    }, attributes || {}));
  };
  /* One shape into a drawing; {text: ...} is put in as text. */
  A.draw = function (parent, tag, attributes) {
    var node = geoCdei.svg(tag, attributes);
    parent.appendChild(node);
    return node;
  };

  /* Saving ----------------------------------------------------------------------------------------------- */

  function save(name, blob) {
    var link = geoCdei.el("a", { download: name, href: URL.createObjectURL(blob) });
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }
  A.download = function (name, mime, text) { save(name, new Blob([text], { type: mime + ";charset=utf-8" })); };

  /* A spreadsheet must not read a name of the data as a formula. */
  A.csvCell = function (value) {
    var text = value === null || value === undefined ? "" : String(value);
    if (typeof value === "string" && /^'*[\s\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠]/.test(text)) { text = "'" + text; }
    return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  };
  A.csv = function (rows) {
    return "\ufeff" + rows.map(function (row) { return row.map(A.csvCell).join(","); }).join("\n") + "\n";
  };

  /* The classes of the page do not travel with a drawing, so what they do is written into it. */
  function styled(element) {
    var clone = element.cloneNode(true);
    var from = [element].concat(Array.from(element.querySelectorAll("*")));
    var to = [clone].concat(Array.from(clone.querySelectorAll("*")));
    from.forEach(function (node, i) {
      var looks = getComputedStyle(node);
      LOOKS.forEach(function (name) {
        var value = looks.getPropertyValue(name);
        if (value) { to[i].setAttribute(name, value.replace(/"/g, "'")); }
      });
      to[i].removeAttribute("class");
      to[i].removeAttribute("style");
    });
    var box = (element.getAttribute("viewBox") || "").split(" ").map(Number);
    clone.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    if (box.length === 4) {
      clone.setAttribute("width", box[2]);
      clone.setAttribute("height", box[3]);
    }
    return clone;
  }
  function written(element) {
    return new XMLSerializer().serializeToString(element.hasAttribute("data-plain") ? element : styled(element));
  }
  A.styled = styled;
  A.exportSvg = function (element, name) { A.download(name + ".svg", "image/svg+xml", written(element)); };
  A.exportPng = function (element, name) {
    var text = written(element);
    var box = element.getAttribute("viewBox").split(" ").map(Number);
    var ratio = Math.min(2, Math.sqrt(MOST_PIXELS / (box[2] * box[3])));
    return new Promise(function (resolve, reject) {
      var picture = new Image();
      picture.onload = function () {
        var canvas = document.createElement("canvas");
        canvas.width = Math.round(box[2] * ratio);
        canvas.height = Math.round(box[3] * ratio);
        var ctx = canvas.getContext("2d");
        ctx.fillStyle = "#ffffff";
        ctx.fillRect(0, 0, canvas.width, canvas.height);
        ctx.drawImage(picture, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(function (blob) {
          if (!blob) { reject(new Error("empty")); return; }
          save(name + ".png", blob);
          resolve(blob);
        });
      };
      picture.onerror = reject;
      picture.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
    });
  };

  /* Axes ------------------------------------------------------------------------------------------------- */

  A.ticks = function (low, high, wanted) {
    if (!(high > low)) { return [low]; }
    var raw = (high - low) / (wanted || 5);
    var power = Math.pow(10, Math.floor(Math.log10(raw)));
    var step = [1, 2, 5, 10].find(function (m) { return m * power >= raw; }) * power;
    var found = [];
    for (var value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) {
      found.push(Math.abs(value) < step * 1e-9 ? 0 : value);
    }
    return found;
  };
  A.tickText = function (value, ticks) {
    var step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : Math.abs(value) || 1;
    if (Math.abs(value) >= 10000 && step >= 1000) { return A.number(value / 1000, step % 1000 ? 1 : 0) + "k"; }
    return A.number(value, Math.max(0, Math.min(4, -Math.floor(Math.log10(step) + 1e-9))));
  };
  A.scale = function (domain, range) {
    var k = domain[1] === domain[0] ? 0 : (range[1] - range[0]) / (domain[1] - domain[0]);
    function scale(value) { return range[0] + (value - domain[0]) * k; }
    scale.back = function (pixel) { return k ? domain[0] + (pixel - range[0]) / k : domain[0]; };
    return scale;
  };

  /* A rectangle drawn with the pointer selects while it is drawn; one change a frame.
     host: what is drawn on; at(event): the place in the view's own pixels; box(rect or null): shows it;
     found(rect): the ids in it; click(event): what a press without a drag does. */
  A.brush = function (host, view) {
    var from = null, base = [], rect = null, frame = 0, dragged = false;
    function between(a, b) {
      return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
    }
    function choose(done) {
      frame = 0;
      if (!rect) { return; }
      var kept = {};
      base.concat(view.found(rect)).forEach(function (id) { kept[id] = true; });
      A.set({ selection: A.ordered(kept) }, { live: !done });
    }
    host.addEventListener("pointerdown", function (event) {
      if (event.button !== 0 || (view.active && !view.active(event))) { return; }
      from = view.at(event);
      base = event.shiftKey || event.ctrlKey || event.metaKey ? A.state.selection.slice() : [];
      dragged = false;
      host.setPointerCapture(event.pointerId);
      event.preventDefault();
      event.stopPropagation();
      if (host.focus) { host.focus({ preventScroll: true }); }
    });
    host.addEventListener("pointermove", function (event) {
      if (!from) { return; }
      var to = view.at(event);
      if (!dragged && Math.hypot(to[0] - from[0], to[1] - from[1]) < 4) { return; }
      dragged = true;
      rect = between(from, to);
      view.box(rect);
      if (!frame) { frame = requestAnimationFrame(function () { choose(false); }); }
    });
    function end(event) {
      if (!from) { return; }
      cancelAnimationFrame(frame);
      if (dragged) { choose(true); } else if (event.type === "pointerup" && view.click) { view.click(event); }
      from = rect = null;
      view.box(null);
    }
    host.addEventListener("pointerup", end);
    host.addEventListener("pointercancel", end);
  };
})(Atlas);
