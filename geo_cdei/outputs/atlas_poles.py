"""What the atlas needs to weigh the criteria of the fifth pole anew: scaled criteria and the answers of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_cdei.columns import POLE_WEIGHTS
from geo_cdei.outputs.statements import pole_word
from geo_cdei.outputs.texts import LANGUAGES
from geo_cdei.results import Analysis

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["poles_payload"]

DIGITS = 4  # of shares of draws, as in the tables


def poles_payload(analysis: Analysis) -> dict[str, Any] | None:
    """Collect candidates, criteria, weights and rank acceptabilities for the fifth-pole panel.

    Parameters
    ----------
    analysis : Analysis
        What was found.

    Returns
    -------
    dict or None
        Plain values for JSON; None if the step ``poles`` gave nothing. ``criteria`` (m) with their group and ends of
        the scale, ``candidates`` (n) with ``scaled`` and ``raw`` values (None is unknown) and the ``acceptability``
        of every rank, ``presets`` of m weights each, and the circumstances of the draws.

    Notes
    -----
    Nothing is computed here: the scaled values, the weights and the shares are those of ``poles.csv``,
    ``pole_weights.csv``, ``pole_central_weights.csv`` and ``pole_ranks.csv``. The page multiplies and adds them up
    as :func:`geo_cdei.analysis.pole_ranking.rank_poles` does.
    """
    tables = analysis.tables
    if "poles" not in tables or "pole_weights" not in tables:
        return None
    criteria = tables["pole_criteria"]
    return {
        "groups": [{"key": key, "name": _both("group", key)} for key in dict.fromkeys(criteria["group"])],
        "criteria": [
            {
                "key": str(key), "group": row["group"], "direction": int(row["direction"]), "unit": row["unit"],
                "low": _number(row["low"]), "high": _number(row["high"]), "missing": int(row["n_missing"]),
                "name": _both("criterion", str(key)),
            }
            for key, row in criteria.iterrows()
        ],
        "candidates": _candidates(tables, list(criteria.index)),
        "presets": {
            name: _numbers(tables["pole_weights"][name].reindex(criteria.index)) for name in POLE_WEIGHTS[1:]
        },
        "central": _central(tables["pole_central_weights"], list(criteria.index)),
        "draws": analysis.settings.poles.draws,
        "seed": analysis.settings.inference.seed,
    }  # fmt: skip


def _candidates(tables: Any, criteria: list[str]) -> list[dict[str, Any]]:
    """Give the candidates in the order of their codes, which is also that of equal values in the ranking."""
    poles, shares = tables["poles"].sort_index(), tables["pole_ranks"]
    scaled = poles[[f"scaled_{name}" for name in criteria]].to_numpy(dtype=float)
    raw = poles[criteria].to_numpy(dtype=float)
    return [
        {
            "id": str(key),
            "name": [str(row["cluster"]), str(row["cluster_en"])],
            "seat": str(row["seat"]),
            "scaled": [_number(value) for value in scaled[place]],
            "raw": [_number(value) for value in raw[place]],
            "acceptability": [round(float(value), DIGITS) for value in shares.loc[key]],
        }
        for place, (key, row) in enumerate(poles.iterrows())
    ]


def _central(table: pd.DataFrame, criteria: list[str]) -> dict[str, dict[str, list[float | None]]]:
    """Central weights by scheme and candidate; one that is never first has none."""
    found: dict[str, dict[str, list[float | None]]] = {}
    for (scheme, key), part in table.groupby(["scheme", "cluster_id"], sort=True):
        weights = part.set_index("criterion")["weight"].reindex(criteria)
        if weights.notna().all():
            found.setdefault(str(scheme), {})[str(key)] = _numbers(weights)
    return found


def _both(kind: str, key: str) -> list[str]:
    return [pole_word(kind, key, lang=lang) for lang in LANGUAGES]


def _numbers(values: pd.Series) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: Any) -> float | None:
    number = float(value)
    return number if number == number else None
