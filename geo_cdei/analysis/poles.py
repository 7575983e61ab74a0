"""Candidates for a fifth pole: who holds a seat, who may get one, and what a planner adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from .._aligned import name_some
from ..errors import StatisticError

__all__ = ["add_custom_candidate", "pole_candidates", "seat_holders"]

MIN_SCORED = 3
SEATS = ("either", "role", "book")


def seat_holders(pattern: pd.DataFrame, *, seats: str = "either") -> list[str]:
    """List the clusters that hold a seat already.

    Parameters
    ----------
    pattern : pandas.DataFrame
        Indexed by ``cluster_id``: ``role``, and ``book_role`` where the study has it.
    seats : {"either", "role", "book"}, default "either"
        Whose word counts: the tested role (a pole of any kind), the book's, or either.

    Returns
    -------
    list of str
        Sorted ``cluster_id``.

    Raises
    ------
    StatisticError
        If *seats* is unknown or nobody holds a seat.

    Examples
    --------
    >>> pattern = pd.DataFrame({"role": ["pole", "contender"], "book_role": ["pole", "pole"]}, index=["C1", "C4"])
    >>> seat_holders(pattern), seat_holders(pattern, seats="role")
    (['C1', 'C4'], ['C1'])
    """
    if seats not in SEATS:
        raise StatisticError(f"seats must be one of {', '.join(SEATS)}; got {seats!r}.")
    by_role = pattern["role"].str.startswith("pole").fillna(False).astype(bool)
    book = pattern["book_role"] if "book_role" in pattern else pd.Series("", index=pattern.index)
    by_book = (book == "pole").fillna(False).astype(bool)
    held = {"either": by_role | by_book, "role": by_role, "book": by_book}[seats]
    if not held.any():
        raise StatisticError(
            f"none of the {len(pattern)} clusters holds a seat by {seats!r}; a further pole "
            "needs poles to stand beside."
        )
    return sorted(pattern.index[held])


def pole_candidates(clusters: pd.DataFrame, poles: Sequence[str], *, withdrawn: Iterable[str] = ()) -> pd.DataFrame:
    """List the clusters that may become a further pole.

    Parameters
    ----------
    clusters : pandas.DataFrame
        Indexed by ``cluster_id``: ``cluster``, ``cluster_en``, ``n_scored``.
    poles : sequence of str
        Clusters that hold a seat.
    withdrawn : iterable of str
        Clusters that a custom candidate contains or overlaps.

    Returns
    -------
    pandas.DataFrame
        The others with at least three scored members, in the order of `clusters`.

    Raises
    ------
    StatisticError
        If fewer than two are left.

    Examples
    --------
    >>> clusters = pd.DataFrame(
    ...     {"cluster": list("ABCD"), "cluster_en": list("ABCD"), "n_scored": [9, 3, 5, 2]},
    ...     index=["C1", "C2", "C3", "C4"],
    ... )
    >>> pole_candidates(clusters, ["C1"]).index.tolist()
    ['C2', 'C3']
    """
    out = clusters.index.isin([*poles, *withdrawn])
    found = clusters.loc[
        ~out & (clusters["n_scored"] >= MIN_SCORED).to_numpy(), ["cluster", "cluster_en", "n_scored"]
    ]
    if len(found) < 2:
        raise StatisticError(
            f"a ranking needs two candidates; {len(found)} of {len(clusters)} clusters hold no seat and have at "
            f"least {MIN_SCORED} scored members. Add clusters, or a custom candidate."
        )
    return found


def add_custom_candidate(
    members: pd.DataFrame,
    cities: pd.DataFrame,
    candidate: Mapping[str, object],
    *,
    cluster_id: str,
    poles: Sequence[str],
) -> tuple[pd.DataFrame, list[str]]:
    """Add a candidate made of clusters or cities, and say which clusters it takes the place of.

    Parameters
    ----------
    members : pandas.DataFrame
        ``cluster_id``, ``cluster``, ``cluster_en``, ``adcode``, ``city``, ``role``.
    cities : pandas.DataFrame
        Indexed by ``adcode``; ``city`` and ``city_en``.
    candidate : mapping
        ``name``, ``name_en``, and ``clusters`` (their ids) or ``cities`` (names or codes), or both.
    cluster_id : str
        New id, not among those of *members*.
    poles : sequence of str
        Clusters that hold a seat.

    Returns
    -------
    members : pandas.DataFrame
        With the rows of the candidate: cities named and primary members of its clusters are primary, further
        secondary members of its clusters are secondary.
    withdrawn : list of str
        Every cluster that shares a primary member with it, so that no city stands for two candidates.

    Raises
    ------
    StatisticError
        If a cluster or city is unknown, the candidate has fewer than three cities, or it shares one with a pole.

    Examples
    --------
    >>> members = pd.DataFrame(
    ...     {"cluster_id": ["C1", "C2", "C2", "C3"], "cluster": "x", "cluster_en": "x", "adcode": list("pabc"),
    ...      "city": list("PABC"), "role": "primary"}
    ... )
    >>> cities = pd.DataFrame({"city": list("PABC"), "city_en": list("PABC")}, index=list("pabc"))
    >>> wider, withdrawn = add_custom_candidate(
    ...     members, cities, {"name": "AC", "name_en": "AC", "clusters": ["C2"], "cities": ["C"]},
    ...     cluster_id="X1", poles=["C1"],
    ... )
    >>> withdrawn, wider.loc[wider["cluster_id"] == "X1", "adcode"].tolist()
    (['C2', 'C3'], ['a', 'b', 'c'])
    """
    name = str(candidate.get("name", ""))
    held, further = _named_members(members, cities, candidate)
    primary = members[members["role"] == "primary"]
    if len(held) < MIN_SCORED:
        raise StatisticError(f"custom candidate {name!r} has {len(held)} scored cities; {MIN_SCORED} are needed.")
    touched = primary[primary["adcode"].isin(held)]
    taken = touched[touched["cluster_id"].isin(list(poles))]
    if len(taken):
        raise StatisticError(
            f"custom candidate {name!r} shares {len(taken)} cities with a pole ({name_some(taken['city'].tolist())} "
            f"of {', '.join(sorted(taken['cluster_id'].unique()))}). Leave them out: a pole cannot become one."
        )
    codes = [*held, *further]
    rows = pd.DataFrame(
        {
            "cluster_id": cluster_id, "cluster": name, "cluster_en": str(candidate.get("name_en") or name),
            "adcode": codes, "city": cities["city"].reindex(codes).to_numpy(),
            "role": ["primary"] * len(held) + ["secondary"] * len(further),
        }
    )  # fmt: skip
    return pd.concat([members, rows], ignore_index=True), sorted(touched["cluster_id"].unique())


def _named_members(
    members: pd.DataFrame, cities: pd.DataFrame, candidate: Mapping[str, object]
) -> tuple[list[str], list[str]]:
    """Codes of the primary and of the further secondary members that a candidate names."""
    name, clusters, named = (candidate.get(key, ()) for key in ("name", "clusters", "cities"))
    clusters, named = _texts(clusters), _texts(named)
    unknown = [c for c in clusters if c not in set(members["cluster_id"])]
    by_name = {str(row.city): str(code) for code, row in cities[["city"]].iterrows()}
    by_name |= {str(code): str(code) for code in cities.index}
    unknown += [c for c in named if c not in by_name]
    if unknown or not (clusters or named):
        raise StatisticError(
            f"custom candidate {name!r} names {len(clusters) + len(named)} clusters and cities, of which unknown: "
            f"{', '.join(unknown) or 'none'}. Give cluster ids, or scored cities by short name or code."
        )
    rows = members[members["cluster_id"].isin(clusters) & members["adcode"].isin(cities.index)]
    primary = rows.loc[rows["role"] == "primary", "adcode"].tolist()
    held = list(dict.fromkeys([*primary, *(by_name[c] for c in named)]))
    secondary = rows.loc[rows["role"] == "secondary", "adcode"].tolist()
    return held, [code for code in dict.fromkeys(secondary) if code not in held]


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, Iterable) and not isinstance(value, str) else []
