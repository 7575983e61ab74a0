"""Which prefecture-level unit each row of a table means, and the join that follows from it.

Codes come first, then whole names in the order official, short, alias, former (:mod:`.names`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_cdei.columns import CITY_UNIT, MATCHES
from geo_cdei.errors import AlignmentError, MatchError, SchemaError
from geo_cdei.inputs.names import (
    Book,
    Counties,
    Found,
    build_book,
    cell_text,
    join_notes,
    normalize_name,
    read_code,
    suggest,
)

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["check_matches", "join_cities", "match_cities"]

UNIT_COLUMNS = ("official_name", "short_name", "name_en", "province", "lon", "lat")
SHOWN = 20


def match_cities(
    scores: pd.DataFrame,
    units: pd.DataFrame,
    aliases: pd.DataFrame,
    *,
    counties: Counties = None,
    name: str = "city",
    code: str = "adcode",
) -> pd.DataFrame:
    """Say for each row which unit it is and how that was found, or why not.

    Parameters
    ----------
    scores : pandas.DataFrame
        A table with a column of names, of codes, or both; it is not changed.
    units : pandas.DataFrame
        The code list, with ``adcode`` as index or column.
    aliases : pandas.DataFrame
        ``adcode``, ``alias``, ``kind``, ``year``. Kinds ``alias`` and ``former`` match; ``abolished`` and
        ``province`` are refused with their reason; ``traditional`` gives the characters.
    counties : pandas.DataFrame or callable, optional
        ``name`` and ``city`` of the county-level units, to say of a name that it is one of theirs; a function
        that reads them is called only when a name is unknown.
    name, code : str
        The columns of names and codes; one of the two may be absent.

    Returns
    -------
    pandas.DataFrame
        Indexed as ``scores``, with the columns :data:`geo_cdei.columns.MATCHES`. ``adcode`` is missing and
        ``how`` empty where no unit was found; ``note`` then has the reason.

    Raises
    ------
    SchemaError
        If ``scores`` has neither column.

    Notes
    -----
    A code and a name that mean different units, a code that is no unit, and a name of several units are not
    matched. :func:`check_matches` raises for all of these at once, and for a unit in several rows.

    Examples
    --------
    >>> columns = ["adcode", "official_name", "short_name", "name_en"]
    >>> units = pd.DataFrame([["320500", "苏州市", "苏州", "Suzhou (Jiangsu)"]], columns=columns)
    >>> none = pd.DataFrame(columns=["adcode", "alias", "kind", "year"])
    >>> found = match_cities(pd.DataFrame({"city": ["苏 州", "苏洲"]}), units, none)
    >>> found[["adcode", "how", "suggestions"]].values.tolist()
    [['320500', 'short name', ''], [nan, '', '苏州市']]
    """
    if name not in scores.columns and code not in scores.columns:
        raise SchemaError(
            f"The table needs a column {name!r} of names or {code!r} of codes; it has {list(scores.columns)}."
        )
    book = build_book(_by_adcode(units), aliases, counties)
    match = functools.cache(functools.partial(_match_row, book))
    codes, names = (_texts(scores, column) for column in (code, name))
    records = []
    for row, given in enumerate(zip(codes, names, strict=True), 1):
        found = match(*given)
        adcode = found.adcodes[0] if found.adcodes else None
        official = book.official[adcode] if adcode else None
        records.append((row, *given, adcode, official, found.how, found.note, found.suggestions))
    matches = pd.DataFrame(records, columns=list(MATCHES), index=scores.index)
    return matches.astype(dict.fromkeys(MATCHES[1:], "str"))


def check_matches(matches: pd.DataFrame, *, name: str = "table", unique: bool = True) -> None:
    """Raise one error with every row that is no unit, and every unit that stands in several rows.

    Parameters
    ----------
    matches : pandas.DataFrame
        Result of :func:`match_cities`.
    name : str
        Name of the table, for the message.
    unique : bool
        Whether a unit may stand in one row only.

    Raises
    ------
    MatchError
        If there is any fault; the message counts them all and lists the first twenty.

    Examples
    --------
    >>> row = (1, "", "苏洲", None, None, "", "not a prefecture-level unit", "苏州市")
    >>> check_matches(pd.DataFrame([row], columns=list(MATCHES)), name="scores")
    Traceback (most recent call last):
    geo_cdei.errors.MatchError: scores: 1 fault in the cities of 1 rows.
      row 1 苏洲: not a prefecture-level unit; did you mean 苏州市?
    Correct the table, or enter a name that is missing in boundaries/aliases.csv.
    """
    lines = [_fault_line(row) for row in matches[matches["adcode"].isna()].to_dict("records")]
    if unique:
        found = matches[matches["adcode"].notna()]
        for adcode, group in found[found["adcode"].duplicated(keep=False)].groupby("adcode", sort=False):
            places = ", ".join(f"{row} ({given})" for row, given in zip(group["row"], _given(group), strict=True))
            lines.append(f"rows {places} are the same unit, {group['official_name'].iloc[0]} ({adcode})")
    if lines:
        head = f"{name}: {len(lines)} fault{'s' * (len(lines) > 1)} in the cities of {len(matches)} rows."
        more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
        cure = "Correct the table, or enter a name that is missing in boundaries/aliases.csv."
        raise MatchError("\n".join([head, *(f"  {line}" for line in lines[:SHOWN] + more), cure]))


def join_cities(scores: pd.DataFrame, units: pd.DataFrame, matches: pd.DataFrame) -> gpd.GeoDataFrame:
    """Join each row of a table to its unit; a row without one is an error, never dropped.

    Parameters
    ----------
    scores : pandas.DataFrame
        The table that was matched; all its columns are kept.
    units : pandas.DataFrame or geopandas.GeoDataFrame
        The code list, with ``adcode`` as index or column; without ``geometry`` the points ``lon``, ``lat``
        (degrees, WGS84) are taken.
    matches : pandas.DataFrame
        Result of :func:`match_cities` for ``scores``.

    Returns
    -------
    geopandas.GeoDataFrame
        Indexed by ``adcode`` in the order of ``scores``: the columns :data:`geo_cdei.columns.CITY_UNIT`, the
        columns of ``scores`` (one of the same name as a unit's is kept as ``given_<name>``), ``geometry``.

    Raises
    ------
    MatchError
        If a row has no unit or shares it with another, or a unit is not in ``units``.
    AlignmentError
        If ``matches`` does not belong to ``scores``.
    SchemaError
        If ``units`` lacks a column.

    Examples
    --------
    >>> units = pd.DataFrame({
    ...     "adcode": ["320500"], "official_name": ["苏州市"], "short_name": ["苏州"],
    ...     "name_en": ["Suzhou (Jiangsu)"], "province": ["江苏"], "lon": [120.7], "lat": [31.3],
    ... })
    >>> none = pd.DataFrame(columns=["adcode", "alias", "kind", "year"])
    >>> scores = pd.DataFrame({"city": ["苏州市"], "score": [81.0]})
    >>> cities = join_cities(scores, units, match_cities(scores, units, none))
    >>> cities.loc["320500", ["city", "city_en", "given_city"]].tolist()
    ['苏州', 'Suzhou (Jiangsu)', '苏州市']
    """
    import geopandas as gpd

    if not matches.index.equals(scores.index):
        raise AlignmentError(
            f"The table has {len(scores)} rows and its matches {len(matches)}, with different row labels. "
            "Match the table again after changing its rows."
        )
    check_matches(matches)
    table = _by_adcode(units)
    _check_units(table, matches["adcode"])
    chosen = table.loc[matches["adcode"].to_numpy()]
    own = chosen[list(UNIT_COLUMNS)].rename(columns={"short_name": "city", "name_en": "city_en"})[list(CITY_UNIT)]
    taken = {*CITY_UNIT, "adcode", "geometry"}
    rest = scores.rename(columns={column: f"given_{column}" for column in scores.columns if column in taken})
    frame = own.join(rest.set_index(own.index))
    if "geometry" in chosen.columns:
        return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(chosen["geometry"]))
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(own["lon"], own["lat"], crs="EPSG:4326"))


def _match_row(book: Book, code: str, name: str) -> Found:
    key = normalize_name(name, book.simplified)
    found = book.names.get(key, Found())
    adcode, note, fault = read_code(code, book.official, kind=book.kind)
    if fault:
        known = f"; the name {name} is {book.label(found.adcodes)}: correct the code or leave it empty"
        return Found(note=fault + (known if found.adcodes else ""), suggestions=suggest(book, key))
    if adcode:
        return _weigh(book, adcode, note, name)
    if not key:
        return Found(note="neither a name nor a code")
    if len(found.adcodes) > 1:
        several = "; ".join(book.official[each] for each in found.adcodes)
        return Found(note=f"the name of several units: {book.label(found.adcodes)}", suggestions=several)
    if found.adcodes:
        return found
    return Found(note=book.refusal(key) or f"not a {book.kind}", suggestions=suggest(book, key))


def _weigh(book: Book, adcode: str, note: str, name: str) -> Found:
    """Hold a good code against the name that stands beside it."""
    key = normalize_name(name, book.simplified)
    found = book.names.get(key, Found())
    if adcode in found.adcodes or not key:
        return Found((adcode,), "code", note)
    other = book.label(found.adcodes) or book.refusal(key)
    if other:
        both = "; ".join(book.official[each] for each in (adcode, *found.adcodes))
        return Found(note=f"the code is {book.label([adcode])}, the name {name} is {other}", suggestions=both)
    return Found((adcode,), "code", join_notes(note, f"the name {name} is not known"))


def _texts(scores: pd.DataFrame, column: str) -> list[str]:
    return [cell_text(cell) for cell in scores[column]] if column in scores.columns else [""] * len(scores)


def _given(matches: pd.DataFrame) -> list[str]:
    return [" ".join(filter(None, pair)) for pair in zip(matches["given_code"], matches["given_name"], strict=True)]


def _fault_line(row: Mapping[Any, Any]) -> str:
    given = " ".join(filter(None, [row["given_code"], row["given_name"]])) or "(empty)"
    asked = f"; did you mean {row['suggestions'].replace('; ', ', ')}?" if row["suggestions"] else ""
    return f"row {row['row']} {given}: {row['note']}{asked}"


def _check_units(table: pd.DataFrame, adcodes: pd.Series) -> None:
    lacking = [column for column in UNIT_COLUMNS if column not in table.columns]
    if lacking:
        raise SchemaError(f"The units lack the columns {lacking}. Use the units of boundaries/units.csv.")
    unknown = sorted(set(adcodes) - set(table.index))
    if unknown:
        raise MatchError(
            f"{len(unknown)} matched units are not in the layer (first: {unknown[:3]}). Match and join with "
            "the same units, or add their polygons to the layer."
        )


def _by_adcode(units: pd.DataFrame) -> pd.DataFrame:
    return units.set_index("adcode") if "adcode" in units.columns else units  # attrs are kept
