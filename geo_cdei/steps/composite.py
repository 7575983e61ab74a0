"""The scores that every step starts from: a table of scores, or indicators put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from geo_cdei import columns
from geo_cdei.config import Data, Indicator, Score, Settings
from geo_cdei.errors import InputError, SettingsError
from geo_cdei.inputs import sources
from geo_cdei.results import Notice
from geo_cdei.workspace import Workspace

__all__ = ["COMPOSITE_NAME", "read_scores"]

COMPOSITE_NAME = "composite"
Codes = Callable[[str, pd.DataFrame], pd.Series]


def read_scores(
    workspace: Workspace, settings: Settings, codes: Codes, notices: list[Notice]
) -> tuple[str, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Read the scores of a study, or make them of its indicators.

    Parameters
    ----------
    workspace : Workspace
        The study.
    settings : Settings
        Its settings; with ``[score]`` the indicators of that section make the score.
    codes : callable
        Gives the code of every row of a table, by the table's name and the table.
    notices : list of Notice
        What was found and guessed is added to it.

    Returns
    -------
    name : str
        Name of the table.
    scores : pandas.DataFrame
        One row per city, with ``score``.
    tables : dict of str to pandas.DataFrame
        How a composite score was made; empty for a table of scores.
    """
    if not settings.score.indicators:
        scores = sources.read_table(workspace, settings.data.scores, like=Data().scores)
        notices += [Notice("scores", said) for said in sources.describe_reading(scores, settings.data.scores)]
        return settings.data.scores, scores, {}
    wide, names = _indicator_table(workspace, settings.score, codes, notices)
    scores, tables = _put_together(settings.score, wide, names, notices)
    return COMPOSITE_NAME, scores, tables


def _indicator_table(
    workspace: Workspace, wanted: Score, codes: Codes, notices: list[Notice]
) -> tuple[pd.DataFrame, pd.Series]:
    """Put the indicators side by side, one row per city that any of their tables has; and the cities' names."""
    tables: dict[str, pd.DataFrame] = {}
    printed: dict[str, str] = {}
    wide: dict[str, pd.Series] = {}
    for indicator in wanted.indicators:
        if indicator.table not in tables:
            table = sources.read_table(workspace, indicator.table)
            notices += [Notice("scores", said) for said in sources.describe_reading(table, indicator.table)]
            tables[indicator.table] = table.set_axis(pd.Index(codes(indicator.table, table), name="adcode"))
        table = tables[indicator.table]
        name = _name(indicator)
        if name in wide:
            raise SettingsError(f"[score] has the indicator {name!r} twice; give one of them another name.")
        wide[name] = _column(indicator, table)
        if "city" in table:
            for code, given in table["city"].dropna().items():
                printed.setdefault(str(code), str(given))
    frame = pd.concat(wide, axis=1).sort_index()
    return frame.rename_axis("adcode"), pd.Series(printed, dtype="str")


def _name(indicator: Indicator) -> str:
    return indicator.name or indicator.column


def _column(indicator: Indicator, table: pd.DataFrame) -> pd.Series:
    if indicator.column not in table:
        raise InputError(
            f"{indicator.table} has no column {indicator.column!r}, which [score] asks for; it has: "
            f"{', '.join(map(str, table.columns))}."
        )
    if not pd.api.types.is_numeric_dtype(table[indicator.column]):
        raise InputError(f"the column {indicator.column!r} of {indicator.table} is no column of numbers.")
    return table[indicator.column]


def _put_together(
    wanted: Score, wide: pd.DataFrame, names: pd.Series, notices: list[Notice]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    from geo_cdei.analysis import composite

    directions = {_name(each): each.direction for each in wanted.indicators}
    given = {_name(each): each.weight for each in wanted.indicators if each.weight is not None}
    out = composite.leave_out(wide, missing=wanted.missing, minimum_share=wanted.minimum_share)
    kept = wide.drop(index=out.index)
    scaled = composite.scale_indicators(kept, directions=directions, method=wanted.scaling)
    weights = composite.indicator_weights(kept, directions=directions, method=wanted.weights, given=given)
    steps = composite.add_up(kept, scaled, weights["weight"])
    total = steps.groupby("adcode", sort=False)["contribution"].sum()
    city = names.reindex(wide.index)
    if len(out):
        shown = "; ".join(f"{names.get(str(code), str(code))} {row}" for code, row in out["reason"].head(10).items())
        more = f"; and {len(out) - 10} more" if len(out) > 10 else ""
        notices.append(Notice("scores", f"{len(out)} cities have no composite score: {shown}{more}"))
    scores = pd.DataFrame({"adcode": total.index, "city": city.reindex(total.index), "score": total.to_numpy()})
    steps.insert(1, "city", steps["adcode"].map(city))
    out.insert(0, "city", city.reindex(out.index))
    return scores.reset_index(drop=True), {
        "composite": steps,
        "composite_weights": _weight_table(wanted, kept, weights),
        "composite_left_out": out.rename_axis("adcode"),
    }


def _weight_table(wanted: Score, kept: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Weights, and the numbers that the scales were made with."""
    rows: dict[str, dict[str, Any]] = {
        _name(each): {"table": each.table, "column": each.column, "direction": each.direction}
        for each in wanted.indicators
    }
    numbers = pd.DataFrame(
        {
            "n": kept.notna().sum(), "n_missing": kept.isna().sum(), "minimum": kept.min(), "maximum": kept.max(),
            "mean": kept.mean(), "sd": kept.std(ddof=0),
        }
    )  # fmt: skip
    frame = pd.DataFrame.from_dict(rows, orient="index").join(weights).join(numbers)
    frame = frame.assign(scaling=wanted.scaling, weighting=wanted.weights)
    return frame[list(columns.COMPOSITE_WEIGHTS)].rename_axis("indicator")
