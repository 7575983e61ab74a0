/* What the views share: the chosen variable and graph, the class of each city, and the two sums over a selection.
   The formulas are those of atlas_data.py; everything else is read, nothing is tested here. */
(function (A) {
  "use strict";

  var QUADRANTS = ["HH", "LH", "LL", "HL"], WHOLE = 1e4;

  A.variable = function () { return A.data.variables.find(function (v) { return v.key === A.state.variable; }); };
  A.graph = function () { return A.data.graphs.find(function (g) { return g.key === A.state.graph; }); };
  A.value = function (i) { return A.variable().values[i]; };
  A.z = function (i) { return whole(A.data.local[A.state.variable].z[i]); };
  A.local = function (i) {
    var all = A.data.local[A.state.variable][A.state.graph];
    return {
      z: A.z(i), lag: whole(all.lag[i]), I: whole(all.I[i]), p: whole(all.p[i]),
      quadrant: all.q[i] === "-" ? null : QUADRANTS[Number(all.q[i])],
      significant: all.s[i] === "1", significant_fdr: all.f[i] === "1"
    };
  };
  function whole(value) { return value === null ? null : value / WHOLE; }

  /* The quadrant where the chosen rule finds it significant, else why there is none. */
  A.lisaClass = function (i) {
    var found = A.local(i);
    if (found.z !== null && found.lag === null) { return "isolate"; }
    if (found.p === null) { return "undefined"; }
    return (A.state.rule === "fdr" ? found.significant_fdr : found.significant) ? found.quadrant : "ns";
  };

  A.weightedMean = function (places, values) {
    var sum = 0, total = 0, n = 0;
    places.forEach(function (i) {
      var w = A.data.weight[i];
      if (values[i] === null || w === null) { return; }
      sum += w * values[i];
      total += w;
      n += 1;
    });
    return { mean: total > 0 ? sum / total : null, n: n };
  };

  /* Moran's I by class of link: both ends selected, one end, none; share of the weight and I of each. */
  A.moranParts = function (chosen) {
    var z = A.data.local[A.state.variable].z, graph = A.graph();
    var sums = [[0, 0], [0, 0], [0, 0]], all = 0;
    graph.near.forEach(function (near, i) {
      if (z[i] === null) { return; }
      var total = 0;
      near.forEach(function (j, k) { if (z[j] !== null) { total += graph.weights ? graph.weights[i][k] : 1; } });
      if (!total) { return; }
      var own = chosen.has(A.ids[i]);
      near.forEach(function (j, k) {
        if (z[j] === null) { return; }
        var w = (graph.weights ? graph.weights[i][k] : 1) / total;
        var other = chosen.has(A.ids[j]);
        var part = sums[own && other ? 0 : own || other ? 1 : 2];
        part[0] += w;
        part[1] += w * z[i] * z[j] / (WHOLE * WHOLE);
        all += w;
      });
    });
    return sums.map(function (part) {
      return { share: all ? part[0] / all : null, I: part[0] ? part[1] / part[0] : null };
    });
  };

  /* Classes of the present layer, or of what a panel paints: lines of the legend and the line of each city. */
  A.classes = function () {
    var paint = A.paint();
    if (paint) { return painted(paint); }
    var make = { lisa: lisa, clusters: byCluster, poles: byCluster, spillovers: hinterlands }[A.state.layer];
    return make ? make(A.state.layer) : graduated(A.state.layer === "corridors" ? "greys" : "colours");
  };

  function counted(title, lines, of, note) {
    lines.forEach(function (line) { line.count = 0; });
    of.forEach(function (number) { if (number >= 0) { lines[number].count += 1; } });
    return { title: title, lines: lines, of: of, note: note || "" };
  }
  function position(value, bins) {
    var number = 0;
    while (number < bins.length - 1 && value > bins[number]) { number += 1; }
    return number;
  }
  function intervals(bins, low, colours, digits) {
    return bins.map(function (high, number) {
      var from = number ? bins[number - 1] : low;
      return { label: A.number(from, digits) + " – " + A.number(high, digits), colour: colours[number] };
    });
  }
  function leftOver(lines, of, label, colour) {
    if (of.indexOf(-1) < 0) { return of; }
    lines.push({ label: label, colour: colour });
    return of.map(function (number) { return number < 0 ? lines.length - 1 : number; });
  }

  function graduated(colours) {
    var variable = A.variable(), known = variable.values.filter(function (value) { return value !== null; });
    var lines = intervals(variable.bins, Math.min.apply(null, known), variable[colours], variable.digits);
    var of = variable.values.map(function (value) { return value === null ? -1 : position(value, variable.bins); });
    return counted(A.either(variable.title), lines, leftOver(lines, of, A.t("no_value"), "#d9d9d9"));
  }
  function lisa() {
    var names = Object.keys(A.data.lisa_colours);
    var lines = names.map(function (name) { return { label: A.t("lisa_" + name), colour: A.data.lisa_colours[name] }; });
    var of = A.ids.map(function (id, i) { return names.indexOf(A.lisaClass(i)); });
    return counted(A.t("layer_lisa") + " · " + A.either(A.variable().title) + " · " + A.either(A.graph().title), lines, of);
  }
  function byCluster(layer) {
    var look = A.data.looks[layer], digits = layer === "poles" ? 2 : 1;
    var known = look.values.filter(function (value) { return value !== null; });
    var low = layer === "poles" ? 0 : Math.min.apply(null, known);
    var lines = intervals(look.bins, low, look.colours, digits);
    var of = A.data.cluster.map(function (c) {
      return c < 0 || look.values[c] === null ? -1 : position(look.values[c], look.bins);
    });
    return counted(A.t("legend_" + layer), lines, leftOver(lines, of, A.t(layer + "_outside"), "#ececec"));
  }
  function hinterlands() {
    var look = A.data.looks.spillovers, used = [];
    look.of.forEach(function (c) { if (c >= 0 && used.indexOf(c) < 0) { used.push(c); } });
    used.sort(function (a, b) { return a - b; });
    var lines = used.map(function (c) { return { label: A.clusterName(A.data.clusters.ids[c]), colour: look.colours[c] }; });
    var of = look.of.map(function (c) { return c < 0 ? -1 : used.indexOf(c); });
    return counted(A.t("layer_spillovers"), lines, leftOver(lines, of, A.t("no_value"), "#d9d9d9"), A.t("spillovers_note"));
  }
  function painted(paint) {
    var lines = [], of = A.ids.map(function (id, i) {
      var colour = paint.colours[id] || paint.colours[A.data.clusters.ids[A.data.cluster[i]]];
      if (!colour) { return -1; }
      var number = lines.findIndex(function (line) { return line.colour === colour; });
      return number < 0 ? lines.push({ colour: colour, label: "" }) - 1 : number;
    });
    of = leftOver(lines, of, "", "#ececec");
    var legend = paint.legend || {};
    return {
      title: legend.title || "", of: of, lines: lines, note: legend.note || "",
      legend: (legend.lines || []).map(function (line) {
        return { label: line[0], colour: line[1], count: line[2] === undefined ? "" : line[2] };
      })
    };
  }
})(Atlas);
