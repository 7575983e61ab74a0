"""The page of the editions: one theme a year, all classed alike, and what changed from each year to the next."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from geo_cdei.outputs.layers import Field, Overlay, Scatter
from geo_cdei.outputs.page_meta import page_meta
from geo_cdei.outputs.texts import word
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    from geo_cdei.outputs.legends import Classing, Theme
    from geo_cdei.outputs.page import OfflineMap

__all__ = ["editions_page"]

# ColorBrewer PuOr, told apart by readers who confuse red and green: orange fell, purple rose
CHANGE_COLOURS = ("#b35806", "#fdb863", "#b2abd2", "#542788")
STATUS_COLOURS = {"rose": "#8073ac", "same": "#f7f7f7", "fell": "#e08214", "entered": "#2166ac", "left": "#7f3b08"}


def editions_page(analysis: Analysis) -> OfflineMap:
    """Draw the scores of every edition, the changes between them, and who entered or left.

    Parameters
    ----------
    analysis : Analysis
        With the tables of the step ``editions``.

    Returns
    -------
    OfflineMap
        The page; the theme is the year, and its classes are the same in every year.
    """
    from geo_cdei.outputs.maps import build_page, context_overlays

    lang, units = analysis.settings.study.language, analysis.units
    years = analysis.facts["editions"]["years"]
    scores = analysis.tables["edition_scores"].drop(columns="city")
    pairs = list(itertools.pairwise(years))
    changes = {pair: _changes(analysis, *pair) for pair in pairs}
    tooltip = units.join(scores)
    fields = [Field(f"score_{year}", word("edition_score", lang, year=year), 1) for year in years]
    for (before, after), table in changes.items():
        columns = {"change": f"change_{after}", "rank_change": f"rank_change_{after}"}
        tooltip = tooltip.join(table[list(columns)].rename(columns=columns))
        fields.append(Field(f"change_{after}", word("edition_change", lang, before=before, after=after), 1))
        fields.append(Field(f"rank_change_{after}", word("edition_rank_change", lang, before=before, after=after), 0))
    overlays = context_overlays(units, analysis.clusters, analysis.provinces, analysis.dash_line, lang=lang)
    return build_page(
        tooltip, _themes(analysis, scores, changes),
        [_with_editions(overlay, analysis, lang) for overlay in overlays],
        meta=page_meta(analysis, title=word("page_editions", lang), notes=_notes(analysis, lang)),
        fields=fields,
        panels=[_scatter(analysis, *pair, changes[pair]) for pair in pairs[-3:]],
    )  # fmt: skip


def _changes(analysis: Analysis, before: int, after: int) -> pd.DataFrame:
    table = analysis.tables["edition_changes"]
    chosen: pd.DataFrame = table[(table["from"] == before) & (table["to"] == after)].set_index("adcode")
    return chosen


def _themes(analysis: Analysis, scores: pd.DataFrame, changes: dict[tuple[int, int], pd.DataFrame]) -> list[Theme]:
    from geo_cdei.outputs.legends import Classing, categorical, graduated, upper_bounds

    lang, units, style = analysis.settings.study.language, analysis.units.index, analysis.settings.map
    years = analysis.facts["editions"]["years"]
    how = Classing(style.scheme, style.classes, style.palette)
    pooled = pd.concat([scores[column] for column in scores], ignore_index=True)
    bounds = upper_bounds(pooled, how)
    classing = replace(how, bins=bounds, scheme="Common")
    themes = []
    for year in reversed(years):
        values = scores[f"score_{year}"].reindex(units).rename(f"edition_{year}")
        theme = graduated(values, word("edition_score", lang, year=year), classing=classing, lang=lang)
        themes.append(_from_lowest(theme, float(pooled.min()), bounds[0]))
    for (before, after), table in reversed(changes.items()):
        years_named = {"before": before, "after": after}
        change = table["change"].reindex(units).rename(f"change_{after}")
        if change.notna().any():
            title = word("edition_change", lang, **years_named)
            apart = _known_once(analysis, change)
            themes.append(graduated(change, title, classing=_diverging(change), apart=apart, lang=lang))
        status = _status(table).reindex(units).rename(f"status_{after}")
        labels = {name: word(f"edition_{name}", lang) for name in STATUS_COLOURS}
        title = word("edition_status", lang, **years_named)
        apart = _known_once(analysis, status)
        themes.append(categorical(status, title, palette=STATUS_COLOURS, labels=labels, apart=apart, lang=lang))
    return themes


def _known_once(analysis: Analysis, values: pd.Series) -> pd.Series:
    """Set units apart that are scored, but of which no change is known: they are not "not scored"."""
    scored = values.index.isin(analysis.tables["edition_scores"].index)
    return pd.Series(pd.NA, index=values.index, dtype="object").mask(scored & values.isna(), "edition_once")


def _from_lowest(theme: Theme, lowest: float, bound: float) -> Theme:
    """Let the first class begin at the lowest score of all years, so that the classes read alike in every year."""
    first = replace(theme.classes[0], label=f"{lowest:.1f} – {bound:.1f}")
    return replace(theme, classes=(first, *theme.classes[1:]))


def _diverging(change: pd.Series) -> Classing:
    """Class changes by halves of the largest one, so that 0 is always a bound and both sides are alike."""
    from geo_cdei.outputs.legends import Classing

    most = float(change.abs().max()) or 1.0
    bounds = [(-most / 2, 0), (0.0, 1), (most / 2, 2), (most, 3)]
    kept = [(bound, at) for bound, at in bounds if bound >= float(change.min())]
    last = next(i for i, (bound, _) in enumerate(kept) if bound >= float(change.max()))
    kept = kept[: last + 1]
    return Classing(
        "Symmetric", len(kept), tuple(CHANGE_COLOURS[at] for _, at in kept), bins=tuple(bound for bound, _ in kept)
    )


def _status(table: pd.DataFrame) -> pd.Series:
    moved = pd.Series("same", index=table.index).mask(table["change"] > 0, "rose").mask(table["change"] < 0, "fell")
    return table["status"].where(table["status"] != "both", moved)


def _with_editions(overlay: Overlay, analysis: Analysis, lang: str) -> Overlay:
    """Show the clusters' scores of both editions where they are pointed at."""
    table = analysis.tables.get("edition_clusters")
    if overlay.key != "clusters" or table is None:
        return overlay
    last = table[table["to"] == table["to"].max()]
    years = {"before": int(last["from"].iloc[0]), "after": int(last["to"].iloc[0])}
    columns = ["score_from", "score_to", "change"]
    frame = overlay.frame[["cluster", "cluster_en", "geometry"]].join(last.set_index("cluster_id")[columns])
    fields = (
        Field("cluster" if lang == "zh" else "cluster_en", word("cluster", lang)),
        Field("score_from", word("edition_score", lang, year=years["before"]), 1),
        Field("score_to", word("edition_score", lang, year=years["after"]), 1),
        Field("change", word("edition_change", lang, **years), 1),
    )
    return replace(overlay, frame=frame, fields=fields)


