/* The table of the cities: sorted by any column, searched, its rows select and show what is selected. */
(function (A) {
  "use strict";

  var COLUMNS = ["city", "province", "cluster", "value", "z", "lag", "class", "p"];
  var NUMBERS = ["value", "z", "lag", "p"];
  var body, rows = [], order = [], heads = {}, count, search, only, lit = new Set(), last = -1;

  function own() { return Object.assign({ sort: "value", down: true, find: "", only: false }, A.state.table); }
  function plain(text) { return text.normalize("NFKD").replace(/[\u0300-\u036f\s'’\-]/g, "").toLowerCase(); }

  function content(i) {
    var found = A.local(i), c = A.data.cluster[i];
    return {
      city: A.cityName(A.ids[i]), province: A.either(A.data.provinces[A.data.province[i]]),
      cluster: c < 0 ? null : A.clusterName(A.data.clusters.ids[c]), value: A.value(i), z: found.z, lag: found.lag,
      class: A.t("lisa_" + A.lisaClass(i)), p: found.p
    };
  }
  function shown(name, value) {
    if (value === null) { return "—"; }
    if (name === "value") { return A.number(value, A.variable().digits); }
    return name === "p" ? A.number(value, 4) : NUMBERS.indexOf(name) >= 0 ? A.number(value, 2) : value;
  }

  A.table = function (root) {
    search = A.el("input", { type: "search", class: "at-input", "t-placeholder": "find", "t-label": "find", autocomplete: "off" });
    search.value = own().find;
    search.addEventListener("input", function () { A.set({ table: { find: search.value } }, { live: true }); });
    only = geoCdei.el("input", { type: "checkbox", id: "at-only" });
    only.addEventListener("change", function () { A.set({ table: { only: only.checked } }); });
    count = geoCdei.el("span", { class: "at-quiet at-count", role: "status" });
    var choose = A.el("button", { type: "button", class: "at-button", t: "select_shown" });
    choose.addEventListener("click", function () { A.select(visible()); });
    var head = geoCdei.el("tr", {}, COLUMNS.map(function (name) {
      var button = A.el("button", { type: "button", t: "column_" + name });
      button.addEventListener("click", function () {
        var now = own();
        A.set({ table: { sort: name, down: now.sort === name ? !now.down : NUMBERS.indexOf(name) >= 0 && name !== "p" } });
      });
      heads[name] = geoCdei.el("th", { scope: "col", class: "at-col-" + name }, [button]);
      return heads[name];
    }));
    body = geoCdei.el("tbody", {});
    root.appendChild(geoCdei.el("div", { class: "at-tools" }, [
      search, geoCdei.el("label", { class: "at-check", for: "at-only" }, [only, A.el("span", { t: "only_selected" })]), choose, count
    ]));
    root.appendChild(geoCdei.el("div", { class: "at-scroll", tabindex: "-1" }, [
      geoCdei.el("table", { class: "at-table" }, [A.el("caption", { class: "at-hidden", t: "table_caption" }), geoCdei.el("thead", {}, [head]), body])
    ]));
    make();
    body.addEventListener("click", press);
    body.addEventListener("keydown", keys);
    A.on("state", function (changed) {
      if (["variable", "graph", "rule", "lang"].some(changed.has, changed)) { fill(); }
      if (changed.has("table")) {
        if (document.activeElement !== search) { search.value = own().find; }
        sort();
      }
    });
    A.on("selection", mark);
  };

  function make() {
    A.ids.forEach(function (id, i) {
      rows[i] = geoCdei.el("tr", { "data-i": i, tabindex: "-1" }, COLUMNS.map(function (name) {
        return geoCdei.el("td", { class: "at-col-" + name });
      }));
    });
  }
  function fill() {
    A.ids.forEach(function (id, i) {
      var all = content(i), cells = rows[i].children;
      rows[i].content = all;
      rows[i].key = key(id, i);
      COLUMNS.forEach(function (name, k) {
        var said = shown(name, all[name]);
        if (cells[k].textContent !== said) { cells[k].textContent = said; }
      });
    });
    sort();
  }
  /* A reader may search in either language, whichever the page has. */
  function key(id, i) {
    var c = A.data.cluster[i];
    return plain([id].concat(A.data.names[i], A.data.provinces[A.data.province[i]], c < 0 ? [] : A.data.clusters.names[c]).join(" "));
  }
  function sort() {
    var now = own(), sign = now.down ? -1 : 1, locale = A.lang() === "zh" ? "zh-CN" : "en";
    var compare = new Intl.Collator(locale).compare;
    order = A.ids.map(function (id, i) { return i; });
    order.sort(function (a, b) {
      var x = rows[a].content[now.sort], y = rows[b].content[now.sort];
      if (x === null || y === null) { return (x === null) - (y === null) || a - b; }
      return sign * (typeof x === "number" ? x - y : compare(x, y)) || a - b;
    });
    body.replaceChildren.apply(body, order.map(function (i) { return rows[i]; }));
    COLUMNS.forEach(function (name) {
      heads[name].setAttribute("aria-sort", name !== now.sort ? "none" : now.down ? "descending" : "ascending");
    });
    only.checked = now.only;
    filter();
  }
  function filter() {
    var now = own(), wanted = plain(now.find), n = 0;
    rows.forEach(function (row, i) {
      var hide = (wanted && row.key.indexOf(wanted) < 0) || (now.only && !A.chosen.has(A.ids[i]));
      if (row.hidden !== Boolean(hide)) { row.hidden = Boolean(hide); }
      n += hide ? 0 : 1;
    });
    count.textContent = A.t("rows", { n: n, all: A.ids.length });
    reach();
  }
  /* One row is in the order of the Tab key; the arrows go on from it. */
  function reach() {
    var first = order.find(function (i) { return !rows[i].hidden; });
    rows.forEach(function (row) { if (row.tabIndex === 0) { row.tabIndex = -1; } });
    if (first !== undefined) { rows[first].tabIndex = 0; }
  }
  function mark() {
    lit.forEach(function (id) { if (!A.chosen.has(id)) { on(id, false); } });
    A.chosen.forEach(function (id) { if (!lit.has(id)) { on(id, true); } });
    lit = new Set(A.chosen);
    if (own().only && rows[0].content) { filter(); }
  }
  function on(id, yes) {
    var row = rows[A.index[id]];
    row.classList.toggle("at-on", yes);
    row.setAttribute("aria-selected", String(yes));
  }
  function visible() { return order.filter(function (i) { return !rows[i].hidden; }).map(function (i) { return A.ids[i]; }); }
  A.tableRows = visible;

  function press(event) {
    var row = event.target.closest("tr"), i = Number(row.getAttribute("data-i"));
    if (event.shiftKey && last >= 0) {
      var seen = order.filter(function (k) { return !rows[k].hidden; });
      var a = seen.indexOf(last), b = seen.indexOf(i);
      if (a >= 0) {
        A.select(seen.slice(Math.min(a, b), Math.max(a, b) + 1).map(function (k) { return A.ids[k]; }), "add");
        return;
      }
    }
    last = i;
    A.select([A.ids[i]], event.ctrlKey || event.metaKey || event.shiftKey ? "toggle" : "replace");
  }
  function keys(event) {
    var row = event.target.closest("tr");
    if (!row) { return; }
    var seen = order.filter(function (k) { return !rows[k].hidden; });
    var at = seen.indexOf(Number(row.getAttribute("data-i")));
    var next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: seen.length - 1 }[event.key];
    if (next !== undefined && seen[next] !== undefined) {
      event.preventDefault();
      row.tabIndex = -1;
      rows[seen[next]].tabIndex = 0;
      rows[seen[next]].focus();
      if (event.shiftKey) { A.select([A.ids[seen[next]]], "add"); }
    }
    if (event.key === "Enter") { A.select([A.ids[seen[at]]]); }
    if (event.key === " ") { event.preventDefault(); A.select([A.ids[seen[at]]], "toggle"); }
  }

  /* The rows in view as a drawing, for a report. */
  A.tableDrawing = function () {
    var places = [0, 110, 200, 400, 480, 540, 600, 750].map(function (x) { return x + 12; });
    var list = visible(), svg = A.svg(860, 34 + list.length * 20, { "data-plain": "", "font-family": "sans-serif", "font-size": 12 });
    function put(values, y, weight) {
      values.forEach(function (value, k) {
        A.draw(svg, "text", { x: places[k], y: y, fill: "#1f2a33", "font-weight": weight, text: value });
      });
    }
    A.draw(svg, "rect", { width: 860, height: 34 + list.length * 20, fill: "#ffffff" });
    put(COLUMNS.map(function (name) { return A.t("column_" + name); }), 20, 600);
    list.forEach(function (id, k) {
      var all = rows[A.index[id]].content;
      put(COLUMNS.map(function (name) { return shown(name, all[name]); }), 42 + k * 20, A.chosen.has(id) ? 600 : 400);
    });
    return svg;
  };
})(Atlas);
