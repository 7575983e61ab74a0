"""What a step works with where a study lacks the columns that the settings name: what is there, and said."""

from __future__ import annotations

import re

from geo_cdei.config import Spillovers
from geo_cdei.results import Notice
from geo_cdei.steps.context import Context

__all__ = ["SIZES", "adapt_spillovers", "size_column"]

SIZES = ("scale_2020", "gdp_2019", "population")
"""Columns that can be the size of a city, in the order in which they are taken."""


def size_column(run: Context) -> str:
    """Name the column of the cities' sizes; empty where the study has none.

    Parameters
    ----------
    run : Context
        With scored cities.

    Returns
    -------
    str
        The first of :data:`SIZES` that has values.
    """
    cities = run.scored.cities
    return next((name for name in SIZES if name in cities and cities[name].notna().any()), "")


def adapt_spillovers(run: Context, *, poles: bool) -> Spillovers | None:
    """Keep of the masses and model terms those that the study has; without any, its size takes their place.

    Parameters
    ----------
    run : Context
        With scored cities; what is left out or taken instead is added to its notices.
    poles : bool
        Whether any of the cores is a pole, so that ``pole_km`` is known.

    Returns
    -------
    Spillovers or None
        The settings to work with; None where the study has no column of sizes.
    """
    wanted, cities, size = run.settings.spillovers, run.scored.cities, size_column(run)
    if not size:
        return None
    have = {*cities.columns, *(("pole_km",) if poles else ())}
    masses = tuple(name for name in wanted.masses if name in have) or (size,)
    terms = [tuple(term for term in each if _columns(term) <= have) for each in (wanted.x, wanted.x_rival)]
    sized = any(_columns(term) - {"pole_km"} for term in terms[0])
    x = terms[0] if sized else (f"log({size})", *terms[0])
    rival = terms[1] if any(_columns(term) - {"pole_km"} for term in terms[1]) else ()
    rival = rival if rival != x else ()
    lacking = [name for name in wanted.masses if name not in have]
    lacking += [term for each in (wanted.x, wanted.x_rival) for term in each if not _columns(term) <= have]
    if lacking:
        left = ", ".join(dict.fromkeys(lacking))
        said = f"the study has no {left}: masses are {', '.join(masses)}, the model is of {', '.join(x)}"
        run.notices.append(Notice("spillovers", said))
    return wanted.model_copy(update={"masses": masses, "x": x, "x_rival": rival})


def _columns(term: str) -> set[str]:
    """Columns that a model term is made of: ``log(a)``, ``a/b`` or ``a``."""
    return set(re.findall(r"[A-Za-z_]\w*", term)) - {"log"}
