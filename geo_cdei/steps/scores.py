"""Scores step: cities ranked, clusters weighted, printed numbers held against computed ones."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from geo_cdei import columns
from geo_cdei.config import Scores, Settings, setting_line
from geo_cdei.errors import InputError, SettingsError
from geo_cdei.inputs import clusters as _clusters
from geo_cdei.inputs import schema as _schema
from geo_cdei.inputs import sources
from geo_cdei.results import Notice
from geo_cdei.steps.joining import Joined
from geo_cdei.workspace import Workspace

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["Scored", "score_study"]


@dataclass(frozen=True, slots=True)
class Scored:
    """Cities and clusters with their scores, and the tables that say where these come from."""

    cities: gpd.GeoDataFrame
    members: pd.DataFrame
    clusters: gpd.GeoDataFrame
    national: dict[str, float]
    weights: str
    tables: dict[str, pd.DataFrame]
    notices: list[Notice]


def score_study(workspace: Workspace, settings: Settings, joined: Joined) -> Scored:
    """Score cities and clusters of a joined study.

    Parameters
    ----------
    workspace : Workspace
        The study.
    settings : Settings
        Its settings.
    joined : Joined
        From :func:`geo_cdei.steps.joining.join_study`.

    Returns
    -------
    Scored
        Cities with rank, tier and cluster; clusters with outlines; tables and notices.
    """
    from geo_cdei.analysis import scoring

    notices: list[Notice] = []
    weights = _usable_weights(workspace, settings, joined, notices)
    cities = _ranked(workspace, joined)
    contributed = scoring.contributions(cities, joined.members, weights=weights, roles=settings.scores.roles)
    members = joined.members.merge(
        contributed.drop(columns="city"), on=["cluster_id", "adcode"], how="left", validate="1:1"
    )
    long = _all_weightings(settings, joined, cities, weights, notices)
    clusters = _cluster_frame(joined, long, weights)
    tables = {
        "cities": _city_table(cities),
        "match_report": joined.matches,
        "clusters": clusters.drop(columns="geometry").rename_axis("cluster_id"),
        "members": members[list(columns.MEMBERS)],
        "cluster_scores": long,
        "national": _national_table(cities, long["weights"].unique().tolist()),
        **joined.tables,
    }
    if joined.overrides is not None:
        tables["overrides"] = joined.overrides
    if sources.has_table(workspace, "published"):
        tables |= _against_print(workspace, settings, joined, cities, clusters, weights)
    else:
        notices.append(Notice("scores", "there is no table published: nothing is compared with print"))
    if sources.has_table(workspace, "faults"):
        listed = sources.read_table(workspace, "faults").reindex(columns=list(columns.FAULTS))
        tables["faults"] = listed.sort_values(list(columns.FAULTS), ignore_index=True)
    national = scoring.national_means(cities, weights=weights)
    return Scored(cities, members, clusters, national, weights, tables, notices)


def _national_table(cities: pd.DataFrame, weightings: list[str]) -> pd.DataFrame:
    """Give the nation's mean under every weighting of the clusters, so that like is compared with like."""
    from geo_cdei.analysis import scoring

    rows = [(name, scoring.national_means(cities, weights=name)["weighted"]) for name in weightings]
    table = pd.DataFrame(rows, columns=list(columns.NATIONAL[:2]))
    return table.assign(n=int(cities["score"].notna().sum()))


