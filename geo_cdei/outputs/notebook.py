"""A run at a glance, for notebooks: what was found, which tables there are, what was skipped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from geo_cdei.outputs._escape import text
from geo_cdei.results import Analysis

__all__ = ["summary_html"]

_MOST = 12


def summary_html(analysis: Analysis, *, written: Sequence[Path] = (), seconds: float | None = None) -> str:
    """Write a run as a short table in HTML, which a notebook shows in the place of a list of frames.

    Parameters
    ----------
    analysis : Analysis
        What was found.
    written : sequence of pathlib.Path
        Files that were written.
    seconds : float, optional
        How long it took.

    Returns
    -------
    str
        HTML without scripts or styles from elsewhere; every text of the data is escaped.
    """
    zh = analysis.settings.study.language == "zh"
    study, clusters = analysis.settings.study, analysis.clusters
    best = clusters.dropna(subset="score").sort_values("score", ascending=False, kind="stable").head(3)
    named = zip(best["cluster" if zh else "cluster_en"], best["score"], strict=True)
    rows = {
        "研究" if zh else "Study": study.title if zh else study.title_en,
        "城市" if zh else "Cities": f"{len(analysis.cities)} / {len(analysis.units)}",
        "城市群" if zh else "Clusters": f"{len(clusters)}",
        "得分最高" if zh else "Best clusters": ", ".join(f"{name} {score:.1f}" for name, score in named) or "–",
        "表" if zh else "Tables": ", ".join(f"{name} ({len(table)})" for name, table in analysis.tables.items()),
        "提示" if zh else "Notices": "; ".join(note.message for note in analysis.notices[:_MOST]) or "–",
    }
    if written:
        rows["文件" if zh else "Files"] = f"{len(written)}"
    if seconds is not None:
        rows["用时" if zh else "Seconds"] = f"{seconds:.1f}"
    body = "".join(
        f'<tr><th style="text-align:left;vertical-align:top">{text(label)}</th>'
        f'<td style="text-align:left">{text(value)}</td></tr>'
        for label, value in rows.items()
    )
    return f"<table><tbody>{body}</tbody></table>"
