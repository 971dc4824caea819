"""Findings as text for a terminal: what, where, the line itself, and the way out.

A file may be hostile: whatever comes from it is shown with its control characters escaped and is cut to fit.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final
from unicodedata import category, east_asian_width

from msgspec import Struct

from chaos_runner.experiment.document import LINE_BREAK
from chaos_runner.experiment.findings import Finding, Place, Severity

COLUMNS_MAX: Final = 120
"""No line of an excerpt is wider, in cells of a terminal."""
SHOWN_MAX: Final = 200
"""Findings shown; the rest is counted."""
REPEATED_BY_NOBODY: Final = "E411"
"""Its line is not repeated: a secret stands there."""

_TAB: Final = 4
_BEFORE_CARET: Final = 40
_FOUND_MAX: Final = 60
_WORDS_MAX: Final = 1000
_STYLES: Final = {Severity.ERROR: "\x1b[1;31m", Severity.WARNING: "\x1b[1;33m", Severity.ADVICE: "\x1b[1;36m"}
_BOLD: Final = "\x1b[1m"
_BLUE: Final = "\x1b[34m"
_RESET: Final = "\x1b[0m"


def render(findings: Iterable[Finding], sources: Mapping[str, str], *, color: bool = False) -> str:
    """All findings by file, line and column, then a line that counts them; "" when there are none.

    `sources` holds the text of each file by the name in its places; a file that is missing is shown without excerpt.
    """
    ordered = sorted(findings, key=_order)
    if not ordered:
        return ""
    ink = _Ink(color)
    shown = ordered[:SHOWN_MAX]
    lines = [line for file, some in groupby(shown, key=_file) for line in _of_file(some, sources.get(file, ""), ink)]
    if len(ordered) > len(shown):
        lines.append(f"... and {len(ordered) - len(shown)} more")
    return "\n".join([*lines, summary(ordered)]) + "\n"


def summary(findings: Sequence[Finding]) -> str:
    """How many of what, where, and which code to look up: that of the last error, as it stands just above."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    counts = [_counted(sum(finding.severity is severity for finding in findings), severity) for severity in Severity]
    files = {finding.place.file for finding in findings}
    where = escaped(files.pop()) if len(files) == 1 else f"{len(files)} files"
    parts = [f"{', '.join(filter(None, counts))} in {where}"]
    parts += ["nothing was run"] if errors else []
    return " · ".join([*parts, f"explain: chaos-runner explain {escaped((errors or findings)[-1].code)}"])


def escaped(text: str) -> str:
    r"""The text with everything that cannot be seen written out: an escape character as \x1b, a tab as \t.

    A pipeline reads what a job says line by line, and obeys `::add-mask::` at the beginning of a line and `##[command]`
    or `##vso[command]` anywhere: a backslash makes words of them.
    """
    seen = text if text.isprintable() else "".join(map(_visible, text))
    if "::" not in seen and "##" not in seen:
        return seen
    return _OLD_COMMAND.sub(r"#\\#", _COMMAND.sub(r"\1\\::", seen))


_COMMAND: Final = re.compile(r"\A(\s*)::")
_OLD_COMMAND: Final = re.compile(r"##(?=\w*\[)")


