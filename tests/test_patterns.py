"""The pattern as a whole: local picture, the book's word, and roles recomputed from the written tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pattern_study import make_study, rook

from geo_cdei.analysis import breaks, patterns, region_tests, roles
from geo_cdei.columns import PATTERN, PATTERN_UNWEIGHTED
from geo_cdei.errors import AlignmentError

WEIGHTS = ["gdp", "scale", "scale^0.8"]
LEVELS = [82, 80, 79, 78, 61, 60, 59, 58, 45, 44, 43, 42, 30, 29, 28]


def local_frames(quadrants: list[str], significant: list[bool]) -> tuple[pd.DataFrame, ...]:
    codes = [f"{i:02d}" for i in range(len(quadrants))]
    lisa = pd.DataFrame(
        {
            "z": np.linspace(2, -2, len(codes)),
            "quadrant": pd.array(quadrants, dtype="str"),
            "significant": significant,
        },
        index=codes,
    )
    getis = pd.DataFrame({"spot": ["hot"] + ["cold"] * (len(codes) - 1), "significant": significant}, index=codes)
    members = pd.DataFrame({"cluster_id": "C1", "adcode": codes, "role": "primary"})
    return members, lisa, getis


def picture(quadrants, significant=None) -> pd.Series:
    return patterns.local_picture(*local_frames(quadrants, significant or [False] * len(quadrants))).loc["C1"]


@pytest.fixture(scope="module")
def study():
    """Fifteen clusters of twelve neighboring cities; the last has two scored members."""
    cities, members = make_study(LEVELS, size=12, spread=2.0)
    cities.iloc[-10:, 0] = np.nan
    return cities, members


@pytest.fixture(scope="module")
def whole(study):
    cities, members = study
    ids = sorted(members["cluster_id"].unique())
    clusters = pd.DataFrame({"cluster": "x", "score": 1.0, "n_scored": 12}, index=pd.Index(ids, name="cluster_id"))
    k = breaks.chosen_k(breaks.break_table(roles.base_scores(cities, members, weights=WEIGHTS)))
    scenarios = roles.classify_scenarios(cities, members, weights=WEIGHTS, k=k)
    regions = region_tests.compare_with_regions(
        cities, members, adjacency=rook(15, 12), weights=["gdp"], draws=199, seed=1
    )
    z = (cities["score"] - cities["score"].mean()) / cities["score"].std(ddof=0)
    lisa = pd.DataFrame({"z": z, "quadrant": np.where(z > 0, "HH", "LL"), "significant": z.abs() > 1})
    getis = pd.DataFrame({"spot": np.where(z > 0, "hot", "cold"), "significant": z.abs() > 1})
    published = pd.DataFrame(
        {
            "edition": [2020, 2021, 2021, 2021],
            "quantity": ["cluster_weighted_score"] * 2 + ["named_growing_cluster"] * 2,
            "cluster_id": ["C01", "C01", "C05", "C09"],
            "value": [70.0, 72.3, None, None],
        }
    )
    pattern = patterns.four_plus_n(
        clusters,
        roles.assign_roles(scenarios, weights="gdp", k=k),
        bootstrap=roles.bootstrap_classes(cities, members, weights=WEIGHTS, k=k, draws=99, seed=1),
        regions=regions,
        local=patterns.local_picture(members, lisa, getis),
        book=patterns.book_reading(published, edition=2021),
    )
    return pattern, scenarios, regions


def test_significant_shares_and_quadrants_by_hand():
    found = picture(["HH", "HL", "LH", "LL"], [True, True, False, False])
    assert found[["share_HH", "share_HL", "share_LH", "share_LL"]].tolist() == [0.25, 0.25, 0, 0]
    assert found[["quadrant_HH", "quadrant_HL", "quadrant_LH", "quadrant_LL"]].tolist() == [0.25] * 4
    assert found["share_hot"] == 0.25


def test_more_than_half_in_hh_is_a_surface_and_half_is_not():
    assert picture(["HH", "HH", "LL"])["type"] == "surface"
    assert picture(["HH", "HH", "LL", "LL"])["type"] == "mixed"


def test_a_high_core_among_low_members_is_a_single_peak():
    assert picture(["HL", "LL", "LH"])["type"] == "single peak"
    assert picture(["HH", "LL", "LH"])["type"] == "mixed"


def test_support_needs_half_of_the_hh_members_or_the_core():
    assert picture(["HH", "HH", "LL"], [True, False, False])["type_supported"]
    assert not picture(["HH", "HH", "HH", "LL"], [True, False, False, True])["type_supported"]
    assert not picture(["HL", "LL", "LH"], [False, True, True])["type_supported"]
    assert pd.isna(picture(["HH", "LL", "LH"], [True] * 3)["type_supported"])


def test_a_city_that_was_not_tested_is_no_part_of_the_shares():
    members, lisa, getis = local_frames(["HH", "HH", "LL", "LL"], [False] * 4)
    lisa.loc["03", "quadrant"] = pd.NA
    assert patterns.local_picture(members, lisa, getis).loc["C1", "quadrant_HH"] == pytest.approx(2 / 3)


def test_secondary_members_are_no_part_of_the_picture():
    members, lisa, getis = local_frames(["HH", "HH", "LL"], [False] * 3)
    members.loc[2, "role"] = "secondary"
    assert patterns.local_picture(members, lisa, getis).loc["C1", "quadrant_HH"] == 1.0


def test_local_statistics_of_other_cities_are_refused():
    members, lisa, getis = local_frames(["HH", "HL"], [True, True])
    with pytest.raises(AlignmentError, match=r"lisa has 2 cities, getis 2, not the same"):
        patterns.local_picture(members, lisa, getis[::-1])


def test_change_is_from_the_latest_earlier_edition():
    published = pd.DataFrame(
        {
            "edition": [2018, 2020, 2021, 2021],
            "quantity": "cluster_weighted_score",
            "cluster_id": ["C1", "C1", "C1", "C2"],
            "value": [60.0, 70.0, 72.3, 50.0],
        }
    )
    book = patterns.book_reading(published, edition=2021)
    assert book.loc["C1", ["change", "change_from"]].tolist() == [2.3, 2020]
    assert book.loc["C2", ["change", "change_from"]].isna().all()


def test_pattern_has_the_columns_named_and_every_cluster(whole):
    pattern, _, _ = whole
    assert tuple(pattern.columns[: len(PATTERN)]) == PATTERN
    assert pattern.index.tolist() == [f"C{i:02d}" for i in range(1, 16)]


def test_an_untested_cluster_has_no_evidence(whole):
    row = whole[0].loc["C15"]
    assert row["role"] == "untested"
    assert row.drop(["cluster", "role", "book_role", "score", "n_scored"]).isna().all()


def test_four_planted_poles(whole):
    pattern, _, _ = whole
    assert pattern.index[pattern["role"] == "pole"].tolist() == ["C01", "C02", "C03", "C04"]


def test_agreement_with_the_book(whole):
    pattern, _, _ = whole
    assert pattern.loc[["C01", "C02", "C05", "C09", "C10", "C11"], "agrees"].tolist() == [
        "yes", "no", "yes", "no", "yes", "yes",
    ]  # fmt: skip
    assert patterns._agreement("pole (core-dependent)", "pole") == "in part"


def test_without_a_book_its_columns_are_empty(study, whole):
    pattern, scenarios, regions = whole
    clusters = pattern[["cluster", "score", "n_scored"]]
    found = patterns.four_plus_n(
        clusters,
        roles.assign_roles(scenarios, weights="gdp", k=4),
        bootstrap=pattern[["bootstrap_top", "bootstrap_second"]].dropna(),
        regions=regions,
        local=pattern[[*[c for c in PATTERN if c.startswith(("share_", "quadrant_"))], "type", "core",
                       "core_quadrant", "type_supported"]],
    )  # fmt: skip
    assert found[["book_role", "agrees", "published", "change"]].isna().all(axis=None)
    assert (found["role"] == pattern["role"]).all()


def test_a_part_with_a_strange_cluster_is_refused(whole):
    pattern, scenarios, regions = whole
    with pytest.raises(AlignmentError, match=r"roles has 1 clusters that are not among the 14 given"):
        patterns.four_plus_n(
            pattern[["cluster", "score", "n_scored"]].drop("C01"),
            roles.assign_roles(scenarios, weights="gdp", k=4),
            bootstrap=pattern[["bootstrap_top", "bootstrap_second"]],
            regions=regions,
            local=pattern[["type"]],
        )


def recompute_role(scenarios: pd.DataFrame, k: int) -> str:
    """Apply the rule as its text stands, to the rows of one cluster."""
    fixed = scenarios[scenarios["k"] == k]
    whole, removed = fixed[fixed["removal"] == "none"], fixed[fixed["removal"] != "none"]
    other = removed[removed["removal"] != "largest"]
    grid = scenarios[scenarios["k"].isin([3, 4, 5])]
    if (whole["class"] == 1).all() and (removed["class"] == 1).sum() >= 0.8 * len(removed):
        return "pole"
    if (whole["class"] == 1).all() and (other["class"] == 1).sum() >= 0.8 * len(other):
        return "pole (core-dependent)"
    return "contender" if grid["class"].isin([1, 2]).sum() >= 0.5 * len(grid) else "other"


def check_roles_from_files(pattern: pd.DataFrame, scenarios: pd.DataFrame, folder) -> None:
    pattern.to_csv(folder / "pattern.csv")
    scenarios.to_csv(folder / "scenarios.csv", index=False)
    written = pd.read_csv(folder / "pattern.csv", index_col="cluster_id")
    rows = dict(list(pd.read_csv(folder / "scenarios.csv").groupby("cluster_id")))
    for cluster_id, row in written.iterrows():
        expected = recompute_role(rows[cluster_id], int(row["k"])) if cluster_id in rows else "untested"
        assert row["role"] == expected, cluster_id
        if cluster_id in rows:
            own = rows[cluster_id]
            assert row["top_share"] == pytest.approx((own.loc[own["k"].isin([3, 4, 5]), "class"] == 1).mean())


def test_roles_can_be_recomputed_from_the_written_tables(whole, tmp_path):
    check_roles_from_files(whole[0], whole[1], tmp_path)


@pytest.fixture(scope="module")
def real():
    """Run the default study under its own settings, by the four calls that decide the roles."""
    from geo_cdei.config import Settings
    from geo_cdei.pipeline import run
    from geo_cdei.workspace import Workspace, default_study

    analysis = run(Workspace(default_study()), Settings(), only=["scores"])
    cities, members = analysis.cities.sort_index(), analysis.members
    weights = ["gdp_2019", "scale_2020", "scale_2020^0.8"]
    table = breaks.break_table(roles.base_scores(cities, members, weights=weights))
    k = breaks.chosen_k(table)
    scenarios = roles.classify_scenarios(cities, members, weights=weights, k=k)
    return table, scenarios, roles.assign_roles(scenarios, weights="gdp_2019", k=k)


def test_real_clusters_fall_into_four_classes_with_the_four_of_the_book_on_top(real):
    table, _, _ = real
    row = table[table["chosen"]].iloc[0]
    assert (row["k"], row["top_class"], row["sizes"]) == (4, "C03;C01;C02;C04", "4;9;10;3")
    assert table.loc[table["k"] == 5, "top_class"].iloc[0] == "C03"


def test_real_roles_can_be_recomputed_from_the_written_tables(real, tmp_path):
    _, scenarios, found = real
    assert len(scenarios) == 26 * 3 * 2 * 4 * 3
    check_roles_from_files(found, scenarios, tmp_path)


def test_unweighted_reading_has_the_columns_named(study, whole):
    cities, members = study
    pattern, _, _ = whole
    k = int(pattern["k"].dropna().iloc[0])
    scenarios = roles.classify_scenarios(cities, members, weights=["equal"], k=k, order_by="gdp")
    found = patterns.unweighted_reading(
        pattern,
        roles.assign_roles(scenarios, weights="equal", k=k),
        bootstrap=roles.bootstrap_classes(cities, members, weights=["equal"], k=k, draws=99, seed=1),
        regions=region_tests.compare_with_regions(
            cities, members, adjacency=rook(15, 12), weights=["equal"], draws=99, seed=1
        ),
    )
    assert tuple(found.columns) == PATTERN_UNWEIGHTED
    assert found.loc["C15", "role"] == "untested"
    assert (found["role_weighted"] == pattern["role"]).all()
