"""What every section asks for: numbers, names in the language of the report, tables, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from geo_cdei.errors import OutputError
from geo_cdei.outputs.report.document import Cell, Figure, Number, TableBlock
from geo_cdei.outputs.report.numbers import Numbers, Row
from geo_cdei.outputs.report.templates import report_word
from geo_cdei.outputs.report.verdicts import verdict
from geo_cdei.outputs.texts import weighting
from geo_cdei.results import Analysis

__all__ = ["Context"]

_MAP_MM = 165.0


class Context:
    """The run, its numbers, and the words of one language.

    Parameters
    ----------
    analysis : Analysis
        The run.
    lang : {"zh", "en"}
        The language.
    figures : mapping of str to bytes
        Maps of the recipes as PNG, by name.
    """

    def __init__(self, analysis: Analysis, lang: str, figures: Mapping[str, bytes]) -> None:
        self.analysis, self.lang, self.figures = analysis, lang, figures
        self.tables = analysis.tables
        self.numbers = Numbers(analysis)
        cities = analysis.tables["cities"]
        self._english = dict(zip(cities["city"], cities["city_en"], strict=True))

    # tables

    def has(self, table: str) -> bool:
        """Whether the run made a table with rows in it."""
        return self.numbers.has(table)

    def has_columns(self, table: str, *columns: str) -> bool:
        """Whether a table has columns."""
        return self.has(table) and set(columns) <= set(self.tables[table].columns)

    def text(self, table: str, row: Row, column: str) -> str:
        """Give a cell as text."""
        return self.numbers.text(table, row, column)

    def row_exists(self, table: str, row: Mapping[str, Any]) -> bool:
        """Whether a table has exactly one row with these values."""
        return self.has(table) and self.numbers.count(table, **row).value == 1

    def where(self, table: str, **values: Any) -> pd.DataFrame:
        """Rows of a table with these values, in their order."""
        frame = self.tables[table]
        for name, value in values.items():
            frame = frame[frame[name] == value]
        return frame

    def digits(self, table: str, row: Row, column: str) -> int:
        """Decimals with which a source printed a number: none for whole ones, else one."""
        value = self.numbers.value(table, row, column).value
        return 0 if value == round(value) and value >= 1000 else 1 if value != round(value) else 0

    def table(self, names: Sequence[str], rows: Sequence[tuple[Cell, ...]], *, text: Sequence[int]) -> TableBlock:
        """Put rows under titles; the columns in *text* are not right-aligned."""
        numeric = tuple(i not in text for i in range(len(names)))
        return TableBlock((), tuple(self.word("column", name) for name in names), tuple(rows), numeric)

    # words

    def word(self, kind: str, key: Any) -> str:
        """Name something of a kind; what has no word stands for itself."""
        found = "" if not isinstance(key, str) and pd.isna(key) else str(key)
        return report_word(f"{kind}:{found}", self.lang, found or "–")

    def plain_word(self, key: str) -> str:
        """Give a word by its whole key."""
        return report_word(key, self.lang)

    def said(self, p: Number) -> str:
        """Put a p-value into a word, by the one rule."""
        return report_word(f"verdict:{verdict(p.value)}", self.lang)

    def cluster(self, cluster_id: Any) -> str:
        """Name a cluster; a code that is none stands for itself."""
        if cluster_id not in self.tables["clusters"].index:
            return str(cluster_id)
        return self.text("clusters", str(cluster_id), "cluster" if self.lang == "zh" else "cluster_en")

    def corridor(self, corridor_id: str) -> str:
        """Name a corridor; one without an English name keeps its Chinese one."""
        zh = self.text("corridors", corridor_id, "name") or corridor_id
        return zh if self.lang == "zh" else self.text("corridors", corridor_id, "name_en") or zh

    def city(self, adcode: str) -> str:
        """Name a city by its code."""
        if adcode not in self.analysis.units.index:
            return str(adcode)
        named = self.analysis.units.at[adcode, "city_en"] if self.lang != "zh" else ""
        return str(named or self.analysis.units.at[adcode, "city"])

    def city_named(self, name: str) -> str:
        """Give a city that a table names in Chinese in the language of the report."""
        return name if self.lang == "zh" else str(self._english.get(name, name) or name)

    def subject(self, subject: Any, cluster_id: Any) -> str:
        """Name what a printed number is of."""
        known = isinstance(cluster_id, str) and cluster_id in self.tables["clusters"].index
        return self.cluster(cluster_id) if known else self.word("subject", subject)

    def weighting(self, name: str) -> str:
        """Name a weighting."""
        return weighting(name, self.lang)

    def weights_word(self) -> str:
        """Name the weighting of the run."""
        return self.weighting(self.analysis.weights)

    # facts that several sections ask for

    def by_score(self) -> list[str]:
        """Clusters, the best first, those without a score last."""
        scores = self.tables["clusters"]["score"]
        return [str(name) for name in scores.sort_values(ascending=False, kind="stable", na_position="last").index]

    def few_scored(self) -> list[str]:
        """Clusters with fewer than three scored members."""
        frame = self.tables["clusters"]
        return [str(name) for name in frame.index[frame["n_scored"] < 3]]

    def printed_clusters(self) -> list[str]:
        """Clusters whose printed score can be held against the computed one."""
        if not self.has("weighting"):
            return []
        return [str(name) for name in self.where("weighting", weights=self.analysis.weights)["cluster_id"]]

    def rivals(self) -> list[tuple[str, str]]:
        """Weightings tried, the nearest first, each with one cluster by which its row is found."""
        if not self.has("weighting"):
            return []
        once = self.tables["weighting"].drop_duplicates("weights")
        return [(str(name), str(cluster)) for name, cluster in zip(once["weights"], once["cluster_id"], strict=True)]

    def claimed(self) -> list[str]:
        """Corridors that the source claims."""
        return [str(name) for name in self.where("corridors", kind="claimed").index] if self.has("corridors") else []

    def same_verdict(self, corridors: Sequence[str]) -> str:
        """Give the verdict that all of some corridors have; empty where they differ."""
        verdicts = {self.text("corridors", name, "verdict") for name in corridors}
        return verdicts.pop() if len(verdicts) == 1 else ""

    def roles(self) -> dict[str, list[str]]:
        """Clusters by their role, in the order of their scores."""
        if not self.has("pattern"):
            return {}
        found: dict[str, list[str]] = {}
        for cluster_id in self.by_score():
            found.setdefault(self.text("pattern", cluster_id, "role"), []).append(cluster_id)
        return found

    def figure(self, name: str, width_mm: float = _MAP_MM) -> dict[str, Figure]:
        """Give a map of a recipe, if it was drawn."""
        png = self.figures.get(name)
        return {f"map_{name}": Figure((), "", png, width_mm)} if png else {}

    def checked_cluster(self, cluster_id: str) -> str:
        """Refuse a cluster that the study does not have."""
        known = self.tables["clusters"].index.tolist()
        if cluster_id not in known:
            raise OutputError(f"there is no cluster {cluster_id!r}; the study has {', '.join(map(str, known))}.")
        return cluster_id
