"""Every report of a run, in its folder. Each file is whole or not there."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from chaos_runner.journal.record import Record
from chaos_runner.report import chaostoolkit, junit, markdown, page
from chaos_runner.report.last import Last
from chaos_runner.report.story import Story
from chaos_runner.run.run import Run


class Format(NamedTuple):
    """One way to tell of a run: the file it is written to, and what stands in it."""

    file: str
    told: Callable[[Run, Sequence[Record]], str | bytes]


def _chaostoolkit(run: Run, records: Sequence[Record]) -> str:
    return as_json(chaostoolkit.journal(run, records))


def _github(run: Run, records: Sequence[Record]) -> str:
    from chaos_runner.report import github

    return "".join(f"{line}\n" for line in github.annotations([Story.of(run, records)]))


def _gitlab(run: Run, records: Sequence[Record]) -> str:
    from chaos_runner.report import gitlab

    return gitlab.code_quality([Story.of(run, records)])


def _pdf(run: Run, records: Sequence[Record]) -> bytes:
    from chaos_runner.report.pdf import pdf

    return pdf(run, records)


PAGE: Final = "report.html"
FORMATS: Final[Mapping[str, Format]] = {
    "html": Format(PAGE, page.html),
    "md": Format("report.md", markdown.text),
    "junit": Format("junit.xml", junit.xml),
    "chaostoolkit": Format("journal.json", _chaostoolkit),
    "github": Format("github-annotations.txt", _github),
    "gitlab": Format("gl-code-quality-report.json", _gitlab),
    "pdf": Format("report.pdf", _pdf),
}
ALWAYS: Final = ("html", "md", "junit", "chaostoolkit")
"""Those that every run leaves in its folder: they cost next to nothing."""


def write_all(run: Run, records: Sequence[Record], folder: Path, formats: Iterable[str] = ALWAYS,
              last: Last | None = None) -> list[Path]:
    """Writes the run in these formats and gives the files. Raises OSError when the folder cannot be written, and
    NotPrinted for a PDF without a browser.

    `last` is the run before it of the same experiment, with which the page compares.
    """
    chosen = [FORMATS[name] for name in formats]
    for told in chosen:
        words = page.html(run, records, last) if told.file == PAGE else told.told(run, records)
        write(folder / told.file, words)
    return [folder / told.file for told in chosen]


def as_json(journal: dict[str, object]) -> str:
    """JSON as Chaos Toolkit's readers want it. What JSON has not is written as its `repr`."""
    try:
        return msgspec.json.encode(journal, enc_hook=repr).decode()
    except (TypeError, ValueError):  # halves of characters, keys that are no text
        return json.dumps(journal, default=repr, skipkeys=True)


def write(path: Path, text: str | bytes) -> None:
    """The file at once, or as it was. Raises OSError."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(text if isinstance(text, bytes) else text.encode())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
