"""Every report of a run, in its folder. Each file is whole or not there."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from chaos_runner.journal.record import Record
from chaos_runner.report import chaostoolkit, junit, markdown, page
from chaos_runner.run.run import Run


def write_all(run: Run, records: Sequence[Record], folder: Path) -> None:
    """Writes report.html, report.md, junit.xml and journal.json. Raises OSError when the folder cannot be written."""
    write(folder / "report.html", page.html(run, records))
    write(folder / "report.md", markdown.text(run, records))
    write(folder / "junit.xml", junit.xml(run, records))
    write(folder / "journal.json", as_json(chaostoolkit.journal(run, records)))


def as_json(journal: dict[str, object]) -> str:
    """JSON as Chaos Toolkit's readers want it. What JSON has not is written as its `repr`."""
    try:
        return msgspec.json.encode(journal, enc_hook=repr).decode()
    except (TypeError, ValueError):  # halves of characters, keys that are no text
        return json.dumps(journal, default=repr, skipkeys=True)


def write(path: Path, text: str) -> None:
    """The file at once, or as it was. Raises OSError."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
