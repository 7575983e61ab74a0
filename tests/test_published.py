"""Numbers that others computed and printed: the same data through our functions, to the last printed digit.

Only data that an installed library carries (libpysal's examples, NIST's in SciPy) or that stand in the source.
A number is written as it was printed; it holds if ours differs by no more than half a unit of its last digit.
"""

from __future__ import annotations

import functools
import re
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pytest
from libpysal import examples
from libpysal.graph import Graph

from geo_cdei._geodesy import bearing_deg, distance_km
from geo_cdei.analysis.autocorrelation import local_moran
from geo_cdei.analysis.global_autocorrelation import global_geary, global_getis, global_moran
from geo_cdei.analysis.graphs import lag, transform
from geo_cdei.analysis.hinterlands import break_points
from geo_cdei.analysis.hotspots import getis_ord, local_geary
from geo_cdei.analysis.inequality import dagum_parts, theil_parts
from geo_cdei.analysis.joins import join_counts
from geo_cdei.analysis.spatial_models import spatial_model
from geo_cdei.errors import GeoCdeiWarning

ONCE = {"permutations": 9, "seed": 1}
ONE_SIDED = {"book": "less", "six": "greater"}  # printed p of esda are of one side, toward the observed value


@functools.cache
def table(name: str) -> pd.DataFrame:
    """Columns of one of libpysal's examples."""
    if name.endswith(".dbf"):
        return pyogrio.read_dataframe(examples.get_path(name), read_geometry=False)
    return pd.read_csv(examples.get_path(name), skiprows=1)


@functools.cache
def graph(name: str) -> Graph:
    """Read the neighbors as GeoDa wrote them: a line of id and number, and a line of ids, per area."""
    lines = Path(examples.get_path(name)).read_text().splitlines()[1:]
    focal, near = [], []
    for head, ids in zip(lines[::2], lines[1::2], strict=False):
        near += ids.split()
        focal += [head.split()[0]] * len(ids.split())
    return Graph.from_arrays(focal, near, np.ones(len(near)))


@functools.cache
def spdep_columbus() -> Graph:
    """Neighbors of the areas of Columbus as spdep has them (col.gal.nb), which are not those of the polygons."""
    text = Path(examples.get_path("spdep_listw2WB_columbus")).read_text()
    found = (re.search(rf"{part} = c\(([^)]*)\)", text)[1] for part in ("adj", "num"))
    near, number = ([int(k) for k in part.split(",")] for part in found)
    ids = np.array([str(k + 1) for k in range(len(number))])
    return Graph.from_arrays(np.repeat(ids, number), ids[np.array(near) - 1], np.ones(len(near)))


@functools.cache
def rook_columbus() -> Graph:
    import geopandas as gpd

    return Graph.build_contiguity(gpd.read_file(examples.get_path("columbus.shp")), rook=True)


def series(values, of: Graph) -> pd.Series:
    return pd.Series(np.asarray(values, dtype=float), index=of.unique_ids)


@functools.cache
def columbus(column: str) -> pd.Series:
    return series(table("columbus.dbf")[column], spdep_columbus())


@functools.cache
def moran(gal: str, file: str, column: str):
    of = graph(gal) if gal else spdep_columbus()
    return global_moran(series(table(file)[column], of), of, **ONCE)


@functools.cache
def geary(which: str):
    if which == "book":
        return global_geary(
            series(table("book.txt")["y"], graph("book.gal")),
            graph("book.gal"),
            alternative=ONE_SIDED["book"],
            **ONCE,
        )
    return global_geary(series(table("columbus.dbf")["CRIME"], rook_columbus()), rook_columbus(), **ONCE)


# Six points and their values, printed in the source; neighbors within 15.
POINTS = np.array([(10, 10), (20, 10), (40, 10), (15, 20), (30, 20), (30, 30)])
SIX = pd.Series([2, 3, 3.2, 5, 8, 7], index=list("abcdef"))


@functools.cache
def six() -> Graph:
    apart = np.hypot(*(POINTS[:, None] - POINTS[None]).transpose(2, 0, 1))
    i, j = np.nonzero((apart > 0) & (apart <= 15))
    return Graph.from_arrays(SIX.index[i], SIX.index[j], np.ones(len(i)))