class _Ink(Struct, frozen=True):
    """Colour or none, decided once."""

    color: bool

    def __call__(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self.color and text else text


class _Cell(Struct, frozen=True):
    """One character as shown, and how many cells of the terminal it takes."""

    shown: str
    width: int


class _View(Struct, frozen=True):
    """The part of a line that is shown, the cells before the caret, and the cells it underlines."""

    text: str
    before: int
    under: int


_CUT: Final = _Cell("…", 1)


def _order(finding: Finding) -> tuple[str, int, int, str]:
    place = finding.place
    return place.file, place.line, place.column, finding.code


def _file(finding: Finding) -> str:
    return finding.place.file


def _of_file(findings: Iterable[Finding], source: str, ink: _Ink) -> Iterator[str]:
    lines, found = LINE_BREAK.split(source), list(findings)
    secret = {finding.place.line for finding in found if finding.code == REPEATED_BY_NOBODY}
    for finding in found:
        place = finding.place
        text = lines[place.line - 1] if 0 < place.line <= len(lines) and place.line not in secret else ""
        yield _headline(finding, ink)
        yield ink(_BLUE, "  --> ") + escaped(str(place))
        yield from _excerpt(finding, text, ink) if text.strip() else _found_without_excerpt(finding, ink)
        if finding.help:
            yield ink(_BLUE, "   = ") + _words(finding.help, _WORDS_MAX)


def _headline(finding: Finding, ink: _Ink) -> str:
    severity = finding.severity
    message = _words(finding.message, _WORDS_MAX)
    return ink(_STYLES[severity], f"{severity}[{escaped(finding.code)}]") + " " + ink(_BOLD, message)


def _excerpt(finding: Finding, text: str, ink: _Ink) -> Iterator[str]:
    number = f"{finding.place.line:5d} |"
    room = COLUMNS_MAX - len(number) - 1
    view = _view(text, finding.place, room)
    found = f" found {_words(finding.found, _FOUND_MAX)}" if finding.found else ""
    marked = "^" * view.under + _clipped_text(found, room - view.before - view.under)
    yield f"{ink(_BLUE, number)} {view.text}".rstrip()
    yield ink(_BLUE, "|".rjust(len(number))) + " " * (view.before + 1) + ink(_STYLES[finding.severity], marked)


def _found_without_excerpt(finding: Finding, ink: _Ink) -> Iterator[str]:
    if finding.found:
        yield ink(_BLUE, "   = ") + f"found {_words(finding.found, _FOUND_MAX)}"


def _view(text: str, place: Place, room: int) -> _View:
    """The line, or as much of it around the caret as fits. What is far outside is never looked at."""
    start = min(max(place.column - 1, 0), len(text))
    skipped = max(0, start - room)
    stop = start + room
    cells = list(_cells(text[skipped:stop]))
    caret = start - skipped
    begin = 0 if not skipped and _fits(cells, caret, place.length, room) else _begin(cells, caret)
    left = [_CUT] if skipped or begin else []
    shown = left + _clipped(cells[begin:], room - len(left), more=stop < len(text))
    caret += len(left) - begin
    under = _width(shown[caret : caret + place.length])
    return _View("".join(cell.shown for cell in shown), _width(shown[:caret]), max(under, 1))


def _fits(cells: Sequence[_Cell], caret: int, length: int, room: int) -> bool:
    """Whether the line can be shown from its beginning and the caret's text, or a good part of it, is in view."""
    under = max(_width(cells[caret : caret + length]), 1)
    return _width(cells[:caret]) + min(under, _BEFORE_CARET) < room


def _begin(cells: Sequence[_Cell], caret: int) -> int:
    """The first cell shown of a line that is cut on the left."""
    before = 0
    for index in range(caret - 1, -1, -1):
        before += cells[index].width
        if before > _BEFORE_CARET:
            return index + 1
    return 0


def _clipped(cells: list[_Cell], room: int, *, more: bool) -> list[_Cell]:
    """As many cells as fit, with an ellipsis where some are left out or `more` follow."""
    if not more and _width(cells) <= room:
        return cells
    kept: list[_Cell] = []
    used = 1
    for cell in cells:
        used += cell.width
        if used > room:
            break
        kept.append(cell)
    return [*kept, _CUT]


def _clipped_text(text: str, room: int) -> str:
    """What stands beside the caret; nothing where there is room for a few letters only."""
    cells = _clipped(list(_cells(text)), room, more=False) if room > len(" found …") else []
    return "".join(cell.shown for cell in cells)


def _cells(text: str) -> Iterator[_Cell]:
    """Tabs become spaces up to the next stop, so that the caret's line needs none."""
    column = 0
    for character in text:
        shown = " " * (_TAB - column % _TAB) if character == "\t" else _visible(character)
        width = len(shown) if len(shown) > 1 else _cell_width(shown)
        column += width
        yield _Cell(shown, width)


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")


def _cell_width(character: str) -> int:
    if character.isascii():
        return 1
    return 0 if category(character) in ("Mn", "Me") else 1 + (east_asian_width(character) in "WF")


def _width(cells: Iterable[_Cell]) -> int:
    return sum(cell.width for cell in cells)


def _words(text: str, characters_max: int) -> str:
    return escaped(text if len(text) <= characters_max else text[: characters_max - 1] + "…")


def _counted(count: int, severity: Severity) -> str:
    plural = "s" if count > 1 and severity is not Severity.ADVICE else ""
    return f"{count} {severity}{plural}" if count else ""
