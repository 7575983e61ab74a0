"""Where things lie: a study is a folder, and this module knows its shape."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from geo_cdei._atomic import atomic_path
from geo_cdei.errors import StudyError

__all__ = ["SETTINGS_NAME", "Workspace", "create_study", "default_study", "open_study"]

SETTINGS_NAME = "geo-cdei.toml"
INPUTS = ("data/raw", "data/datapackage.json", "boundaries", "maps/recipes")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A study's folders, by name.

    Parameters
    ----------
    root : pathlib.Path
        The study's folder; it holds ``geo-cdei.toml``.
    """

    root: Path

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.root / SETTINGS_NAME

    @property
    def raw(self) -> Path:
        """Tables as published."""
        return self.root / "data" / "raw"

    @property
    def derived(self) -> Path:
        """Tables that a run writes."""
        return self.root / "data" / "derived"

    @property
    def boundaries(self) -> Path:
        """Code list, aliases and a planner's own layer."""
        return self.root / "boundaries"

    @property
    def maps(self) -> Path:
        """Maps that a run writes, and the recipes they are drawn from."""
        return self.root / "maps"

    @property
    def descriptors(self) -> tuple[Path, Path]:
        """The two Frictionless descriptors: data and boundaries."""
        return self.root / "data" / "datapackage.json", self.boundaries / "datapackage.json"

    def relative(self, path: Path) -> str:
        """Name `path` from the study's root, with forward slashes on every system."""
        return path.relative_to(self.root).as_posix()


def default_study() -> Path:
    """Folder of the default study: the checkout's root, else what the wheel carries.

    Returns
    -------
    pathlib.Path
        A folder with the inputs of the default study. It may be read-only.

    Examples
    --------
    >>> (default_study() / "geo-cdei.toml").is_file()
    True
    """
    package = Path(__file__).resolve().parent
    carried = package / "_study"
    return carried if carried.is_dir() else package.parent


def open_study(folder: Path | str | None = None) -> Workspace:
    """Open the study in a folder.

    Parameters
    ----------
    folder : path, optional
        The study's folder; the current one when omitted.

    Returns
    -------
    Workspace
        The study's folders.

    Raises
    ------
    StudyError
        If the folder is not there or holds no ``geo-cdei.toml``.
    """
    root = Path(folder) if folder is not None else Path.cwd()
    root = root.absolute()
    if not root.is_dir():
        raise StudyError(f"There is no folder {root}. Make a study with: geo-cdei init {root.name}")
    if not (root / SETTINGS_NAME).is_file():
        raise StudyError(
            f"{root} is not a study: it has no {SETTINGS_NAME}. Make one with: geo-cdei init NEW_FOLDER, "
            "or change to a folder that has one."
        )
    return Workspace(root)


def create_study(folder: Path | str) -> Workspace:
    """Copy the default study's inputs into a new folder.

    Parameters
    ----------
    folder : path
        A folder that does not exist yet or is empty.

    Returns
    -------
    Workspace
        The new study, with settings, tables, code list, recipes and nothing derived.

    Raises
    ------
    StudyError
        If the folder holds something already.
    """
    root = Path(folder).absolute()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise StudyError(f"{root} is not empty. Give the name of a new or empty folder; nothing was written.")
    source = default_study()
    for name in INPUTS:
        origin, target = source / name, root / name
        if origin.is_dir():
            _copy_folder(origin, target)
        else:
            _copy_file(origin, target)
    _copy_file(source / SETTINGS_NAME, root / SETTINGS_NAME)  # last: it is what makes the folder a study
    return Workspace(root)


def _copy_folder(origin: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(origin.rglob("*")):
        if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(origin).parts):
            _copy_file(path, target / path.relative_to(origin))


def _copy_file(origin: Path, target: Path) -> None:
    with atomic_path(target) as temporary:
        shutil.copyfile(origin, temporary)  # content only: a wheel's files may be read-only
