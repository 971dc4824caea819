"""The numbers themselves, carried in the page as files that any browser saves, with scripts or without."""

from base64 import b64encode
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.report import text
from chaos_runner.report.story import Story
from chaos_runner.run.outcome import outcome

MOST: Final = 48 * 1024
"""Bytes of one file. What is longer stands beside the page, and the page says where."""
SAMPLES_MOST: Final = 3000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class File(Struct, frozen=True, kw_only=True):
    """A file in the page, or, without `href`, the name of one beside it."""

    name: str
    href: str
    about: str


class View(Struct, frozen=True, kw_only=True):
    """What can be saved."""

    files: list[File]


def view(story: Story) -> View:
    """The outcome and the samples, where they are short enough."""
    return View(files=list(_files(story)))


def _files(story: Story) -> Iterator[File]:
    run = text.short(story.run.plan.run, 60)
    if story.run.ended is not None:
        told = msgspec.to_builtins(outcome(story.run), enc_hook=repr)
        data = text.as_json(told)
        about = "verdict, faults and every probe by phase"
        yield _file(f"{run}-outcome.json", "application/json", data.encode(), about)
    count = story.count
    if count:
        rows = _samples(story).encode("utf-8", "replace") if count <= SAMPLES_MOST else b""
        yield _file(f"{run}-samples.csv", "text/csv", rows, text.count(count, "sample"))
    yield File(name="journal.ndjson", href="", about=f"{text.count(len(story.records), 'event')}, beside this page")


def _file(name: str, kind: str, data: bytes, about: str) -> File:
    if not data or len(data) > MOST:
        return File(name=name, href="", about=f"{about}: too long for this page, and in the files beside it")
    return File(name=name, href=f"data:{kind};base64,{b64encode(data).decode()}", about=about)


def _samples(story: Story) -> str:
    import csv

    out = StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("t_s", "probe", "phase", "value", "good"))
    names = [_harmless(text.short(probe.name)) for probe in story.run.plan.watched]
    taken = sorted((sample for samples in story.samples.values() for sample in samples), key=lambda one: one.t)
    for sample in taken:
        good = "" if sample.good is None else str(sample.good).lower()
        rows.writerow((f"{sample.t:.3f}", names[sample.probe], sample.phase, _value(sample.value), good))
    return out.getvalue()


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    return _harmless(text.short(text.written(value)))


def _harmless(cell: str) -> str:
    """No spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
