"""Who may import whom, and what no module may do, read off the source."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

import pytest

import geo_cdei

PACKAGE = Path(geo_cdei.__file__).parent
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if "_study" not in path.parts]
NAMES = [path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".") for path in FILES]
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in zip(NAMES, FILES, strict=True)}

# storey -> what its modules may import of ours: whole modules, or every module of a folder
MAY_IMPORT = {
    "ground": {"ground"},
    "config": {"ground"},
    "workspace": {"ground"},
    "results": {"ground", "config"},
    "inputs": {"ground", "config", "workspace", "inputs"},
    "analysis": {"ground", "results", "analysis.graphs", "analysis.scenarios"},
    "outputs": {"ground", "config", "workspace", "results", "outputs"},
    "steps": {"ground", "config", "workspace", "results", "inputs", "analysis", "steps"},
    "pipeline": {"ground", "config", "workspace", "results", "inputs", "steps"},
    "door": {"ground", "config", "workspace", "results", "inputs", "outputs", "pipeline", "door"},
}
DOOR = {"assigning", "studies", "repeat", "reports", "_console", "cli", "__main__"}

# library -> the modules that may import it when they run; every other module asks these
OWNERS = {
    "libpysal": {"_spreg", "analysis.global_autocorrelation", "analysis.graphs", "analysis.regionalisation"},
    "sklearn": {"analysis.regionalisation"},
    "spopt": {"analysis.regionalisation"},
    "tobler": {"analysis.transfer"},
    "esda": {"analysis.global_autocorrelation"},
    "spreg": {"_spreg"},
    "threadpoolctl": {"_parallel"},
    "mapclassify": {"analysis.breaks", "outputs.legends"},
    "skimage": {"analysis.ridges"},
    "pymcdm": {"analysis.pole_ranking"},
    "frykit": {"inputs.boundaries"},
    "pyogrio": {"outputs.gis_files", "outputs.tables", "inputs.point_files", "inputs.layer_files"},
    "folium": {"outputs.maps"},
    "xstatic": {"outputs.page"},
    "openpyxl": {"outputs.tables", "outputs.workbook"},
    "python_calamine": {"inputs.workbooks"},
    "dask": {"_parallel"},
    "distributed": {"_parallel"},
    "dask_geopandas": {"_parallel"},
    "typer": {"cli"},
    "rich": {"_console"},
    "platformdirs": {"inputs.boundaries"},
    "filelock": {"_lock"},
}
POSIX_ONLY = {"fcntl", "grp", "posix", "pwd", "resource", "termios", "tty", "pty", "syslog"}


def storey(name):
    head = name.split(".")[0]
    if head in DOOR:
        return "door"
    if head in {"errors", "columns"} or (head.startswith("_") and head != "__init__"):
        return "ground"
    return head


def absolute(node, name):
    """Write the module of a relative import of module `name` in full."""
    if not node.level:
        return node.module
    folder = ["geo_cdei", *name.split(".")][: -node.level]
    return ".".join([*folder, *([node.module] if node.module else [])])


def imports(name, *, late=True):
    """List every module imported at run time, with the names taken from it; imports for types alone are not."""
    waiting, found = [TREES[name]], []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef) and not late:
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(absolute(node, name), alias.name) for alias in node.names]
        waiting += ast.iter_child_nodes(node)
    return found


def ours(name, *, late=True):
    """Name every module of ours that is imported, without the package's name."""
    found = set()
    for module, what in imports(name, late=late):
        if module.split(".")[0] == "geo_cdei":
            whole = f"{module}.{what}".removeprefix("geo_cdei.")
            found.add(whole if whole in TREES else module.removeprefix("geo_cdei").lstrip("."))
    return found - {""}


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__init__"])
def test_a_module_imports_only_the_storeys_below_it(name):
    allowed = MAY_IMPORT[storey(name)]
    wrong = {other for other in ours(name) if storey(other) not in allowed and other not in allowed}
    assert wrong == set()


def test_the_package_itself_imports_nothing_of_ours():
    assert ours("__init__") == set()


