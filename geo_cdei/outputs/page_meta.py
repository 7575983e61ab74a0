"""What every page of a study says of itself."""

from __future__ import annotations

from geo_cdei.outputs.layers import MapMeta
from geo_cdei.outputs.texts import word
from geo_cdei.results import Analysis

__all__ = ["page_meta"]


def page_meta(analysis: Analysis, *, title: str = "", notes: tuple[str, ...] = ()) -> MapMeta:
    """Say what every page of a study says: its title, source, date, language, approval number, and overridden data.

    Parameters
    ----------
    analysis : Analysis
        What was found.
    title : str
        What the page shows, put behind the study's title.
    notes : tuple of str
        Further lines.

    Returns
    -------
    MapMeta
        In the language of the settings.
    """
    study = analysis.settings.study
    chinese = study.language == "zh"
    overrides = analysis.tables.get("overrides")
    if overrides is not None:  # nobody may take such a map for one of the published data
        notes = (word("note_overridden", study.language, n=len(overrides)), *notes)
    return MapMeta(
        title=study.title if chinese else study.title_en,
        subtitle=title,
        source=study.source if chinese else study.source_en,
        date=study.date.isoformat(),
        lang=study.language,
        approval_number=study.approval_number or None,
        notes=notes,
    )
