"""Every statistic runs the battery; a new one is registered in one line."""

from __future__ import annotations

import pytest
from battery import Statistic, check_statistic

from geo_cdei.analysis.autocorrelation import local_moran, local_moran_bv
from geo_cdei.analysis.global_autocorrelation import global_geary, global_getis, global_moran
from geo_cdei.analysis.hotspots import getis_ord, local_geary

STATISTICS = [
    Statistic("global Moran", global_moran, "I", sign=1, local=False),
    Statistic("global Geary", global_geary, "C", sign=1, local=False),
    Statistic("general G", global_getis, "G", affine=False, local=False),
    Statistic("local Moran", local_moran, "I", sign=1),
    Statistic("local Moran, weights as given", lambda *a, **k: local_moran(*a, transform="O", **k), "I", sign=1),
    Statistic("bivariate local Moran", lambda y, g, **k: local_moran_bv(y, y**2, g, **k), "I", affine=False),
    Statistic("Gi*", getis_ord, "z", sign=-1),
    Statistic("Gi", lambda *a, **k: getis_ord(*a, star=False, **k), "z", sign=-1),
    Statistic("local Geary", local_geary, "C", sign=1),
]


@pytest.mark.parametrize("statistic", STATISTICS, ids=lambda statistic: statistic.name)
def test_battery(statistic):
    """All properties of tests/battery.py."""
    check_statistic(statistic)
