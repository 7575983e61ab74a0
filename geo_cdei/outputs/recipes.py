"""Map recipes: what a map shows, as a TOML file in ``maps/recipes``, read and checked.

A planner adds a map by adding a file. A fault is told with the file, the line and the nearest valid name,
those that need the tables of a run (`geo_cdei.outputs.recipe_maps`) as well as those that the file alone shows.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from geo_cdei.config import MAX_BYTES, shown
from geo_cdei.errors import OutputError, SettingsError
from geo_cdei.outputs.palettes import class_colours, number_colours

__all__ = ["Format", "NamedClass", "Recipe", "TooltipField", "Words", "nearest", "read_recipe", "read_recipes"]

Format = Literal["html", "png", "pdf", "svg"]
Scheme = Literal["FisherJenks", "Quantiles", "EqualInterval", "NaturalBreaks", "StdMean", "HeadTailBreaks"]
Colour = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
FORMATS: tuple[str, ...] = get_args(Format)


class _Part(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)


class Words(_Part):
    """One text in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def __getitem__(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


class NamedClass(Words):
    """One class of a categorical map: the value in the table, its colour, what the legend calls it."""

    value: str
    colour: Colour | None = None


class TooltipField(Words):
    """One line of the tooltip: a column, its labels, the decimals of a number."""

    column: str
    digits: int | None = Field(default=None, ge=0, le=8)


class Recipe(_Part):
    """What a map shows.

    Parameters
    ----------
    name : str
        ASCII name; the files are called so.
    title, legend : Words
        Heading of the map, and of its legend, in both languages.
    table, column : str
        A table of the run by its name (``cities``, ``clusters``, ``lisa``, ...), or ``units``; and its column.
    rows : mapping of str to str
        Which rows of the table, by the values of other columns.
    kind : {"graduated", "categorical"}
        Whether the column holds numbers or names.
    scheme, k, bins, digits
        How numbers become classes, as in `legends.Classing`.
    palette : str
        A ColorBrewer scheme or ``cividis`` for numbers; for names one of `palettes.NAMED`, or a qualitative
        ColorBrewer scheme.
    classes : tuple of NamedClass
        Labels, order and colours of a categorical map in place of the palette's own.
    note : Words, optional
        A line under the map.
    tooltip : tuple of str or TooltipField
        Lines of the tooltip of the interactive map.
    overlays : tuple of str
        ``provinces``, ``clusters``, ``names``, ``cluster_names``, or layers of the run by their name. The dash
        line is on every map.
    extent : str
        ``country``, a province, or a cluster.
    formats : tuple of {"html", "png", "pdf", "svg"}
        Which files are made.

    Examples
    --------
    >>> recipe = Recipe.model_validate({
    ...     "name": "scores", "title": {"zh": "得分", "en": "Scores"}, "legend": {"zh": "得分", "en": "Score"},
    ...     "table": "cities", "column": "score", "kind": "graduated"})
    >>> recipe.palette, recipe.formats
    ('YlGnBu', ('html', 'png'))
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,60}$")
    title: Words
    legend: Words
    table: str = "cities"
    column: str
    rows: dict[str, str] = Field(default_factory=dict)
    kind: Literal["graduated", "categorical"]
    scheme: Scheme = "FisherJenks"
    k: int = Field(default=5, ge=2, le=9)
    bins: tuple[float, ...] = Field(default=(), strict=False)
    digits: int = Field(default=1, ge=0, le=6)
    palette: str = "YlGnBu"
    classes: tuple[NamedClass, ...] = Field(default=(), strict=False)
    note: Words | None = None
    tooltip: tuple[str | TooltipField, ...] = Field(default=("score", "rank", "tier", "cluster"), strict=False)
    overlays: tuple[str, ...] = Field(default=("provinces", "names"), strict=False)
    extent: str = "country"
    formats: tuple[Format, ...] = Field(default=("html", "png"), strict=False, min_length=1)
    _file: str = PrivateAttr(default="")
    _lines: dict[str, int] = PrivateAttr(default_factory=dict)

    @field_validator("palette")
    @classmethod
    def _palette_is_known(cls, palette: str, info: Any) -> str:
        kind = info.data.get("kind", "graduated")
        try:
            if kind == "graduated":
                number_colours(palette, 3)
            else:
                class_colours(palette, ("a", "b", "c"))
        except OutputError as error:
            raise ValueError(str(error)) from error
        return palette

    @model_validator(mode="after")
    def _colours_are_given(self) -> Recipe:
        if self.kind == "graduated" and self.classes:
            raise ValueError("classes are for a categorical map; a graduated one has scheme, k or bins")
        return self

    def where(self, key: str) -> str:
        """Say where in which file a key stands, for an error."""
        line = self._lines.get(key)
        return f"{self._file or self.name}" + (f", line {line}" if line else "") + ": "


def read_recipe(path: Path) -> Recipe:
    """Read and check one recipe.

    Parameters
    ----------
    path : pathlib.Path
        A TOML file in UTF-8; without the key ``name`` the file's own name is taken.

    Returns
    -------
    Recipe
        The recipe; it knows the lines of its keys.

    Raises
    ------
    SettingsError
        If the file cannot be read, or one message with every fault, each with its line.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"{path.name} has {path.stat().st_size:,} bytes; a recipe may have {MAX_BYTES:,}.")
        text = path.read_bytes().decode("utf-8-sig")
        values = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path.name} is not UTF-8 (byte {error.start}). Save it again as UTF-8.") from error
    except OSError as error:
        raise SettingsError(f"the recipe {path} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:  # also numbers and nesting beyond what Python reads
        raise SettingsError(f"{path.name} is not valid TOML: {error}.") from error
    lines = _lines_of(text)
    try:
        recipe = Recipe.model_validate({"name": path.stem} | values)
    except ValidationError as error:
        faults = list(dict.fromkeys(_describe(fault, lines) for fault in error.errors()))
        several = "s" if len(faults) > 1 else ""
        raise SettingsError(f"{path.name} has {len(faults)} fault{several}:\n  " + "\n  ".join(faults)) from error
    recipe._file, recipe._lines = path.name, lines
    return recipe


def read_recipes(folder: Path) -> dict[str, Recipe]:
    """Read all recipes of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Usually ``maps/recipes`` of a study; it may not exist.

    Returns
    -------
    dict of str to Recipe
        By name, in the order of the files' names.

    Raises
    ------
    SettingsError
        If a recipe has a fault, or two have one name.
    """
    found: dict[str, Recipe] = {}
    for path in sorted(folder.glob("*.toml")):
        recipe = read_recipe(path)
        if recipe.name in found:
            raise SettingsError(
                f"two recipes are named {recipe.name!r}: {found[recipe.name]._file} and {path.name}. "
                "Their maps would have the same file name; give one another name."
            )
        found[recipe.name] = recipe
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which valid name is nearest to an unknown one, or list the valid ones.

    Parameters
    ----------
    name : str
        What was given.
    known : iterable of str
        What there is.

    Returns
    -------
    str
        The end of a message.

    Examples
    --------
    >>> nearest("scroe", ["score", "rank"])
    "did you mean 'score'?"
    """
    names = [str(item) for item in known]
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names) or 'none'}"


def _lines_of(text: str) -> dict[str, int]:
    """Give the line of every key, with the name of its table in front where it stands in one."""
    found: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\[?\s*([\w.\-]+)\s*\]", line)
        key = re.match(r"\s*([\w\-.]+)\s*=", line)
        if header:
            section = header.group(1) + "."
            found.setdefault(header.group(1), number)
        elif key:
            found.setdefault(section + key.group(1), number)
    return found


def _describe(fault: Mapping[str, Any], lines: Mapping[str, int]) -> str:
    # a choice between kinds of values adds its branch to the location; the file does not show it
    where = [str(part) for part in fault["loc"] if str(part) not in {"str", "TooltipField", "Words"}]
    names = [part for part in where if not part.isdigit()]
    steps = [".".join(names[:depth]) for depth in range(len(names), 0, -1)]
    line = next((lines[step] for step in steps if step in lines), None)
    key = ".".join(where) or "the recipe"
    place = f"line {line}: " if line else ""
    if fault["type"] == "extra_forbidden":
        return f"{place}unknown key {key!r}; {nearest(names[-1], _known_keys(names[:-1]))}"
    if fault["type"] == "missing":
        return f"{place}{key} is missing"
    message = str(fault["msg"]).removeprefix("Value error, ")
    given = "" if "palette" in message or not where else f" (given: {shown(fault['input'])})"
    return f"{place}{key}: {message[:1].lower()}{message[1:]}{given}"


def _known_keys(section: list[str]) -> list[str]:
    models: dict[str, type[BaseModel]] = {"classes": NamedClass, "tooltip": TooltipField}
    if not section:
        return list(Recipe.model_fields)
    return list(models.get(section[0], Words).model_fields)
