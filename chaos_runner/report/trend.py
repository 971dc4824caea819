"""One experiment, run after run: verdicts, recovery, and every probe's worst value against its limit."""

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from chaos_runner.history.comparing import margin_words, unit_of
from chaos_runner.history.rows import ProbeRow, RunRow
from chaos_runner.report import charts, many, text
from chaos_runner.report.many import Frame, Line
from chaos_runner.report.marks import Mark
from chaos_runner.report.rendering import rendered
from chaos_runner.report.sections.verdict import Figure
from chaos_runner.run.events import Verdict
from chaos_runner.run.sentences import value_words
from chaos_runner.units import Unit, spoken_seconds

FOLDER: Final = Path("trends")
HEIGHT: Final = 92
_SLUG_MOST: Final = 60


class Dot(Struct, frozen=True, kw_only=True):
    """One run in a chart, in percent of the width and in pixels. Bad ones are crosses."""

    x: float
    y: float
    bad: bool
    title: str
    href: str


class Place(Struct, frozen=True, kw_only=True):
    """One run in the lane of verdicts."""

    x: float
    mark: Mark
    title: str
    href: str


class Multiple(Struct, frozen=True, kw_only=True):
    """One number over the runs. `high` is the highest of what is drawn, in words, and `high_y` where they stand;
    `low` what the picture's lower end stands for, empty where nothing is drawn but one value.
    """

    name: str
    words: str
    last: str
    tone: str
    line: str
    limit: str
    low: str
    high: str
    high_y: float
    dots: list[Dot]


class View(Struct, frozen=True, kw_only=True):
    """The page."""

    figures: list[Figure]
    places: list[Place]
    first: str
    last: str
    multiples: list[Multiple]
    lines: list[Line]


class _Value(Struct, frozen=True, kw_only=True):
    """What a chart draws of one run."""

    value: float | None
    bound: float | None = None
    bad: bool = False


def page_of(title: str) -> Path:
    """The page of an experiment's trend below the folder of reports: readable, and different for different titles."""
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:_SLUG_MOST]
    return FOLDER / f"{slug or 'experiment'}-{sha256(title.encode(errors='replace')).hexdigest()[:6]}.html"


def html(rows: Sequence[RunRow], probes: Sequence[ProbeRow], to_reports: str) -> str:
    """The page of these runs, oldest first; there must be one. `to_reports` leads from the page to the reports."""
    title = text.short(rows[-1].title)
    frame = Frame(title=title, above=f"trend over {text.count(len(rows), 'run')}", about=text.short(rows[-1].file))
    return rendered("trend.html", frame=frame, view=view(rows, probes, to_reports))


def view(rows: Sequence[RunRow], probes: Sequence[ProbeRow], to_reports: str) -> View:
    """Small multiples, all on one axis of runs."""
    lines = [many.line(row, to_reports) for row in rows]
    return View(figures=list(_figures(rows)), first=many.when(rows[0].started), last=many.when(rows[-1].started),
                places=[Place(x=_x(number, len(rows)), mark=one.mark, href=one.href,
                              title=f"{one.when}: {one.mark.word.lower()}") for number, one in enumerate(lines)],
                multiples=[*_times(rows, lines), *_probes(rows, lines, probes)],
                lines=[structs.replace(one, title=f"run {text.short(one.run)}") for one in reversed(lines)])


def _x(number: int, count: int) -> float:
    return round((number + 0.5) / count * 100, 2)


