/* Find a unit by its Chinese or English name: type, choose with the arrow keys, Enter, Escape. */
(function (gc) {
  "use strict";

  var MOST = 8;

  /* Letters without accents, case, spaces, hyphens and apostrophes: "Urumqi" finds "Ürümqi", "xian" "Xi'an". */
  function plain(text) {
    return text.normalize("NFKD").replace(/[\u0300-\u036f\s'’\-]/g, "").toLowerCase();
  }

  gc.find = function (data, query) {
    var wanted = plain(query);
    if (!wanted) { return []; }
    var found = [];
    data.names.forEach(function (pair, i) {
      var keys = [plain(pair[0]), plain(pair[1]), data.codes[i]];
      var begins = keys.some(function (key) { return key.indexOf(wanted) === 0; });
      var holds = keys.slice(0, 2).some(function (key) { return key.indexOf(wanted) >= 0; });
      var equal = keys.indexOf(wanted) >= 0;
      if (begins || holds) { found.push([equal ? 0 : begins ? 1 : 2, i]); }
    });
    found.sort(function (a, b) { return a[0] - b[0] || a[1] - b[1]; });
    return found.slice(0, MOST).map(function (entry) { return entry[1]; });
  };

  gc.search = function (host, state) {
    var data = state.data;
    var hits = [];
    var active = -1;
    var list = gc.el("ul", { id: "gc-hits", role: "listbox", class: "gc-hits", "aria-label": data.words.search });
    var input = gc.el("input", {
      type: "search", role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false",
      "aria-controls": "gc-hits", "aria-label": data.words.search, placeholder: data.words.search,
      autocomplete: "off", spellcheck: "false", id: "gc-search"
    });
    list.hidden = true;
    host.appendChild(input);
    host.appendChild(list);

    function close() {
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
      active = -1;
    }
    function mark(number) {
      active = number;
      Array.prototype.forEach.call(list.children, function (item, i) {
        item.setAttribute("aria-selected", String(i === number));
        if (i === number) { input.setAttribute("aria-activedescendant", item.id); }
      });
    }
    function choose(number) {
      var i = hits[number];
      input.value = data.names[i][data.lang === "en" && data.names[i][1] ? 1 : 0];
      close();
      state.map.getContainer().scrollIntoView({ block: "nearest" });
      state.select(i, true);
    }
    function show() {
      hits = gc.find(data, input.value);
      list.replaceChildren.apply(list, hits.map(function (i, number) {
        var item = gc.el("li", { role: "option", id: "gc-hit-" + number, "aria-selected": "false" }, [
          gc.el("span", { text: data.names[i][0] }), gc.el("small", { text: data.names[i][1] })
        ]);
        item.addEventListener("mousedown", function (event) { event.preventDefault(); choose(number); });
        return item;
      }));
      if (!hits.length) { list.appendChild(gc.el("li", { class: "gc-none", text: data.words.no_match })); }
      list.hidden = !input.value.trim();
      input.setAttribute("aria-expanded", String(!list.hidden));
      if (hits.length) { mark(0); }
    }
    input.addEventListener("input", show);
    input.addEventListener("focus", function () { if (input.value) { show(); } });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", function (event) {
      // While an input method composes, its keys belong to it.
      if (event.isComposing) { return; }
      if (event.key === "Escape") { input.value = ""; close(); }
      if (list.hidden || !hits.length) { return; }
      if (event.key === "ArrowDown") { mark((active + 1) % hits.length); event.preventDefault(); }
      if (event.key === "ArrowUp") { mark((active + hits.length - 1) % hits.length); event.preventDefault(); }
      if (event.key === "Enter") { choose(Math.max(active, 0)); event.preventDefault(); }
    });
  };
})(geoCdei);
