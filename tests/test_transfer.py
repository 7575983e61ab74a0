"""Area-weighted transfer: worked by hand, conserving, and never turning what is unknown into 0."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_cdei._geodesy import EQUAL_AREA
from geo_cdei.analysis import transfer
from geo_cdei.analysis.transfer import transfer_areas
from geo_cdei.errors import GeoCdeiWarning, StatisticError


def strip(west, east, values=None, name="people", crs=EQUAL_AREA):
    """Rectangles of 100 km in height, from and to the kilometres given."""
    shapes = shapely.box(np.array(west) * 1e3, 3_000_000, np.array(east) * 1e3, 3_100_000)
    data = {} if values is None else {name: values}
    return gpd.GeoDataFrame(data, geometry=shapes, index=[f"u{i}" for i in range(len(shapes))], crs=crs)


OLD = strip([0, 100], [100, 200], [60.0, 20.0])
NEW = strip([0, 50, 150], [50, 150, 200])


def test_a_sum_is_divided_by_area():
    assert transfer_areas(OLD, NEW, extensive=["people"])["people"].tolist() == pytest.approx([30, 40, 10])


def test_a_mean_is_averaged_by_area():
    assert transfer_areas(OLD, NEW, intensive=["people"])["people"].tolist() == pytest.approx([60, 40, 20])


def test_a_layer_carried_to_itself_is_itself():
    found = transfer_areas(OLD, OLD[[OLD.geometry.name]], extensive=["people"])
    assert found["people"].tolist() == pytest.approx([60, 20])
    assert found["covered"].tolist() == pytest.approx([1, 1])


def test_the_sum_is_kept_when_the_layers_cover_each_other():
    rng = np.random.default_rng(3)
    cuts = [0, *np.sort(rng.uniform(0, 200, 9)), 200]
    found = transfer_areas(OLD, strip(cuts[:-1], cuts[1:]), extensive=["people"])
    assert found["people"].sum() == pytest.approx(80)


def test_layers_in_other_crs_give_the_same():
    here = transfer_areas(OLD, NEW, extensive=["people"])["people"]
    there = transfer_areas(OLD.to_crs(3857), NEW.to_crs(3857), extensive=["people"])["people"]
    assert there.tolist() == pytest.approx(here.tolist(), rel=1e-9)


def test_an_unknown_source_makes_its_targets_unknown_and_not_0():
    found = transfer_areas(strip([0, 100], [100, 200], [60.0, np.nan]), NEW, extensive=["people"])
    assert found["people"].fillna(-1).tolist() == [pytest.approx(30), -1, -1]


def test_a_target_outside_of_every_source_has_no_value():
    found = transfer_areas(OLD, strip([0, 300], [200, 400]), intensive=["people"])
    assert (found["people"].iloc[0], found["covered"].tolist()) == (pytest.approx(40), [pytest.approx(1), 0])
    assert np.isnan(found["people"].iloc[1])


def test_what_lies_outside_of_every_target_is_told():
    with pytest.warns(GeoCdeiWarning, match=r"1 of 2 source units lie partly outside.*u1, 50\.00% of it"):
        transfer_areas(OLD, strip([0], [150]), extensive=["people"])


def test_the_inputs_are_not_changed():
    before = OLD.copy()
    transfer_areas(OLD, NEW, extensive=["people"])
    assert OLD.equals(before)


@pytest.mark.parametrize(
    ("source", "columns", "said"),
    [
        (OLD.set_crs(None, allow_override=True), {"extensive": ["people"]}, "the source layer has no CRS"),
        (OLD, {}, "no column was named"),
        (OLD, {"extensive": ["people"], "intensive": ["people"]}, "people cannot be both a sum and a mean"),
        (OLD, {"extensive": ["gdp"]}, "the source has no numeric column 'gdp'; it has: people, geometry"),
        (strip([0, 50], [100, 200], [1.0, 2.0]), {"extensive": ["people"]}, "source overlap: together they have 25"),
        (OLD.set_geometry([shapely.Point(0, 0), OLD.geometry.iloc[1]], crs=EQUAL_AREA), {"extensive": ["people"]},
         r"1 of 2 shapes of the source are no valid polygons \(first: u0\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_over_is_said(source, columns, said):
    with pytest.raises(StatisticError, match=said):
        transfer_areas(source, NEW, **columns)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(transfer.util, "find_spec", lambda _: None)
    with pytest.raises(StatisticError, match=r'pip install "geo-cdei\[transfer\]"'):
        transfer_areas(OLD, NEW, extensive=["people"])
