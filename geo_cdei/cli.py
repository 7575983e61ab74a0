"""The command line: arguments in, exit code out. Everything heavy is imported when a command needs it."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo_cdei.errors import GeoCdeiError

if TYPE_CHECKING:
    from geo_cdei.config import Settings
    from geo_cdei.workspace import Workspace

__all__ = ["app", "main"]

app = typer.Typer(
    name="geo-cdei",
    help="City scores, city clusters and growth poles of China: tested patterns, offline maps and tables. "
    "城市得分、城市群与增长极：可检验的格局、离线地图与表格。\n\n"
    "Start with: geo-cdei init my-study, put your scores into my-study/data/raw, then geo-cdei run my-study.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Folder = Annotated[
    Path | None, typer.Argument(help="Folder of the study; the current one if left out. 研究所在文件夹")
]


def main() -> None:
    """Run the command line; an error of ours is one message and exit code 2."""
    _speak_utf8()
    try:
        app()
    except GeoCdeiError as error:
        typer.echo(f"geo-cdei: {error}", err=True)
        raise SystemExit(2) from None
    except SystemExit as end:
        if end.code == 130:  # Typer ends a Ctrl-C without a word
            typer.echo("geo-cdei: stopped; the earlier results are as they were.", err=True)
        raise


def _speak_utf8() -> None:
    """Never let a console that lacks a character end a run: it shows a question mark instead."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"geo-cdei {installed('geo-cdei')}")
        raise typer.Exit


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder. 新文件夹")],
) -> None:
    """Make a study: the default inputs, settings with comments, and a workbook to fill in (新建研究)."""
    from geo_cdei import studies

    made = studies.init(folder)
    typer.echo(f"{made.root}\n  settings: {made.settings.name}\n  scores to fill in: {studies.TEMPLATE}")
    typer.echo(f"Next: geo-cdei check {folder} ; geo-cdei run {folder}")


@app.command()
def check(
    folder: Folder = None,
    strict: Annotated[bool, typer.Option("--strict", help="A changed file is a fault. 文件有改动即报错")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="Write the present hashes into the descriptors. 接受改动")
    ] = False,
) -> None:
    """Verify every input and list all faults at once (检查全部输入)."""
    from geo_cdei import studies

    workspace = _open(folder)
    report = studies.check(workspace, strict=strict, accept=accept)
    for line in report.lines:
        typer.echo(line)
    if report.faults:
        typer.echo(f"geo-cdei: {len(report.faults)} faults:", err=True)
        for fault in report.faults:
            typer.echo(f"  {fault}", err=True)
        raise typer.Exit(2)


@app.command()
def run(
    folder: Folder = None,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="STEP[,STEP]", help="Run these steps and what they need. 只运行这些步骤"),
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en, in place of the settings'. 页面语言")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors. 静默")] = False,
    manifest: Annotated[
        Path | None,
        typer.Option("--from", metavar="MANIFEST", help="Repeat the run of this manifest and compare. 重复运行"),
    ] = None,
) -> None:
    """Run the study: tables to data/derived, pages to maps, what was done to manifest.json (运行研究)."""
    from geo_cdei import pipeline, studies
    from geo_cdei._console import progress, result_table

    workspace = _open(folder, make=folder is None)
    if manifest is not None:
        _repeat(workspace, manifest, quiet=quiet, others=(only, lang))
        return
    settings = _settings(workspace, lang)
    steps = [name.strip() for name in only.split(",") if name.strip()] if only is not None else None
    with progress(quiet=quiet, steps=len(pipeline.plan_steps(steps)) + 1) as on_step:
        outcome = studies.run_study(workspace, settings, only=steps, on_step=on_step)
    if not quiet:
        result_table(outcome, lang=settings.study.language)


def _repeat(workspace: Workspace, manifest: Path, *, quiet: bool, others: tuple[str | None, ...]) -> None:
    """Repeat a run; exit code 1 if an output is not the same."""
    from geo_cdei._console import progress, repetition_lines
    from geo_cdei.errors import SettingsError
    from geo_cdei.repeat import repeat_run

    if any(other is not None for other in others):
        raise SettingsError("--from takes steps and language from the manifest: leave --only and --lang out.")
    with progress(quiet=quiet) as on_step:
        repetition = repeat_run(workspace, manifest, on_step=on_step)
    for line in repetition_lines(repetition) if not quiet else ():
        typer.echo(line)
    if repetition.differing:
        raise typer.Exit(1)


