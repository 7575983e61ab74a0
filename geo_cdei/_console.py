"""What a run says on the console: progress while it works, a short table when it is done."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from geo_cdei.repeat import Repetition
    from geo_cdei.studies import Outcome

__all__ = ["point_progress", "progress", "repetition_lines", "result_table"]

LONGEST = 200  # characters of a notice on the console
FEW = 8  # names of files on the console
OnStep = Callable[[str, str], None]


@contextmanager
def progress(*, quiet: bool, steps: int = 0) -> Iterator[OnStep]:
    """Show the steps of a run: a live display on a terminal, plain lines elsewhere, nothing when quiet.

    Parameters
    ----------
    quiet : bool
        Say nothing.
    steps : int
        Number of steps to come, for the bar; 0 when it is not known.

    Yields
    ------
    callable
        To be called with the name of a step and ``"start"`` or ``"end"``.
    """
    if quiet:
        yield lambda *_: None
    elif sys.stdout.isatty():
        with _live(steps) as on_step:
            yield on_step
    else:
        yield _plain()


@contextmanager
def point_progress(*, quiet: bool) -> Iterator[Callable[[int, float], None]]:
    """Show how many points are done: a bar with rate and remaining time on a terminal, a line now and then elsewhere.

    Parameters
    ----------
    quiet : bool
        Say nothing.

    Yields
    ------
    callable
        To be called with the points done and the share of all files done.
    """
    if quiet:
        yield lambda *_: None
    elif sys.stdout.isatty():
        with _point_bar() as on_chunk:
            yield on_chunk
    else:
        yield _point_lines()


class _Pace:
    """Rate and remaining time since the first chunk: what an earlier run has done is not this one's pace."""

    def __init__(self) -> None:
        self._first: tuple[int, float, float] | None = None

    def __call__(self, points: int, share: float) -> str:
        now = time.perf_counter()
        if self._first is None:
            self._first = points, share, now
        before, had, began = self._first
        if points == before:
            return f"{points:,} points"
        seconds = max(now - began, 1e-9)
        rest = seconds * (1.0 - share) / max(share - had, 1e-9)
        return f"{points:,} points, {(points - before) / seconds:,.0f} a second, {rest:.0f} s left"


def _point_lines(every: float = 5.0) -> Callable[[int, float], None]:
    pace, said = _Pace(), time.perf_counter()

    def on_chunk(points: int, share: float) -> None:
        nonlocal said
        line, now = pace(points, share), time.perf_counter()
        if share >= 1.0 or now - said >= every:
            print(f"{share:4.0%}: {line}", flush=True)
            said = now

    return on_chunk


@contextmanager
def _point_bar() -> Iterator[Callable[[int, float], None]]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    pace = _Pace()
    with Progress(BarColumn(), TaskProgressColumn(), TextColumn("{task.description}")) as display:
        task = display.add_task("reading", total=1.0)

        def on_chunk(points: int, share: float) -> None:
            display.update(task, completed=share, description=pace(points, share))

        yield on_chunk


def _plain() -> OnStep:
    began: dict[str, float] = {}

    def on_step(step: str, state: str) -> None:
        if state == "start":
            began[step] = time.perf_counter()
        else:
            print(f"{step}: {time.perf_counter() - began[step]:.1f} s", flush=True)

    return on_step


@contextmanager
def _live(steps: int) -> Iterator[OnStep]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns) as display:
        tasks = {}
        whole = display.add_task("geo-cdei run", total=steps) if steps else None

        def on_step(step: str, state: str) -> None:
            if state == "start":
                tasks[step] = display.add_task(step, total=None)
            else:
                display.update(tasks[step], total=1, completed=1)
                if whole is not None:
                    display.advance(whole)

        yield on_step


def _one_decimal(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.1f}"


def result_table(outcome: Outcome, *, lang: str) -> None:
    """Print the clusters' scores, the notices and the paths written.

    Parameters
    ----------
    outcome : Outcome
        Of a run.
    lang : {"zh", "en"}
        Language of the headings and names.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    analysis = outcome.analysis
    console = Console(highlight=False)
    if len(analysis.clusters):
        heads = (
            ("城市群", "得分", "区间", "等权", "城市")
            if lang == "zh"
            else ("cluster", "score", "interval", "equal weights", "cities")
        )
        table = Table(*heads, title=f"{analysis.settings.study.edition} · {analysis.weights}", title_justify="left")
        long = analysis.tables["cluster_scores"].set_index(["weights", "cluster_id"]).loc[analysis.weights]
        shown = analysis.clusters.sort_values("score", ascending=False).head(10)
        for cluster_id, row in shown.iterrows():
            low, high = _one_decimal(long.loc[cluster_id, "low"]), _one_decimal(long.loc[cluster_id, "high"])
            name = escape(str(row["cluster" if lang == "zh" else "cluster_en"]))
            table.add_row(
                name, _one_decimal(row["score"]), f"{low}–{high}" if low else "",
                _one_decimal(row.get("score_equal")), f"{row['n_scored']}/{row['n_members']}",
            )  # fmt: skip
        console.print(table)
        if len(analysis.clusters) > len(shown):
            console.print(f"… {len(analysis.clusters) - len(shown)} more in data/derived/clusters.csv")
    printed = analysis.tables.get("reproduction")
    if printed is not None:
        counts = printed["reproduced"].value_counts()
        console.print(
            f"printed numbers: {counts.get('yes', 0)} reproduced, {counts.get('no', 0)} not, "
            f"{counts.get('', 0)} cannot be tested (data/derived/reproduction.csv)"
        )
    for notice in analysis.notices:
        message = (
            notice.message if len(notice.message) <= LONGEST else f"{notice.message[:LONGEST]} … (manifest.json)"
        )
        console.print(escape(f"notice: {notice.step}: {message}"))
    _print_paths(console, outcome)
    console.print(f"{outcome.seconds:.1f} s")


def _print_paths(console: Console, outcome: Outcome) -> None:
    """Print where the files are: the folder, how many, and the first few names."""
    from rich.markup import escape

    root = Path.cwd()
    folders: dict[str, list[str]] = {}
    for path in outcome.written:
        parent = path.parent.relative_to(root).as_posix() if path.is_relative_to(root) else str(path.parent)
        folders.setdefault(parent, []).append(path.name)
    for folder, names in folders.items():
        shown = ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")
        console.print(escape(f"{folder}: {shown}"), soft_wrap=True)


def repetition_lines(repetition: Repetition) -> Iterator[str]:
    """Say which outputs of a repeated run are the same, and what else differs.

    Parameters
    ----------
    repetition : Repetition
        From :func:`geo_cdei.repeat.repeat_run`.

    Yields
    ------
    str
        Lines for the console.
    """
    total = len(repetition.equal) + len(repetition.differing)
    yield f"{len(repetition.equal)} of {total} outputs are the same byte for byte 逐字节相同"
    yield from (f"differs: {path}" for path in repetition.differing)
    yield from (f"not as it was: {said}" for said in repetition.circumstances)