@functools.cache
def hot(star: bool) -> pd.DataFrame:
    return getis_ord(SIX, six(), star=star, **ONCE)


@functools.cache
def general_g():
    return global_getis(SIX, six(), alternative=ONE_SIDED["six"], **ONCE)


@functools.cache
def halves() -> pd.Series:
    """Join counts on a lattice of 4 by 4, eight of each kind, one above the other."""
    ids = [f"{k:02d}" for k in range(16)]
    pairs = [(k, k + 1) for k in range(16) if k % 4 < 3] + [(k, k + 4) for k in range(12)]
    i, j = np.array(sorted(pairs + [(b, a) for a, b in pairs])).T
    of = Graph.from_arrays(np.array(ids)[i], np.array(ids)[j], np.ones(len(i)))
    tiers = pd.Series(["0"] * 8 + ["1"] * 8, index=ids)
    found = join_counts(tiers, of, **ONCE)
    return found.set_index(found["category_a"] + found["category_b"])["joins"]


@functools.cache
def model(data: str, kind: str, y: str, x: tuple[str, ...], rook: bool = False):
    of = rook_columbus() if rook else graph({"columbus": "columbus.gal", "baltim": "baltim_q.gal"}[data])
    columns = table(f"{data}.dbf")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoCdeiWarning)  # the condition number is high: it is their example
        frame = pd.DataFrame({name: series(columns[name], of) for name in x})
        return spatial_model(series(columns[y], of).rename(y), frame, of, kind=kind)


def term(of, name: str, what: str = "estimate") -> float:
    return float(of.coefficients.loc[name, what])


@functools.cache
def mexico(decade: int) -> tuple[float, float]:
    frame = pd.read_csv(examples.get_path("mexico.csv"))
    return tuple(map(float, theil_parts(frame[f"pcgdp{decade}"].to_numpy(float), pd.factorize(frame["hanson98"])[0])))


@functools.cache
def norris():
    path = Path(pytest.importorskip("scipy.stats").__file__).parent / "tests/data/nist_linregress/Norris.dat"
    lines = path.read_text().splitlines()[60:96]
    y, x = np.array([line.split() for line in lines], dtype=float).T
    ids = [f"{k:02d}" for k in range(len(x))]
    ring = Graph.from_arrays(ids + ids, ids[1:] + ids[:1] + ids[-1:] + ids[:-1], np.ones(72))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoCdeiWarning)
        return spatial_model(pd.Series(y, index=ids, name="y"), pd.DataFrame({"x": x}, index=ids), ring, kind="ols")


def km(lat1, lon1, lat2, lon2) -> float:
    return float(distance_km([lon1], [lat1], [lon2], [lat2])[0])


def azimuth(lat1, lon1, lat2, lon2) -> float:
    return float(bearing_deg([lon1], [lat1], [lon2], [lat2])[0])


COL, INC_HOVAL, INC_CRIME = "columbus.gal", ("INC", "HOVAL"), ("INC", "CRIME")
HOUSES = ("NROOM", "NBATH", "PATIO", "FIREPL", "AC", "GAR", "AGE", "LOTSZ", "SQFT")
STL, SIDS = partial(moran, "stl.gal", "stl_hom.txt", "HR8893"), partial(moran, "sids2.gal", "sids2.dbf", "SIDR74")
CRIME, INCOME = partial(moran, "", "columbus.dbf", "CRIME"), partial(moran, "", "columbus.dbf", "INC")
HOVAL = partial(model, "columbus", "ols", "HOVAL", INC_CRIME)
ROOK = partial(model, "columbus", "ols", "HOVAL", INC_CRIME, True)
OLS = partial(model, "columbus", "ols", "CRIME", INC_HOVAL)
PRICE = partial(model, "baltim", "lag", "PRICE", HOUSES)


@functools.cache
def lagged(column: str) -> list[float]:
    return lag(transform(spdep_columbus(), "R"), columbus(column)).to_numpy()[:3].tolist()


