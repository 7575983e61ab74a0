/* Names beside points. Earlier names win; a name that would touch an earlier one waits for a closer view. */
(function (gc) {
  "use strict";

  var GAP = 3;

  gc.labels = function (state) {
    var map = state.map;
    var groups = state.data.overlays.map(function (overlay) {
      return overlay.labels ? labelGroup(overlay) : null;
    });

    function labelGroup(overlay) {
      return L.featureGroup(overlay.shapes.features.map(function (feature, i) {
        var at = feature.geometry.coordinates;
        return L.marker([at[1], at[0]], {
          interactive: false, keyboard: false,
          icon: L.divIcon({
            className: "gc-name", iconSize: null, html: gc.el("span", { text: overlay.labels[i] })
          })
        });
      }));
    }

    function arrange() {
      var taken = [];
      groups.forEach(function (group, number) {
        if (!group) { return; }
        var shown = map.hasLayer(state.overlays[number]);
        if (shown !== map.hasLayer(group)) { if (shown) { group.addTo(map); } else { group.remove(); } }
        if (!shown) { return; }
        var dots = state.overlays[number].getLayers();
        group.getLayers().forEach(function (marker, i) {
          var text = marker.getElement().firstChild;
          var at = map.latLngToContainerPoint(marker.getLatLng());
          var box = [at.x, at.y - 8, at.x + text.offsetWidth + 6, at.y + 8];
          var free = taken.every(function (other) {
            return box[2] + GAP < other[0] || other[2] + GAP < box[0] || box[3] < other[1] || other[3] < box[1];
          });
          text.style.visibility = free ? "visible" : "hidden";
          dots[i].setStyle({ opacity: free ? 1 : 0, fillOpacity: free ? 1 : 0 });
          if (free) { taken.push(box); }
        });
      });
    }

    state.visibleLabels = function () {
      return Array.prototype.filter.call(map.getPane("markerPane").querySelectorAll(".gc-name span"), function (text) {
        return text.style.visibility !== "hidden";
      });
    };
    state.on("overlays", arrange);
    map.on("zoomend viewreset", arrange);
    arrange();
  };
})(geoCdei);