def test_no_module_needs_itself_to_be_imported():
    order = graphlib.TopologicalSorter({name: ours(name, late=False) - {name} for name in NAMES})
    assert len(list(order.static_order())) >= len(TREES)


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_has_its_owners(library):
    users = {name for name in NAMES if library in {module.split(".")[0] for module, _ in imports(name)}}
    assert users <= OWNERS[library]


@pytest.mark.parametrize("library", ["matplotlib", "cartopy", "jinja2", "branca", "docx"])
def test_what_draws_and_writes_is_imported_by_outputs_alone(library):
    users = {name for name in NAMES if library in {module.split(".")[0] for module, _ in imports(name)}}
    assert {storey(name) for name in users} <= {"outputs"}


@pytest.mark.parametrize("name", [name for name in NAMES if storey(name) != "door"])
def test_nothing_below_the_door_prints(name):
    assert [node.lineno for node in calls(TREES[name]) if ast.unparse(node.func) == "print"] == []


@pytest.mark.parametrize("name", NAMES)
def test_all_chance_comes_from_a_seed_that_was_given(name):
    """No global generator, no clock as a seed: of numpy.random only what takes a seed, and never without one."""
    source = ast.unparse(TREES[name])
    used = set(re.findall(r"\bnp\.random\.(\w+)", source))
    assert used <= {"default_rng", "Generator", "SeedSequence", "BitGenerator"}
    bare = [
        node.lineno for node in calls(TREES[name]) if ast.unparse(node.func).endswith("default_rng") and not node.args
    ]
    assert bare == []
    assert "random" not in {module for module, _ in imports(name)}


@pytest.mark.parametrize("name", NAMES)
def test_no_private_name_of_another_package_and_no_star(name):
    taken = [(module, what) for module, what in imports(name) if module.split(".")[0] != "geo_cdei"]
    parts = {part for module, what in taken for part in (*module.split("."), what) if part != "__future__"}
    assert {part for part in parts if part.startswith("_")} == set()
    assert "*" not in parts


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_library_is_never_passed_over(name):
    handlers = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.ExceptHandler) and node.type]
    caught = {ast.unparse(node.type) for node in handlers}
    assert not {text for text in caught if "ImportError" in text or "ModuleNotFoundError" in text}


@pytest.mark.parametrize("name", NAMES)
def test_text_is_opened_with_its_encoding(name):
    """On Windows the default is the code page of the country."""
    wrong = []
    for node in calls(TREES[name]):
        method = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        mode = next(
            (arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)), ""
        )
        text_mode = method in {"read_text", "write_text"} or (method in {"open", "fdopen"} and "b" not in mode)
        if text_mode and "encoding" not in {keyword.arg for keyword in node.keywords}:
            wrong.append(node.lineno)
    assert wrong == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_called_that_only_posix_has(name):
    assert {module.split(".")[0] for module, _ in imports(name)} & POSIX_ONLY == set()
    source = ast.unparse(TREES[name])
    only = r"\bos\.(?:fork|getuid|geteuid|kill|killpg|mkfifo|chown|setsid|uname|rename)\b|\bSIGKILL\b"
    assert re.findall(only, source) == []
    assert re.findall(r"['\"]/(?:tmp|dev|proc)\b", source) == []
    assert re.findall(r"strftime\([^)]*%-", source) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_module_says_what_it_is_for_and_what_it_offers(name):
    tree = TREES[name]
    assert ast.get_docstring(tree)
    listed = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    short = name.endswith(("__init__", "__main__")) or name == "columns"
    assert listed or short


def body_lines(function):
    """Count the lines of a function behind its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("name", NAMES)
def test_modules_and_functions_stay_short_enough_to_read(name):
    functions = [node for node in ast.walk(TREES[name]) if isinstance(node, ast.FunctionDef)]
    assert {node.name: body_lines(node) for node in functions if body_lines(node) > 60} == {}
    assert len((PACKAGE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8").splitlines()) <= 500