def quadrants() -> list[str]:
    of = graph("desmith.gal")
    return local_moran(series(table("desmith.txt")["z"], of), of, **ONCE)["quadrant"].tolist()


ANSELIN = "Anselin, L. (2005). Spatial Regression Analysis in R: A Workbook. CSISS, Urbana."
ESDA = "esda (PySAL), docstrings, https://pysal.org/esda/generated/"
SPREG = "spreg (PySAL), docstrings, https://pysal.org/spreg/generated/"
JOINS, ML_LAG, MORAN_RES = f"{ESDA}esda.Join_Counts.html", f"{SPREG}spreg.ML_Lag.html", f"{SPREG}spreg.MoranRes.html"
INEQUALITY = "inequality (PySAL), docstring of Theil and TheilD, https://pysal.org/inequality/"
NIST = "NIST Statistical Reference Datasets, Norris, certified values (shipped with SciPy)"
KIMBROUGH = "Kimbrough, S., Converse Formula, https://modelingcommons.org/browse/one_model/4126"
KARNEY = "Karney, C. F. F. (2013). Algorithms for geodesics. Journal of Geodesy, 87, 43-55, tables 2, 3 and 5."
GEOGRAPHICLIB = "Karney, C. F. F. GeographicLib, examples of the packages, https://npmjs.com/package/geographiclib"

