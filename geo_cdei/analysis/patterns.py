"""The "4+N" pattern: for every cluster a role, the book's word for it, and the numbers that decide.

The parts come from :mod:`geo_cdei.analysis.roles`, :mod:`geo_cdei.analysis.region_tests` and the local statistics;
they meet here as tables.
"""

from __future__ import annotations

import pandas as pd

from ..columns import PATTERN, PATTERN_UNWEIGHTED
from ..errors import AlignmentError

__all__ = ["book_reading", "four_plus_n", "local_picture", "unweighted_reading"]

QUADRANTS = ("HH", "HL", "LH", "LL")
EXPECTED = {"pole": ("pole",), "named as growing": ("contender",), "none": ("other",)}
SURFACE_SHARE = 0.5


def local_picture(members: pd.DataFrame, lisa: pd.DataFrame, getis: pd.DataFrame) -> pd.DataFrame:
    """Shares of the members in each quadrant, and from them the type of a cluster.

    Parameters
    ----------
    members : pandas.DataFrame
        ``cluster_id``, ``adcode``, ``role``; primary members count.
    lisa : pandas.DataFrame
        From ``local_moran`` on the scores, indexed by ``adcode``.
    getis : pandas.DataFrame
        From ``getis_ord`` (Gi*), indexed as *lisa*.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``cluster_id``, for clusters with a member that *lisa* tested; all shares are of those
        members. ``share_HH`` … ``share_LL``: in the quadrant with p_sim ≤ .05. ``quadrant_HH`` …: in the quadrant
        whatever p (they add up to 1). ``share_hot``: hot spot with p_sim ≤ .05. ``core``: the best-scoring
        member (lower ``adcode`` among equals), ``core_quadrant`` its quadrant. ``type``: "surface" if more than
        half of the members are in HH; "single peak" if the core is in HL and more than half are low (LH or LL);
        else "mixed"; all whatever p. ``type_supported``: p_sim ≤ .05 holds for at least half of the HH
        members of a surface, for the core of a single peak; NA for "mixed".

    Raises
    ------
    AlignmentError
        If the two local statistics list other cities, or another order.

    Examples
    --------
    >>> lisa = pd.DataFrame(
    ...     {"z": [2.0, -1.0, -1.0], "quadrant": ["HL", "LH", "LL"], "significant": [True, False, False]},
    ...     index=list("abc"),
    ... )
    >>> getis = pd.DataFrame({"spot": ["cold"] * 3, "significant": [False] * 3}, index=list("abc"))
    >>> members = pd.DataFrame({"cluster_id": "C1", "adcode": list("abc"), "role": "primary"})
    >>> local_picture(members, lisa, getis)[["type", "type_supported", "core"]].to_numpy().tolist()
    [['single peak', True, 'a']]
    """
    if not lisa.index.equals(getis.index):
        raise AlignmentError(
            f"lisa has {len(lisa)} cities, getis {len(getis)}, not the same in the same order. Compute both from "
            "the same scores and graph."
        )
    table = members.loc[members["role"] == "primary", ["cluster_id", "adcode"]].merge(
        lisa[["z", "quadrant", "significant"]], left_on="adcode", right_index=True
    )
    hot = (getis["spot"] == "hot") & getis["significant"]
    table["hot"] = hot.reindex(table["adcode"]).to_numpy()
    table = table[table["quadrant"].notna()].sort_values(["cluster_id", "z", "adcode"], ascending=[True, False, True])
    rows = {cluster_id: _picture(group) for cluster_id, group in table.groupby("cluster_id")}
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("cluster_id")
    return frame.astype({"type_supported": "boolean"}) if len(frame) else frame