def _usable_weights(workspace: Workspace, settings: Settings, joined: Joined, notices: list[Notice]) -> str:
    wanted = settings.scores.weights
    if wanted == "equal" or wanted in joined.cities.columns:
        return wanted
    numeric = joined.cities.select_dtypes("number").columns.tolist()
    if wanted == Scores().weights or any(name.endswith(wanted) for name in settings.data.attributes):
        instead = "population" if "population" in numeric else "equal"
        how = "equal weights" if instead == "equal" else f"the weights {instead}"
        notices.append(Notice("scores", f"there is no column {wanted}: clusters are scored with {how}"))
        return instead
    near = difflib.get_close_matches(wanted, numeric, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"columns: {', '.join(numeric)}"
    where = setting_line(workspace.settings, "scores", "weights")
    raise SettingsError(f"{where} is {wanted!r}, which is no column of the cities; {hint}")


def _ranked(workspace: Workspace, joined: Joined) -> gpd.GeoDataFrame:
    from geo_cdei.analysis import scoring

    cities = joined.cities
    if "rank" not in cities:
        cities = cities.assign(rank=cities["score"].rank(ascending=False, method="min"))
    if sources.has_table(workspace, "tiers"):
        tiers = sources.read_table(workspace, "tiers")
        cities = cities.assign(tier=scoring.assign_tiers(cities["score"], tiers))
    primary = _clusters.primary_cluster(joined.members)
    return cities.drop(columns=primary.columns, errors="ignore").join(primary)


def _all_weightings(
    settings: Settings, joined: Joined, cities: pd.DataFrame, weights: str, notices: list[Notice]
) -> pd.DataFrame:
    """Scores of the clusters under the study's weighting and its rivals, with the interval of the first."""
    from geo_cdei.analysis import scoring

    known = joined.known
    tables = []
    for name in dict.fromkeys([weights, *settings.scores.rivals]):
        if name != "equal" and name.partition("^")[0] not in known.columns:
            notices.append(Notice("scores", f"there is no column for the rival weighting {name}: it is left out"))
            continue
        table = scoring.score_clusters(known, joined.members, weights=name, roles=settings.scores.roles)
        tables.append(table.reset_index().assign(weights=name))
    long = pd.concat(tables, ignore_index=True)
    log_sd = pd.Series(0.0, index=cities.index)
    if weights == "gdp_2019" and "gdp_check" in cities:  # only GDP has check classes
        log_sd = cities["gdp_check"].map(settings.scores.gdp_log_sd)
    interval = scoring.score_interval(
        cities, joined.members, log_sd=log_sd, weights=weights, draws=settings.scores.interval_draws,
        seed=settings.inference.seed,
    ).reset_index().assign(weights=weights)  # fmt: skip
    merged = long.merge(interval, on=["cluster_id", "weights"], how="left")
    return merged[["cluster_id", "weights", *columns.CLUSTER_SCORES, "low", "high"]]


def _cluster_frame(joined: Joined, long: pd.DataFrame, weights: str) -> gpd.GeoDataFrame:
    outlines = _clusters.dissolve_clusters(joined.units, joined.members)
    main = long[long["weights"] == weights].set_index("cluster_id")
    rivals = long[long["weights"] != weights].pivot(index="cluster_id", columns="weights", values="score")
    frame = outlines.join(_clusters.cluster_table(joined.members), how="right")
    frame = frame.join(main[["n_members", "n_scored", "score", "loo_min", "loo_max", "top_member"]])
    frame = frame.join(rivals.add_prefix("score_"))
    extra = [name for name in rivals.add_prefix("score_").columns if name not in columns.CLUSTERS]
    return frame.reindex(columns=[*columns.CLUSTERS, *extra, "geometry"]).sort_index()


def _city_table(cities: gpd.GeoDataFrame) -> pd.DataFrame:
    """Cities in the columns of the contract, further numeric columns of the study behind them."""
    extra = [
        name
        for name in cities.select_dtypes("number").columns
        if name not in columns.CITIES and name not in ("lon", "lat")
    ]
    table = pd.DataFrame(cities.drop(columns="geometry")).reindex(columns=[*columns.CITIES, *extra])
    return table.astype({"rank": "Int64"}).rename_axis("adcode")


def _against_print(
    workspace: Workspace,
    settings: Settings,
    joined: Joined,
    cities: pd.DataFrame,
    clusters: pd.DataFrame,
    weights: str,
) -> dict[str, pd.DataFrame]:
    from geo_cdei.analysis import reproduction, scoring

    published = sources.read_table(workspace, "published")
    lacking = [column for column in ("cluster_id", "value", "printed_unit") if column not in published]
    if lacking:
        raise InputError(
            f"published has no column {', '.join(lacking)}: what is printed could not be compared. Restore it, or "
            "delete the file."
        )
    published = published.sort_values(["edition", "quantity", "subject"], ignore_index=True)
    dangling = _schema.find_dangling(published, "cluster_id", clusters.index, name="published")
    _schema.raise_faults(dangling, name="published")
    edition = settings.study.edition
    compared = reproduction.reproduce(cities, clusters, published, edition=edition)
    # which weights the book used is asked of the book's own scores, whatever a planner puts in their place
    own_cities, own_members = joined.published
    return {
        "reproduction": compared if joined.overrides is None else _set_aside(compared),
        "weighting": scoring.compare_weightings(own_cities, own_members, published, weights=weights, edition=edition),
    }


def _set_aside(compared: pd.DataFrame) -> pd.DataFrame:
    """Judge no printed number: it is not of the scores that a planner put in."""
    tested = compared["reproduced"] != ""
    said = "scores or memberships are overridden (data/raw/overrides)"
    return compared.assign(reproduced="", note=compared["note"].where(~tested, said))