# What, how we find it, what is printed (one number, or several), and where.
PUBLISHED = [
    ("Moran's I of the homicides of St. Louis", lambda: STL().I, "0.244", ESDA),
    ("its expectation", lambda: STL().EI, "-0.012987012987012988", ESDA),
    ("its p under normality", lambda: STL().p_norm, "0.00027147862770937614", ESDA),
    ("Moran's I of sudden infant deaths, as OpenGeoDa", lambda: SIDS().I, "0.248", ESDA),
    ("its p under normality ", lambda: SIDS().p_norm, "0.0001158330781489969", ESDA),
    ("Moran's I of crime in Columbus", lambda: CRIME().I, "0.485770914", f"{ANSELIN} p. 19"),
    ("its expectation ", lambda: CRIME().EI, "-0.020833333", f"{ANSELIN} p. 19"),
    ("its deviate under normality", lambda: CRIME().z_norm, "5.3818", f"{ANSELIN} p. 18"),
    ("its two-sided p under normality", lambda: CRIME().p_norm * 1e8, "7.374", f"{ANSELIN} p. 18"),
    ("its deviate under randomization", lambda: CRIME().z_rand, "5.3427", f"{ANSELIN} p. 20"),
    ("its two-sided p under randomization", lambda: CRIME().p_rand * 1e8, "9.157", f"{ANSELIN} p. 20"),
    ("Moran's I of income in Columbus", lambda: INCOME().I, "0.416837942", f"{ANSELIN} p. 19"),
    ("its deviate", lambda: INCOME().z_norm, "4.649514", f"{ANSELIN} p. 19"),
    ("its p", lambda: INCOME().p_norm * 1e6, "3.327", f"{ANSELIN} p. 19"),
    ("lag of crime, first areas", lambda: lagged("CRIME"), "24.71427 26.24684 29.41175", f"{ANSELIN} p. 27"),
    ("lag of income, first areas", lambda: lagged("INC"), "18.594000 13.321333 14.123000", f"{ANSELIN} p. 27"),
    ("lag of home values, first areas", lambda: lagged("HOVAL"), "35.45850 46.67233 45.36475", f"{ANSELIN} p. 27"),
    ("Geary's C of the book's areas", lambda: geary("book").C, "0.3330108", f"{ESDA}esda.Geary.html"),
    ("its p under normality  ", lambda: geary("book").p_norm, "0.000092", f"{ESDA}esda.Geary.html"),
    ("general G of six points", lambda: general_g().G, "0.557", f"{ESDA}esda.G.html"),
    ("its p", lambda: general_g().p_norm, "0.173", f"{ESDA}esda.G.html"),
    ("z of Gi at six points", lambda: hot(False)["z"],
     "-1.0136729 -0.04361589 1.31558703 -0.31412676 1.15373986 1.77833941", f"{ESDA}esda.G_Local.html"),
    ("z of Gi* at six points", lambda: hot(True)["z"],
     "-1.39727626 -0.28917762 0.65064964 -0.28917762 1.23452088 2.02424331", f"{ESDA}esda.G_Local.html"),
    ("joins of a lattice in two halves: white", lambda: halves()["00"], "10.0", JOINS),
    ("of both", lambda: halves()["01"], "4.0", JOINS),
    ("black", lambda: halves()["11"], "10.0", JOINS),
    ("all", lambda: halves().sum(), "24.0", JOINS),
    ("home values in Columbus by least squares", lambda: ROOK().coefficients["estimate"],
     "46.42818268 0.62898397 -0.48488854", f"{SPREG}spreg.OLS.html"),
    ("Moran's I of the residuals, queen", lambda: HOVAL().diagnostics["moran_I"], "0.1713", MORAN_RES),
    ("its p", lambda: HOVAL().diagnostics["moran_p"], "0.0224", MORAN_RES),
    *(
        (f"Lagrange multiplier {name}", lambda name=name: [HOVAL().diagnostics[k] for k in (name, f"{name}_p")],
         printed, f"{SPREG}spreg.LMtests.html")
        for name, printed in (("lm_error", "3.0971 0.0784"), ("lm_lag", "0.9816 0.3218"),
                              ("rlm_error", "3.2092 0.0732"), ("rlm_lag", "1.0936 0.2957"))
    ),
    ("crime in Columbus by least squares", lambda: OLS().coefficients["estimate"], "68.6189611 -1.5973108 -0.2739315",
     f"{ANSELIN} p. 64"),
    ("standard errors", lambda: OLS().coefficients["se"], "4.7354861 0.3341308 0.1031987", f"{ANSELIN} p. 65"),
    ("prices of houses in Baltimore, spatial lag", lambda: PRICE().coefficients["estimate"],
     "4.3675 0.7502 5.6116 7.0497 7.7246 6.1231 4.6375 -0.1107 0.0679 0.0794 0.4259", ML_LAG),
    ("their standard errors", lambda: PRICE().coefficients["se"],
     "4.8859 1.0593 1.7491 2.7095 2.3811 2.3388 1.6936 0.0508 0.0146 0.1631 0.057", ML_LAG),
    ("rho", lambda: term(PRICE(), "rho"), "0.425885", ML_LAG),
    ("logarithm of the likelihood", lambda: PRICE().diagnostics["loglik"], "-832.937174", ML_LAG),
    ("slope of the calibration of ozone monitors", lambda: term(norris(), "x"), "1.00211681802045", NIST),
    ("its intercept", lambda: term(norris(), "constant"), "-0.262323073774029", NIST),
    ("its standard deviation", lambda: term(norris(), "x", "se"), "0.000429796848199937", NIST),
    ("that of the intercept", lambda: term(norris(), "constant", "se"), "0.232818234301152", NIST),
    ("Theil's T of the Mexican states, 1940 to 2000", lambda: [mexico(y)[0] for y in range(1940, 2010, 10)],
     "0.20894344 0.15222451 0.10472941 0.10194725 0.09560113 0.10511256 0.10660832", INEQUALITY),
    ("its part between the regions", lambda: [mexico(y)[1] for y in range(1940, 2010, 10)],
     "0.0345889 0.02816853 0.05260921 0.05931219 0.03205257 0.02963731 0.03635872", INEQUALITY),
    ("its part within them", lambda: [mexico(y)[0] - mexico(y)[1] for y in range(1940, 2010, 10)],
     "0.17435454 0.12405598 0.0521202 0.04263506 0.06354856 0.07547525 0.0702496", INEQUALITY),
    ("New York to London, km", lambda: km(40.6, -73.8, 51.6, -0.5), "5551.759400319", GEOGRAPHICLIB),
    ("its azimuth", lambda: azimuth(40.6, -73.8, 51.6, -0.5), "51.198883", GEOGRAPHICLIB),
    ("Wellington to Salamanca, km", lambda: km(-41.32, 174.81, 40.96, -5.50), "19959.679267", GEOGRAPHICLIB),
    ("10,000 km from 40 N", lambda: km(40, 0, 41.79331020506, 137.84490004377), "10000.0000000", KARNEY),
    ("its azimuth ", lambda: azimuth(40, 0, 41.79331020506, 137.84490004377), "30.000000", KARNEY),
    ("five meters", lambda: 1e3 * km(-30.12345, 0, -30.12344, 0.00005), "4.944208", KARNEY),
    ("its azimuth", lambda: azimuth(-30.12345, 0, -30.12344, 0.00005), "77.04353354", KARNEY),
    ("nearly to the other side", lambda: km(-30, 0, 29.9, 179.8), "19989.832827610", KARNEY),
    ("its azimuth", lambda: azimuth(-30, 0, 29.9, 179.8), "161.89052473633", KARNEY),
    ("where the larger of two cities 100 km apart stops to pull", lambda: 100 / 333.958472 * break_points(
        pd.Series({"a": 400_000.0, "b": 85_000.0}), pd.DataFrame({"lon": [0.0, 3.0], "lat": 0.0}, index=["a", "b"])
     )["from_b_km"].iloc[0], "31.55", KIMBROUGH),
]  # fmt: skip