def _picture(table: pd.DataFrame) -> dict[str, object]:
    """Summarise one cluster; its members come best first."""
    quadrant, stands = table["quadrant"], table["significant"].astype(bool)
    shares = {name: float((quadrant == name).mean()) for name in QUADRANTS}
    significant = {name: float(((quadrant == name) & stands).mean()) for name in QUADRANTS}
    core = quadrant.iloc[0]
    kind: str = "mixed"
    supported: object = pd.NA
    if shares["HH"] > SURFACE_SHARE:
        kind, supported = "surface", significant["HH"] >= shares["HH"] / 2
    elif core == "HL" and shares["LH"] + shares["LL"] > SURFACE_SHARE:
        kind, supported = "single peak", bool(stands.iloc[0])
    return {
        "type": kind,
        **{f"share_{name}": value for name, value in significant.items()},
        "share_hot": float(table["hot"].mean()),
        **{f"quadrant_{name}": value for name, value in shares.items()},
        "core": table["adcode"].iloc[0],
        "core_quadrant": core,
        "type_supported": supported,
    }


def book_reading(published: pd.DataFrame, *, edition: int) -> pd.DataFrame:
    """Read the book's word for each cluster, and the change since an earlier edition where it prints both.

    Parameters
    ----------
    published : pandas.DataFrame
        ``edition``, ``quantity``, ``cluster_id``, ``value``.
    edition : int
        The edition that is read.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``cluster_id``, for the clusters that the edition names: ``book_role`` ("pole" for a cluster
        whose weighted score is printed, "named as growing"), ``published`` (points), ``change`` (points since
        the latest earlier edition that prints a score; NaN where there is none) and ``change_from`` (that
        edition).

    Examples
    --------
    >>> published = pd.DataFrame({
    ...     "edition": [2020, 2021, 2021], "cluster_id": ["C1", "C1", "C2"], "value": [70.0, 72.5, None],
    ...     "quantity": ["cluster_weighted_score"] * 2 + ["named_growing_cluster"],
    ... })
    >>> book_reading(published, edition=2021)[["book_role", "change"]].to_numpy().tolist()
    [['pole', 2.5], ['named as growing', nan]]
    """
    named = published[published["cluster_id"].notna()]
    editions = named["edition"].astype(int)
    is_score = named["quantity"] == "cluster_weighted_score"
    poles = named[is_score & (editions == edition)].set_index("cluster_id")["value"].astype(float)
    growing = named.loc[(named["quantity"] == "named_growing_cluster") & (editions == edition), "cluster_id"]
    before = named[is_score & (editions < edition)].sort_values("edition", kind="stable")
    latest = before.drop_duplicates("cluster_id", keep="last").set_index("cluster_id")
    index = pd.Index(sorted({*poles.index, *growing}), name="cluster_id")
    frame = pd.DataFrame({"book_role": "named as growing", "published": poles.reindex(index)}, index=index)
    frame.loc[poles.index, "book_role"] = "pole"
    frame["change"] = (frame["published"] - latest["value"].astype(float).reindex(index)).round(10)
    frame["change_from"] = latest["edition"].reindex(index).astype("Int64").where(frame["change"].notna())
    return frame