def _scatter(analysis: Analysis, before: int, after: int, table: pd.DataFrame) -> Scatter:
    lang = analysis.settings.study.language
    row = _mobility(analysis, before, after)
    said = word("edition_correlation", lang, spearman=f"{row['spearman']:.2f}", kendall=f"{row['kendall']:.2f}",
                n=int(row["n"]))  # fmt: skip
    both = table.dropna(subset=["score_from", "score_to"])
    x, y = (both[column] - both[column].mean() for column in ("score_from", "score_to"))
    return Scatter(
        word("edition_scatter", lang, before=before, after=after), x, y,
        word("edition_score", lang, year=before), word("edition_score", lang, year=after), line=(1.0, 0.0),
        note=said if pd.notna(row["spearman"]) else word("edition_few", lang, n=int(row["n"])),
    )  # fmt: skip


def _mobility(analysis: Analysis, before: int, after: int) -> pd.Series:
    table = analysis.tables["edition_mobility"]
    row: pd.Series = table[(table["from"] == before) & (table["to"] == after)].iloc[0]
    return row


def _notes(analysis: Analysis, lang: str) -> tuple[str, ...]:
    """Say what moved, what a list of the best cannot show, and which tables are not made for want of cities."""
    facts, notes = analysis.facts["editions"], []
    years = facts["years"]
    for before, after in itertools.pairwise(years):
        row = _mobility(analysis, before, after)
        numbers: dict[str, Any] = {name: int(row[name]) for name in ("n", "n_rose", "n_fell", "n_entered", "n_left")}
        notes.append(
            word("note_edition", lang, before=before, after=after, mean=f"{row['mean_change']:+.1f}", **numbers)
        )
        if str(before) in analysis.settings.editions.top_lists:
            notes.append(word("note_top_list", lang, year=before))
        notes += _cluster_note(analysis, before, after, lang)
    missing = [each for each in facts["left_out"] if "needed" in each]
    if missing:
        said = [f"{word(each['what'], lang)} ({each['n']} < {each['needed']})" for each in missing]
        notes.append(
            word(
                "note_too_few",
                lang,
                what=", ".join(dict.fromkeys(said)) if lang == "en" else "、".join(dict.fromkeys(said)),
            )
        )
    return tuple(notes)


def _cluster_note(analysis: Analysis, before: int, after: int, lang: str) -> list[str]:
    table = analysis.tables.get("edition_clusters")
    rows = pd.DataFrame() if table is None else table[(table["from"] == before) & (table["to"] == after)]
    if rows.empty:
        return []
    names = analysis.clusters["cluster" if lang == "zh" else "cluster_en"]
    said = [f"{names[row.cluster_id]} {row.score_from:.1f}→{row.score_to:.1f}" for row in rows.head(6).itertuples()]
    return [word("note_edition_clusters", lang, what="; ".join(said) if lang == "en" else "；".join(said))]