NEARLY = 1e-11  # fifteen printed digits are more than binary arithmetic keeps: eleven must agree


def half_unit(printed: str) -> float:
    """Half a unit of the last printed digit, and a little for its binary form."""
    return 0.501 * 10.0 ** -len(printed.partition(".")[2])


@pytest.mark.parametrize(
    ("find", "printed"), [(find, printed) for _, find, printed, _ in PUBLISHED], ids=[row[0] for row in PUBLISHED]
)
def test_a_printed_number_is_ours_to_its_last_digit(find, printed):
    """Every number of the row."""
    found, numbers = np.atleast_1d(np.asarray(find(), dtype=float)), printed.split()
    assert len(found) == len(numbers)
    for ours, theirs in zip(found, numbers, strict=True):
        assert ours == pytest.approx(float(theirs), abs=half_unit(theirs), rel=NEARLY)


def test_quadrants_of_ten_areas():
    """Printed as 4, 4, 4, 2, 3, 3, 1, 4, 3, 3 with 1 HH, 2 LH, 3 LL, 4 HL (esda, docstring of Moran_Local)."""
    assert quadrants() == ["HL", "HL", "HL", "LH", "LL", "LL", "HH", "HL", "LL", "LL"]


def test_local_geary_of_the_first_county():
    """Printed as 0.696703432 for the homicides of St. Louis (esda, its own tests), with the divisor n - 1 for n."""
    of = graph("stl.gal")
    ours = local_geary(series(table("stl_hom.txt")["HR8893"], of), of, **ONCE)["C"].iloc[0]
    assert ours == pytest.approx(0.696703432, rel=1e-8)


def test_gini_of_the_mexican_states():
    """Printed as 0.35372371173452849 for 1940 (inequality, its own tests)."""
    frame = pd.read_csv(examples.get_path("mexico.csv"))
    total, _, _ = dagum_parts(frame["pcgdp1940"].to_numpy(float), np.zeros(len(frame), dtype=int))
    assert float(total) == pytest.approx(0.35372371173452849, rel=1e-12)


def test_geary_of_crime_with_rook_neighbors():
    """Printed as C 0.5154408058652411, z -4.5376938201608 and -4.652156651668989 (esda, its own tests)."""
    found = geary("columbus")
    assert pytest.approx(0.5154408058652411, rel=1e-12) == found.C
    assert (found.z_norm, found.z_rand) == pytest.approx((-4.5376938201608, -4.652156651668989), rel=1e-9)


def test_there_are_at_least_sixty_numbers():
    """Counted as numbers, not as rows; every row has a source."""
    count = sum(len(printed.split()) for _, _, printed, _ in PUBLISHED) + 10 + 1 + 1 + 3
    assert count >= 120
    assert all(len(source) > 15 for *_, source in PUBLISHED)
