"""The one door for text: what is written stays text."""

from __future__ import annotations

import csv
import html
import io
import json

import numpy as np
import pytest

from geo_cdei.errors import OutputError
from geo_cdei.outputs._escape import cell, file_name, script_json, text, uncell

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "`${alert(1)}`",
    "${alert(1)}",
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "\\u003cb\\u003e \\x60",
    "\" onmouseover='alert(1)",
    "a\u2028b\u2029c",
    "&lt;b&gt;",
]
FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\ufeff=1",
    "  =1",
    "＝1",
    "＋1",
    "－1",
    "＠A",
    "\u200b=1",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_text_reads_back_as_it_was(value):
    """What the browser shows is the value itself."""
    assert html.unescape(text(value)) == value


@pytest.mark.parametrize("value", HOSTILE)
def test_text_holds_nothing_that_opens_a_tag_a_string_or_a_template(value):
    """No sign is left that HTML, an attribute or a template literal would act on."""
    assert not set("<>\"'`\\") & set(text(value))
    assert "${" not in text(value)


def test_text_shows_a_lone_surrogate_as_the_replacement_sign():
    """A half of a pair cannot be encoded, so it must not reach the file."""
    assert text("a\ud800b") == "a\ufffdb"


@pytest.mark.parametrize("value", [*HOSTILE, "a\ud800b"])
def test_script_json_parses_to_the_same_value(value):
    """The data arrive unchanged."""
    assert json.loads(script_json({value: [value]})) == {value: [value]}


@pytest.mark.parametrize("value", HOSTILE)
def test_script_json_cannot_leave_its_script(value):
    """No sign that ends a script, opens a comment or ends a line is left."""
    written = script_json([value])
    assert not set("<>&`\u2028\u2029") & set(written)
    assert "${" not in written


def test_script_json_reads_numpy_numbers():
    """A count that came from NumPy is a number like any other."""
    assert script_json([np.int64(3), np.float64(0.5), np.bool_(True)]) == "[3,0.5,true]"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_script_json_refuses_what_json_has_not(value):
    """A missing number must be None by then, not NaN, which no browser parses."""
    with pytest.raises(OutputError, match="finite numbers and texts"):
        script_json([value])


@pytest.mark.parametrize("value", FORMULAS)
def test_a_formula_becomes_text(value):
    """The cell no longer begins with what a spreadsheet computes."""
    assert cell(value) == "'" + value


@pytest.mark.parametrize("value", ["北京", "a=b", "西-安", "", -1, -1.5, None, True, "'quoted'"])
def test_a_harmless_cell_is_untouched(value):
    """Numbers, names and empty cells pass."""
    assert cell(value) is value


@pytest.mark.parametrize("value", [*FORMULAS, "'=1", "''=1", "'s-Hertogenbosch", "北京", -3])
def test_uncell_undoes_cell(value):
    """Every cell, guarded or not, comes back exactly."""
    assert uncell(cell(value)) == value


def test_a_guarded_cell_survives_a_csv_file():
    """Quoting by the writer does not bring the formula back."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([cell('=HYPERLINK("http://x")')])
    assert next(csv.reader(io.StringIO(buffer.getvalue())))[0].startswith("'=")


@pytest.mark.parametrize("name", ["scores.html", "城市.csv", "a b.png", ".gitkeep", "console.txt", "com10.txt"])
def test_a_plain_name_passes(name):
    """What every system can store is kept as it is."""
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../../x", "holds '/'"),
        ("a\\b", "holds"),
        ("C:x.html", "holds ':'"),
        ("..", "a folder"),
        (".", "a folder"),
        ("", "empty"),
        ("  ", "empty"),
        ("x.html ", "a space"),
        ("x.", "a dot"),
        ("NUL", "device"),
        ("com1.html", "device"),
        ("lpt¹.txt", "device"),
        ("aux .txt", "device"),
        ("a\x00b", "holds"),
        ("a\nb", "holds"),
        ("a\u202egnp.exe", "holds"),
        ("a?b", "holds"),
        ("字" * 100, "300 bytes"),
    ],
)
def test_a_name_that_leaves_its_folder_or_breaks_a_system_is_refused(name, fault):
    """The message says what is wrong with it."""
    with pytest.raises(OutputError, match=fault):
        file_name(name)


@pytest.mark.parametrize("name", ["a" * 255, "城" * 85])
def test_the_longest_name_is_255_bytes(name):
    """Not 254, not 256, and bytes, not characters."""
    assert file_name(name) == name
    with pytest.raises(OutputError, match=r"it has 25[68] bytes, 255 are possible"):
        file_name(name + ("a" if name[0] == "a" else "城"))


@pytest.mark.parametrize("name", [" scores.html", "scores.html "])
def test_a_name_neither_begins_nor_ends_with_a_space(name):
    """Some systems drop it, and two names become one."""
    with pytest.raises(OutputError, match="begins or ends with a space"):
        file_name(name)


def test_names_stay_readable_in_the_source_of_a_page():
    """Chinese is not written as code points: a planner may read the page's source."""
    assert script_json(["北京"]) == '["北京"]'


@pytest.mark.parametrize("evil", ["{{7*7}}", "{% if %}", "{# note", "{{{x}}}", "a{", "${{7*7}}", "{ {{'a'}}"])
@pytest.mark.parametrize("door", [text, script_json])
def test_a_template_that_is_rendered_twice_leaves_the_text_alone(door, evil):
    """The map library renders what it has rendered, as Jinja: a name must not become a program."""
    from jinja2 import Template

    safe = door(evil)
    assert Template(f"{safe}{{# behind #}}").render() == safe