def _figures(rows: Sequence[RunRow]) -> Iterator[Figure]:
    passed = sum(row.verdict == Verdict.PASSED for row in rows)
    yield Figure(name="passed", value=f"{passed} of {len(rows)}", tone="good" if passed == len(rows) else "warn",
                 beside=f"{passed / len(rows):.0%}")
    last = many.mark(rows[-1])
    since = _in_a_row(rows)
    beside = f"{since} in a row" if since > 1 else f"{many.mark(rows[-2]).word.lower()} before" if rows[1:] else ""
    yield Figure(name="last run", value=last.word, tone=last.tone, beside=beside)
    for name, values in (("recovered in", [row.recovered_s for row in rows]),
                         ("detected in", [row.detected_s for row in rows])):
        known = sorted(value for value in values if value is not None)
        if known:
            yield Figure(name=name, value=spoken_seconds(known[len(known) // 2]), tone="quiet",
                         beside=f"median; worst {spoken_seconds(known[-1])}")


def _in_a_row(rows: Sequence[RunRow]) -> int:
    return next((number for number, row in enumerate(reversed(rows)) if row.verdict != rows[-1].verdict), len(rows))


def _times(rows: Sequence[RunRow], lines: Sequence[Line]) -> Iterator[Multiple]:
    for name, value_of in _TIMES:
        values = [_Value(value=value_of(row)) for row in rows]
        if any(one.value is not None for one in values):
            last = values[-1].value
            yield _multiple((name, "", Unit.SECONDS), values, lines,
                            ("none in the last run" if last is None else f"last {spoken_seconds(last)}", "quiet"))


_TIMES: Final[tuple[tuple[str, Callable[[RunRow], float | None]], ...]] = (
    ("recovered in", lambda row: row.recovered_s), ("detected in", lambda row: row.detected_s))


def _probes(rows: Sequence[RunRow], lines: Sequence[Line], probes: Sequence[ProbeRow]) -> Iterator[Multiple]:
    """Each probe while the fault acted, in the order of the last run."""
    during = [probe for probe in probes if probe.phase == "during"]
    for name in dict.fromkeys(probe.name for probe in sorted(during, key=lambda one: (one.run, -one.position))[::-1]):
        by_run = {probe.run: probe for probe in during if probe.name == name}
        found = [by_run.get(row.run) for row in rows]
        values = [_Value(value=one.worst, bound=one.bound, bad=one.state == "deviated") if one else _Value(value=None)
                  for one in found]
        newest = next(one for one in reversed(found) if one)
        if any(one.value is not None for one in values):
            yield _multiple((name, newest.limit_words, unit_of(newest.unit)), values, lines, _last(found[-1]))


def _last(probe: ProbeRow | None) -> tuple[str, str]:
    """The last run's worst value with its margin, and the tone of it."""
    if probe is None:
        return "not read in the last run", "quiet"
    said = probe.worst_words or value_words(probe.worst, unit_of(probe.unit))
    margin = f", {margin_words(probe.margin, probe.unit)}" if probe.margin is not None else ""
    return f"last {text.short(said, 60)}{margin}", "bad" if probe.state == "deviated" else "good"


def _multiple(about: tuple[str, str, Unit], values: Sequence[_Value], lines: Sequence[Line],
              last: tuple[str, str]) -> Multiple:
    name, limit, unit = about
    known = [one.value for one in values if one.value is not None]
    bounds = [one.bound for one in values if one.bound is not None]
    drawn = {*known, *bounds}
    to = charts.scale(known, bounds)
    dots = [Dot(x=_x(number, len(lines)), y=round(to.y(one.value) / 100 * HEIGHT, 1), bad=one.bad, href=at.href,
                title=f"{at.when}: {value_words(one.value, unit)}")
            for number, (one, at) in enumerate(zip(values, lines, strict=True)) if one.value is not None]
    return Multiple(name=text.short(name, 80), words=f"worst value, limit {text.short(limit, 80)}" if limit else "",
                    last=last[0], tone=last[1], dots=dots, line=_line([one.value for one in values], to),
                    limit=_steps([one.bound for one in values], to),
                    low=value_words(to.low, unit) if len(drawn) > 1 else "", high=value_words(max(drawn), unit),
                    high_y=round(to.y(max(drawn)) / 100 * HEIGHT - 5, 1))


def _line(values: Sequence[float | None], to: charts.Scale) -> str:
    """A line through the runs that have a value, broken where one has none."""
    found, before = "", None
    for number, value in enumerate(values):
        if value is not None:
            found += f"{'M' if before is None else 'L'}{_x(number, len(values)) * 10:.0f} {to.y(value):.1f}"
        before = value
    return found


def _steps(bounds: Sequence[float | None], to: charts.Scale) -> str:
    """The limit, level within a run: it may have been another one then."""
    width = 1000 / len(bounds)
    return "".join(f"M{number * width:.0f} {to.y(bound):.1f}H{(number + 1) * width:.0f}"
                   for number, bound in enumerate(bounds) if bound is not None)
