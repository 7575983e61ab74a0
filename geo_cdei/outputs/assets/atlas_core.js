/* The atlas: one state that every view reads and the link carries, one selection, texts in two languages.

   Atlas.data                      what the pipeline found (atlas_data.py)
   Atlas.ids                       adcodes of the cities, in a fixed order
   Atlas.state                     plain JSON; a panel owns the sub-object of its own id
   Atlas.set(patch, options)       merges, one level deep in sub-objects; keeps the state before for undo, tells
                                   the views and renews the link. {live: true} for a drag: one step of undo
                                   until a change that is not live; {quiet: true}: no step of undo
   Atlas.on(name, fn)              "state" with the Set of changed top keys, "language" with zh or en,
                                   "selection" with the ids, "colour" when a panel painted the map
   Atlas.select(ids, mode)         "replace" (or none), "add", "toggle"
   Atlas.t(key, args)              a text in the present language; {name} in it is filled from args
   Atlas.addPanel(panel)           {id, titleKey, build(root), update(changed)}: a tab of the side area; update is
                                   called while the tab is open, and with all keys when it opens
   Atlas.colour(colours, legend)   paints cities by id or by cluster id while the calling panel's tab is open;
                                   legend {title, lines: [[text, colour, count], ...], note}; null ends it */
var Atlas = (function () {
  "use strict";

  var MOST_UNDO = 100;
  var listeners = { state: [], language: [], selection: [], colour: [] };
  var past = [], future = [], live = false, defaults = {};
  var A = { data: null, ids: [], index: {}, state: {}, panels: [] };

  A.on = function (name, listener) { listeners[name].push(listener); };
  A.tell = function (name, value) { listeners[name].slice().forEach(function (listener) { listener(value); }); };

  function plain(value) { return value !== null && typeof value === "object" && !Array.isArray(value); }
  function copy(value) { return JSON.parse(JSON.stringify(value)); }
  function same(a, b) { return JSON.stringify(a) === JSON.stringify(b); }

  /* State ------------------------------------------------------------------------------------------------ */

  A.set = function (patch, options) {
    var going = Boolean(options && options.live);
    var before = copy(A.state), after = copy(A.state);
    Object.keys(patch).forEach(function (key) {
      after[key] = plain(patch[key]) && plain(after[key]) ? Object.assign(after[key], copy(patch[key])) : copy(patch[key]);
    });
    if (same(before, after)) {
      live = going && live;
      return;
    }
    if (options && options.quiet) {
      replace(after);
      return;
    }
    if (!live) {
      past.push(before);
      if (past.length > MOST_UNDO) { past.shift(); }
    }
    live = going;
    future = [];
    replace(after);
  };

  A.select = function (ids, mode) {
    var kept = {};
    if (mode === "add" || mode === "toggle") { A.state.selection.forEach(function (id) { kept[id] = true; }); }
    ids.forEach(function (id) { kept[id] = !(mode === "toggle" && kept[id]); });
    A.set({ selection: ordered(kept) });
  };
  A.ordered = ordered;

  A.undo = function () { step(past, future); };
  A.redo = function () { step(future, past); };
  A.undoable = function () { return [past.length, future.length]; };
  A.restore = function (state) {
    past.push(copy(A.state));
    live = false;
    replace(sound(state));
  };

  function step(from, to) {
    if (!from.length) { return; }
    to.push(copy(A.state));
    live = false;
    // where the reader looks, and in which language, is nothing to take back
    replace(Object.assign(from.pop(), { view: A.state.view, lang: A.state.lang }));
  }

  function replace(after) {
    var before = A.state, changed = new Set();
    Object.keys(Object.assign({}, before, after)).forEach(function (key) {
      if (!same(before[key], after[key])) { changed.add(key); }
    });
    A.state = after;
    if (changed.has("lang")) { speak(); }
    if (changed.has("selection")) { A.chosen = asSet(after.selection); A.tell("selection", after.selection); }
    A.tell("state", changed);
    open(changed);
    remember();
  }

  function asSet(ids) { return new Set(ids); }
  function ordered(kept) { return A.ids.filter(function (id) { return kept[id]; }); }

  /* What came with a link is only taken where it is a choice that this page has. */
  function sound(given) {
    var state = copy(defaults), choices = A.choices();
    Object.keys(plain(given) ? given : {}).forEach(function (key) {
      var value = given[key];
      if (key === "selection") {
        state.selection = ordered(Object.fromEntries((Array.isArray(value) ? value : []).map(function (id) {
          return [String(id), true];
        })));
      } else if (choices[key]) {
        if (choices[key].indexOf(value) >= 0) { state[key] = value; }
      } else if (key === "view") {
        if (Array.isArray(value) && value.length === 3 && value.every(Number.isFinite)) { state.view = value; }
      } else if (plain(value) && key !== "__proto__") {
        state[key] = Object.assign({}, plain(state[key]) ? state[key] : {}, copy(value));
      }
    });
    return state;
  }

  A.choices = function () {
    function keys(list) { return list.map(function (item) { return item.key; }); }
    return {
      lang: ["zh", "en"], variable: keys(A.data.variables), graph: keys(A.data.graphs), rule: ["p", "fdr"],
      layer: A.data.layers, tab: ["views"].concat(A.panels.map(function (panel) { return panel.id; }))
    };
  };

  /* The link --------------------------------------------------------------------------------------------- */

  function packed(state) {
    var kept = {};
    Object.keys(state).forEach(function (key) { if (!same(state[key], defaults[key])) { kept[key] = state[key]; } });
    if (kept.lang === undefined) { kept.lang = state.lang; }
    var bytes = new TextEncoder().encode(JSON.stringify(kept));
    var text = "";
    bytes.forEach(function (byte) { text += String.fromCharCode(byte); });
    return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function unpacked(text) {
    try {
      var raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
      return JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, function (c) { return c.charCodeAt(0); })));
    } catch (error) {
      return {};
    }
  }

  A.fragment = function () { return "#s=" + packed(A.state); };
  A.link = function () { return location.href.split("#")[0] + A.fragment(); };

  var waiting = null;
  function remember() {
    clearTimeout(waiting);
    waiting = setTimeout(function () {
      // A page in a frame without an address of its own has no link to renew.
      try { history.replaceState(null, "", A.fragment()); } catch (error) { waiting = null; }
    }, 120);
  }

  function fromLink() {
    var found = /[#&]s=([\w-]+)/.exec(location.hash);
    return found ? unpacked(found[1]) : {};
  }

  /* Texts ------------------------------------------------------------------------------------------------ */

  A.lang = function () { return A.state.lang; };
  A.t = function (key, args) {
    var pair = A.data.words[key];
    if (!pair) {
      console.error("no text for " + key);
      return key;
    }
    return pair[A.lang() === "zh" ? 0 : 1].replace(/\{(\w+)\}/g, function (whole, name) {
      return args && args[name] !== undefined ? String(args[name]) : whole;
    });
  };
  A.either = function (pair) { return A.lang() === "zh" ? pair[0] : pair[1] || pair[0]; };
  A.cityName = function (id) { return A.either(A.data.names[A.index[id]]); };
  A.clusterName = function (id) { return A.either(A.data.clusters.names[A.data.clusters.ids.indexOf(id)]); };
  var writers = {};
  A.number = function (value, digits) {
    if (value === null || value === undefined || Number.isNaN(value)) { return "—"; }
    if (!writers[digits]) {
      writers[digits] = new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    }
    return writers[digits].format(value).replace("-", "−");
  };

  /* An element whose text, title, label or placeholder follows the language: {t: key, "t-title": key}. */
  A.el = function (tag, attributes, children) {
    var given = {}, keys = {};
    Object.keys(attributes || {}).forEach(function (name) {
      if (name === "t" || name.indexOf("t-") === 0) { keys[name] = attributes[name]; } else { given[name] = attributes[name]; }
    });
    var node = geoCdei.el(tag, given, children);
    Object.keys(keys).forEach(function (name) { node.setAttribute("data-" + name, keys[name]); });
    if (A.data) { say(node); }
    return node;
  };

  var SPOKEN = { "data-t-title": "title", "data-t-label": "aria-label", "data-t-placeholder": "placeholder" };
  function say(node) {
    if (node.hasAttribute("data-t")) { node.textContent = A.t(node.getAttribute("data-t")); }
    Object.keys(SPOKEN).forEach(function (from) {
      if (node.hasAttribute(from)) { node.setAttribute(SPOKEN[from], A.t(node.getAttribute(from))); }
    });
  }
  function speak() {
    document.documentElement.lang = A.lang() === "zh" ? "zh-CN" : "en";
    document.querySelectorAll("[data-t],[data-t-title],[data-t-label],[data-t-placeholder]").forEach(say);
    A.tell("language", A.lang());
  }

  /* Panels ----------------------------------------------------------------------------------------------- */

  var paints = {}, running = null;
  A.addPanel = function (panel) { A.panels.push(panel); };
  A.colour = function (colours, legend) {
    var owner = running || A.state.tab;
    if (colours) { paints[owner] = { colours: colours, legend: legend }; } else { delete paints[owner]; }
    A.tell("colour", owner);
  };
  A.paint = function () { return paints[A.state.tab] || null; };

  function open(changed) {
    A.panels.forEach(function (panel) {
      if (panel.id !== A.state.tab || !panel.root || !panel.update) { return; }
      running = panel.id;
      try {
        panel.update(changed.has("tab") ? new Set(Object.keys(A.state)) : changed);
      } finally {
        running = null;
      }
    });
  }

  function tabs(bar, area) {
    function tab(id, titleKey, root) {
      var button = A.el("button", {
        type: "button", role: "tab", id: "at-tab-" + id, "aria-controls": "at-panel-" + id, t: titleKey
      });
      button.addEventListener("click", function () { A.set({ tab: id }); });
      root.id = "at-panel-" + id;
      root.setAttribute("role", "tabpanel");
      root.setAttribute("aria-labelledby", button.id);
      bar.appendChild(button);
      if (!root.parentNode) { area.appendChild(root); }
    }
    tab("views", "tab_views", area.querySelector(".at-views"));
    A.panels.forEach(function (panel) {
      panel.root = A.el("div", { class: "at-panel" });
      tab(panel.id, panel.titleKey, panel.root);
      panel.build(panel.root);
    });
    bar.addEventListener("keydown", function (event) {
      var turn = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!turn) { return; }
      var all = Array.from(bar.children), now = all.indexOf(document.activeElement);
      var next = all[(now + turn + all.length) % all.length];
      next.focus();
      next.click();
    });
    function show() {
      Array.from(bar.children).forEach(function (button) {
        var on = button.id === "at-tab-" + A.state.tab;
        button.setAttribute("aria-selected", String(on));
        button.tabIndex = on ? 0 : -1;
        document.getElementById(button.getAttribute("aria-controls")).hidden = !on;
      });
    }
    A.on("state", function (changed) { if (changed.has("tab")) { show(); A.tell("colour", A.state.tab); } });
    show();
  }

  /* Start ------------------------------------------------------------------------------------------------ */

  A.start = function (map, id) {
    A.data = JSON.parse(document.getElementById(id).textContent);
    A.ids = A.data.ids;
    A.ids.forEach(function (code, i) { A.index[code] = i; });
    defaults = Object.assign({ selection: [], tab: "views", table: {} }, A.data.start);
    A.panels.forEach(function (panel) { if (!defaults[panel.id]) { defaults[panel.id] = panel.start || {}; } });
    A.state = sound(fromLink());
    A.chosen = asSet(A.state.selection);
    A.frame(map);
    tabs(document.querySelector(".at-tabs"), document.querySelector(".at-area"));
    A.views();
    speak();
    A.tell("selection", A.state.selection);
    var all = new Set(Object.keys(A.state));
    A.tell("state", all);
    open(all);
    // the map is last, when all that takes room around it stands
    A.map(map);
    window.addEventListener("hashchange", function () { A.restore(fromLink()); });
  };

  return A;
})();
