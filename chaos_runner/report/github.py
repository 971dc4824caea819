"""For a step of GitHub Actions: annotations as workflow commands, and a summary, both within what GitHub takes.

A step may annotate with ten errors and ten notices; what comes later is dropped. A message is cut at 4096 characters.
A summary of more than 1 MiB is not shown at all. (actions/runner: ExecutionContext, ActionCommand.)
"""

from collections.abc import Sequence
from typing import Final

from chaos_runner.report import text
from chaos_runner.report.notices import Notice, Subject, Weight, many, path_in

ANNOTATIONS_MOST: Final = 10
MESSAGE_MOST: Final = 4000
TITLE_MOST: Final = 250
SUMMARY_MOST: Final = 1024 * 1024
"""Bytes of a step's summary, all that is written to it together."""
_DATA: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def annotations(subjects: Sequence[Subject], root: str = "") -> list[str]:
    """A line for each thing to know, worst first, to be printed. `root` is the folder of the repository."""
    found = many(subjects)
    errors = [notice for notice in found if notice.weight is not Weight.WORTH_KNOWING]
    notes = [notice for notice in found if notice.weight is Weight.WORTH_KNOWING]
    return [*_lines("error", errors, root), *_lines("notice", notes, root)]


def data(value: str) -> str:
    """A text as a command's message. What cannot be seen is shown, and no line of it can be a command."""
    return text.visible(_cut(value, MESSAGE_MOST)).translate(_DATA)


def attribute(value: str) -> str:
    """A text as the value of a command's property: one line."""
    return text.visible(text.short(value, TITLE_MOST)).translate(_PROPERTY)


def _lines(kind: str, found: list[Notice], root: str) -> list[str]:
    """At most ten. Where there are more, the tenth says how many."""
    if len(found) <= ANNOTATIONS_MOST:
        return [_command(kind, notice, root) for notice in found]
    shown = found[:ANNOTATIONS_MOST - 1]
    rest = text.count(len(found) - len(shown), "more finding")
    return [*(_command(kind, notice, root) for notice in shown),
            f"::{kind} title={attribute(rest)}::{data('GitHub takes ten a step; the summary of this step has them')}"]


def _command(kind: str, notice: Notice, root: str) -> str:
    properties = {"title": attribute(notice.title)}
    if notice.place:
        file = text.visible(path_in(root, notice.place.file)).translate(_PROPERTY)
        properties = {"file": file, "line": str(notice.place.line), "col": str(notice.place.column), **properties}
    written = ",".join(f"{name}={value}" for name, value in properties.items())
    return f"::{kind} {written}::{data(notice.text)}"


def _cut(value: str, most: int) -> str:
    """Shown characters may be eight of these: a hostile text is cut to what always fits."""
    if len(value) <= most and value.isprintable():
        return value
    shown = text.visible(value[:most])
    return shown if len(shown) <= most else f"{shown[:most - 1]}…"