@app.command()
def report(
    folder: Folder = None,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en, in place of the run's. 报告语言")] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="C05", help="The sheet of one cluster alone. 只出一个城市群")
    ] = None,
    formats: Annotated[
        str | None, typer.Option("--format", metavar="html,docx,xlsx", help="In place of the settings'. 格式")
    ] = None,
) -> None:
    """Write the report of the last run without computing it again; refuses a run that is out of date (报告)."""
    from geo_cdei import reports
    from geo_cdei._console import progress

    endings = None if formats is None else [part.strip() for part in formats.split(",")]
    with progress(quiet=False) as on_step:
        written = reports.write_report(_open(folder), lang=lang, cluster=cluster, formats=endings, on_step=on_step)
    for path in written:
        typer.echo(str(path))


@app.command("map")
def draw(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe in maps/recipes, or a TOML file. 专题图")],
    folder: Folder = None,
    extent: Annotated[
        str | None, typer.Option("--extent", help="country, a province (四川) or a cluster (C04). 范围")
    ] = None,
    formats: Annotated[
        str | None, typer.Option("--format", metavar="html,png,pdf,svg", help="In place of the recipe's. 格式")
    ] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en, in place of the settings'. 语言")] = None,
) -> None:
    """Draw one map recipe: a page, a printable map, or both (专题图)."""
    import warnings

    from geo_cdei import studies
    from geo_cdei._console import progress
    from geo_cdei.errors import GeoCdeiWarning

    endings = tuple(part.strip() for part in formats.split(",")) if formats else None
    with warnings.catch_warnings(record=True) as caught, progress(quiet=False) as on_step:
        warnings.simplefilter("always", GeoCdeiWarning)
        written = studies.draw_map(_open(folder), recipe, extent=extent, formats=endings, lang=lang, on_step=on_step)
    for warning in caught:
        typer.echo(f"notice: {warning.message}", err=True)
    for path in written:
        typer.echo(str(path))


@app.command()
def assign(
    points: Annotated[str, typer.Argument(help="CSV, Parquet or GeoPackage, or a pattern in quotes. 点数据")],
    folder: Folder = None,
    lon: Annotated[str, typer.Option("--lon", help="Column of the longitudes. 经度列")] = "lon",
    lat: Annotated[str, typer.Option("--lat", help="Column of the latitudes. 纬度列")] = "lat",
    value: Annotated[list[str] | None, typer.Option("--value", help="Column to sum; may be repeated. 数值列")] = None,
    level: Annotated[
        str | None, typer.Option("--level", help="province, prefecture, county or own. 统计层级")
    ] = None,
    datum: Annotated[str, typer.Option("--datum", help="wgs84, cgcs2000 or gcj02. 坐标系")] = "wgs84",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="CSV by unit. 输出")] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="A running Dask scheduler, tcp://host:8786. 集群")
    ] = None,
    chunksize: Annotated[int, typer.Option("--chunksize", help="Points read at once. 每块点数")] = 500_000,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors. 静默")] = False,
) -> None:
    """Count, sum and average points by unit; stop with Ctrl-C, go on with the same command (点数据汇总到单元)."""
    from geo_cdei import assigning
    from geo_cdei._console import point_progress
    from geo_cdei._parallel import connect
    from geo_cdei.inputs.point_files import find_points

    files = find_points(points, lon=lon, lat=lat, values=tuple(value or ()), datum=datum, chunksize=chunksize)
    cluster = nullcontext() if scheduler is None else connect(scheduler)
    with cluster as client, point_progress(quiet=quiet) as on_chunk:
        try:
            done = assigning.assign(files, folder, level=level, output=output, client=client, on_chunk=on_chunk)
        except KeyboardInterrupt:
            typer.echo("geo-cdei: the finished chunks are kept; the same command goes on from there.", err=True)
            raise
    for notice in done.notices:
        typer.echo(f"notice: {notice}", err=True)
    for path in done.written if not quiet else ():
        typer.echo(str(path))


def _open(folder: Path | None, *, make: bool = False) -> Workspace:
    """Open a study; in an empty current folder, first make the default one there and say so."""
    from geo_cdei import studies
    from geo_cdei.workspace import open_study

    if make and not any(Path.cwd().iterdir()):
        typer.echo("This folder is empty: the default study is put here first. 空文件夹：先放入默认研究。")
        return studies.init(Path.cwd())
    return open_study(folder)


def _settings(workspace: Workspace, lang: str | None) -> Settings:
    from geo_cdei.config import read_settings
    from geo_cdei.errors import SettingsError

    settings = read_settings(workspace.settings)
    if lang is None:
        return settings
    if lang not in ("zh", "en"):
        raise SettingsError(f"--lang is {lang!r}; it is zh or en.")
    study = settings.study.model_copy(update={"language": lang})
    return settings.model_copy(update={"study": study})