def four_plus_n(
    clusters: pd.DataFrame,
    roles: pd.DataFrame,
    *,
    bootstrap: pd.DataFrame,
    regions: pd.DataFrame,
    local: pd.DataFrame,
    book: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Set every cluster's role beside the book's, with the numbers that decide it.

    Parameters
    ----------
    clusters : pandas.DataFrame of shape (n_clusters, any)
        Indexed by ``cluster_id``; ``cluster``, ``score``, ``n_scored``.
    roles : pandas.DataFrame
        From :func:`geo_cdei.analysis.roles.assign_roles`; clusters that it lacks are untested.
    bootstrap : pandas.DataFrame
        From :func:`geo_cdei.analysis.roles.bootstrap_classes`.
    regions : pandas.DataFrame
        Rows of one weighting from :func:`geo_cdei.analysis.region_tests.compare_with_regions`.
    local : pandas.DataFrame
        From :func:`local_picture`.
    book : pandas.DataFrame, optional
        From :func:`book_reading`; without it the book's columns are empty.

    Returns
    -------
    pandas.DataFrame of shape (n_clusters, any)
        Indexed by ``cluster_id``, columns :data:`geo_cdei.columns.PATTERN` and the ``…_k3`` of *roles*.
        ``book_role`` is "pole", "named as growing" or "none". ``agrees`` is "yes", "no", or "in part" for a
        pole of the book that depends on its core; empty for untested clusters. Everything else of an
        untested cluster but its score, its number of members and the book's columns is missing.

    Raises
    ------
    AlignmentError
        If a part has a cluster that *clusters* does not list.
    """
    tests = regions.set_index("cluster_id").drop(columns=["weights", "n_scored", "score", "core"])
    for name, part in {"roles": roles, "bootstrap": bootstrap, "regions": tests}.items():
        _check_known(part, clusters, name)
    frame = clusters[["cluster", "n_scored", "score"]].join(roles.drop(columns="score")).join(bootstrap)
    frame["role"] = frame["role"].fillna("untested")
    tested = frame["role"] != "untested"
    frame = frame.join(tests.join(local, how="outer").reindex(frame.index[tested]))
    frame = _with_book(frame, book, tested)
    by_k = [name for name in roles.columns if name.rpartition("_k")[2].isdigit()]
    frame = frame.astype({"class": "Int64", "k": "Int64"})
    return frame[[*PATTERN, *by_k]].rename_axis("cluster_id")


def _check_known(part: pd.DataFrame, clusters: pd.DataFrame, name: str) -> None:
    unknown = part.index.difference(clusters.index)
    if len(unknown):
        raise AlignmentError(
            f"{name} has {len(unknown)} clusters that are not among the {len(clusters)} given "
            f"(first: {unknown[:3].tolist()}). Compute every part from the same memberships."
        )


def _with_book(frame: pd.DataFrame, book: pd.DataFrame | None, tested: pd.Series) -> pd.DataFrame:
    if book is None:
        empty = dict.fromkeys(("book_role", "agrees", "published", "change", "change_from"), float("nan"))
        return frame.assign(**empty)
    frame = frame.join(book.reindex(frame.index))
    frame["book_role"] = frame["book_role"].fillna("none")
    pairs = zip(frame["role"], frame["book_role"], strict=True)
    agrees = pd.Series([_agreement(role, word) for role, word in pairs], index=frame.index)
    return frame.assign(agrees=agrees.where(tested))


def _agreement(role: str, book_role: str) -> str:
    if role == "pole (core-dependent)" and book_role == "pole":
        return "in part"
    return "yes" if role in EXPECTED[book_role] else "no"


def unweighted_reading(
    pattern: pd.DataFrame, roles: pd.DataFrame, *, bootstrap: pd.DataFrame, regions: pd.DataFrame
) -> pd.DataFrame:
    """Set the roles under equal weights beside the weighted ones.

    Parameters
    ----------
    pattern : pandas.DataFrame
        From :func:`four_plus_n`.
    roles, bootstrap, regions : pandas.DataFrame
        As for :func:`four_plus_n`, computed with equal weights.

    Returns
    -------
    pandas.DataFrame of shape (n_clusters, 14)
        Indexed by ``cluster_id``, columns :data:`geo_cdei.columns.PATTERN_UNWEIGHTED`.
    """
    tests = regions.set_index("cluster_id")[["p_region", "p_region_core", "p_region_fdr"]]
    names = ["role", "score", "class", "top_share", "second_share", "removal_share"]
    weighted = pattern[["role", "score", "class"]].add_suffix("_weighted")
    frame = pattern[["cluster"]].join(roles[names]).join(bootstrap["bootstrap_top"]).join(tests).join(weighted)
    frame["role"] = frame["role"].fillna("untested")
    return frame.astype({"class": "Int64"})[list(PATTERN_UNWEIGHTED)]
