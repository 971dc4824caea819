"""Complaints point at the right character, whatever the line holds."""

import re
from unicodedata import east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner.experiment.complaints import COLUMNS_MAX, SHOWN_MAX, escaped, render
from chaos_runner.experiment.findings import Finding, Place
from tests.examples import examples

FILE = "experiments/03-pod-kill.yaml"


def finding(line: int = 1, column: int = 1, length: int = 1, *, code: str = "E214", file: str = "f.yaml",
            message: str = "wrong", found: str = "", way_out: str = "") -> Finding:
    return Finding(code=code, message=message, place=Place(file, line, column, length), help=way_out, found=found)


def excerpt(text: str, column: int, length: int = 1, found: str = "") -> tuple[str, str]:
    """The line as shown, and the caret below it."""
    lines = render([finding(1, column, length, found=found)], {"f.yaml": text}).splitlines()
    return lines[2], lines[3]


def underlined(text: str, column: int, length: int) -> str:
    """What the carets underline, taken from the shown line by cells of the terminal."""
    line, caret = excerpt(text, column, length)
    cells = "".join(char + "\0" * (east_asian_width(char) in "WF") for char in line)
    return "".join(cells[index] for index, mark in enumerate(caret) if mark == "^").replace("\0", "")


def test_a_complaint_has_the_shape_everyone_knows() -> None:
    text = "method:\n" + "\n" * 19 + "    percent: 340\n"
    complaint = Finding(code="E214", message="percent must be a share between 1% and 100%",
                        place=Place(FILE, 21, 14, 3), found="340",
                        help="write `percent: 34%`, or `count: 2` for a number")
    assert render([complaint], {FILE: text}) == """\
error[E214] percent must be a share between 1% and 100%
  --> experiments/03-pod-kill.yaml:21:14
   21 |     percent: 340
      |              ^^^ found 340
   = write `percent: 34%`, or `count: 2` for a number
1 error in experiments/03-pod-kill.yaml · nothing was run · explain: chaos-runner explain E214
"""


def test_complaints_stand_in_the_order_of_the_file() -> None:
    some = [finding(9, 1, code="E009"), finding(2, 5, code="E005"), finding(2, 1, code="W001"),
            finding(1, 1, code="E001", file="a.yaml")]
    assert re.findall(r"\[(\w+)\]", render(some, {})) == ["E001", "W001", "E005", "E009"]


@pytest.mark.parametrize(("some", "last"), [
    ([finding(code="E101"), finding(2, code="E214"), finding(3, code="W310")],
     "2 errors, 1 warning in f.yaml · nothing was run · explain: chaos-runner explain E214"),
    ([finding(code="W310")], "1 warning in f.yaml · explain: chaos-runner explain W310"),
    ([finding(), finding(file="g.yaml")], "2 errors in 2 files · nothing was run · explain: chaos-runner explain E214"),
])
def test_the_last_line_counts(some: list[Finding], last: str) -> None:
    assert render(some, {}).splitlines()[-1] == last


def test_nothing_wrong_is_nothing_to_say() -> None:
    assert render([], {}) == ""


def test_a_file_without_text_has_no_excerpt_but_all_the_rest() -> None:
    assert render([finding(3, 4, found="340", way_out="mend it")], {}).splitlines()[:4] == [
        "error[E214] wrong", "  --> f.yaml:3:4", "   = found 340", "   = mend it"]


def test_colour_is_added_and_nothing_else_is_changed() -> None:
    some, sources = [finding(1, 4, found="x", way_out="mend it"), finding(code="W310")], {"f.yaml": "a: x"}
    coloured = render(some, sources, color=True)
    assert "\x1b[1;31merror[E214]\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render(some, sources)


@pytest.mark.parametrize(("text", "column", "length", "wanted"), [
    ("a: xyz", 4, 3, "xyz"),
    ("a:\t\tx: y", 5, 1, "x"),
    ("日本語: 値 # 注", 6, 1, "値"),
    ("e\u0301te\u0301: x", 8, 1, "x"),
    ("a: \x1b[31mred", 10, 1, "e"),
    ("a: " + "b" * 300 + " here " + "c" * 300, 305, 4, "here"),
    ("a: " + "日" * 300 + "here" + "本" * 300, 304, 4, "here"),
    ("a: 'x", 5, 9, "x"),
])
def test_the_caret_stands_below_what_is_meant(text: str, column: int, length: int, wanted: str) -> None:
    if "e\u0301" in text:
        assert excerpt(text, column)[1].index("^") == len("    1 | ete: ")
    else:
        assert underlined(text, column, length) == wanted


def test_a_long_line_is_cut_around_the_caret() -> None:
    line, caret = excerpt("a: " + "b" * 500 + " here " + "c" * 500, 505, 4, found="here")
    assert len(line) <= COLUMNS_MAX
    assert line.startswith("    1 | …bbb")
    assert line.endswith("ccc…")
    assert caret.endswith("^^^^ found here")


def test_ten_megabytes_in_one_line_are_no_matter() -> None:
    assert len(excerpt("x" * 10_000_000, 5_000_000, 2_000_000)[0]) <= COLUMNS_MAX


def test_a_hostile_file_cannot_speak_to_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\r\x9b2J\u202e\ud800"
    shown = render([finding(1, 3, message=evil, found=evil, way_out=evil, file=f"f{evil}.yaml", code=f"E{evil}")],
                   {f"f{evil}.yaml": f"a{evil}"})
    assert all(line.isprintable() for line in shown.splitlines())
    assert len(shown.splitlines()) == 6
    assert "\\x1b]0;owned\\x07" in shown
    shown.encode()


def test_a_thousand_complaints_are_counted_not_shown() -> None:
    shown = render([finding(line) for line in range(1000)], {})
    assert shown.count("error[") == SHOWN_MAX
    assert "... and 800 more" in shown
    assert "1000 errors" in shown


@given(st.text(max_size=400), st.integers(-5, 500), st.integers(-5, 500), st.text(max_size=99))
@examples(200)
def test_no_place_in_no_text_raises_or_is_too_wide(text: str, column: int, length: int, found: str) -> None:
    shown = render([finding(1, column, length, found=found)], {"f.yaml": text})
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= COLUMNS_MAX * 3


@pytest.mark.parametrize(("said", "shown"), [
    ("::add-mask::a", r"\::add-mask::a"), ("  ::error::x", r"  \::error::x"), ("##[error]x", r"#\#[error]x"),
    ("a ##vso[task.setvariable variable=a]b", r"a #\#vso[task.setvariable variable=a]b"),
    ("a\n::error::x", r"a\n::error::x"), ("fd00::1 and ## a heading", "fd00::1 and ## a heading")])
def test_nothing_that_is_said_is_a_command_to_a_pipeline(said: str, shown: str) -> None:
    assert escaped(said) == shown
