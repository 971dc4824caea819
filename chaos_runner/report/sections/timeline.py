"""What happened when: phases, faults, steps and every probe on one time axis."""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct, structs

from chaos_runner.contracts import Band
from chaos_runner.experiment.model import Limit, Probe, Step, StepKind
from chaos_runner.report import anchors, charts, samples, text, times
from chaos_runner.report import axis as ax
from chaos_runner.report.axis import Axis, Span, Tick
from chaos_runner.report.charts import Trace
from chaos_runner.report.story import Story
from chaos_runner.run import sentences
from chaos_runner.run.events import Phase
from chaos_runner.run.run import Run
from chaos_runner.units import spoken_seconds

FIRST_LANES = 4
FIRST_CHARTS = 3
LABEL_WIDTH = 20
"""Percent of the width that a limit's words may take."""
LANES_MOST = 12
"""Of those that the first screen has no room for."""
ROOM = 30
"""Percent of the width that a few words need on the narrowest screen that shows them there."""
GAP = 2.5
"""A line breaks where no sample came for so many times the interval."""
_PATTERNS = ("hatch", "cross", "dots", "lines", "solid")
Drawing = dict[str, Any]
"""What of a chart is drawn."""


class Label(Struct, frozen=True, kw_only=True):
    """A few words in a picture: `x` in percent, `y` in pixels, `dx` and `dy` pixels away from there."""

    x: float
    y: float
    anchor: str
    words: str
    dx: int = 0
    dy: int = 0


class Lane(Struct, frozen=True, kw_only=True):
    """A fault or a step with its bar. `point` is a fault that happens at once and has no end."""

    key: str
    name: str
    words: str
    pattern: str
    kind: str
    bars: list[Span]
    label: Label
    point: float | None = None


class Chart(Struct, frozen=True, kw_only=True):
    """One probe over time. A line for numbers; ticks for answers that are only good or bad."""

    number: int
    anchor: str
    name: str
    kind: str
    limit: str
    words: str
    summary: str
    height: int
    line: str = ""
    envelope: str = ""
    breach: str = ""
    limits: list[float] = []
    unanswered: str = ""
    missing: str = ""
    good: str = ""
    bad: str = ""
    unknown: str = ""
    worst: Label | None = None
    labels: list[Label] = []
    lowest: str = ""


class Picture(Struct, frozen=True, kw_only=True):
    """Some lanes and charts on the axis."""

    lanes: list[Lane]
    charts: list[Chart]


class View(Struct, frozen=True, kw_only=True):
    """Everything that shares the axis. `acted` are the stretches in which any fault acted, drawn behind all charts.

    `first` is what the first screen has room for: the first faults, and the probes that fared worst.
    """

    end_s: float
    ticks: list[Tick]
    phases: list[Span]
    acted: list[Span]
    edges: list[float]
    first: Picture
    rest: Picture
    left_out: int
    key: frozenset[str]
    """Which of the signs of the key are on the first screen."""


_HEIGHT = 52
_ROW_HEIGHT = 24
_TEXT = 12


def view(story: Story) -> View:
    """The picture of a run."""
    run = story.run
    axis = Axis.of(run)
    faults, steps = _lanes(run, axis)
    phases = ax.phases(run, axis)
    charts_of = _charts(story, axis)
    room = story.room(FIRST_LANES, 3)
    first = Picture(lanes=faults[:room], charts=[chart for first, chart in charts_of if first])
    lanes = [*faults[room:], *steps]
    rest = Picture(lanes=lanes[:LANES_MOST], charts=[chart for first, chart in charts_of if not first])
    return View(
        end_s=axis.end_s, ticks=ax.ticks(run, axis), phases=phases, edges=[phase.x for phase in phases[1:]],
        acted=_merged([bar for lane in faults for bar in lane.bars]), first=first, rest=rest,
        left_out=max(0, len(lanes) - LANES_MOST), key=_key(first))


def _key(first: Picture) -> frozenset[str]:
    signs = {"acted": any(lane.bars for lane in first.lanes)}
    for sign in ("breach", "unanswered", "missing", "envelope"):
        signs[sign] = any(getattr(chart, sign) for chart in first.charts)
    return frozenset(sign for sign, seen in signs.items() if seen)


# ── lanes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def _acts(step: Step) -> bool:
    return step.kind is StepKind.ACTION and step.key.startswith("m")


def _lanes(run: Run, axis: Axis) -> tuple[list[Lane], list[Lane]]:
    """Those of faults and other actions, and those of all other steps."""
    faults: list[Lane] = []
    steps: list[Lane] = []
    for step in run.plan.experiment.steps:
        if len(faults if _acts(step) else steps) <= FIRST_LANES + LANES_MOST and (lane := _lane(run, axis, step)):
            (faults if _acts(step) else steps).append(lane)
    return faults, steps


def _lane(run: Run, axis: Axis, step: Step) -> Lane | None:
    state = run.step(step.key)
    if state.began_t is None:
        return None
    card = run.plan.cards.get(step.key)
    band = card.band if card else Band(word=str(step.kind), pattern="lines")
    if step.is_fault and card and not card.reversible and not step.every_s:
        at = axis.percent(state.ended_t or state.began_t)
        return _named_lane(step, band, times.elapsed(state.began_t), Span(x=at, width=0), point=at)
    begin, end = _lasted(run, step, state.began_t, state.ended_t)
    words = _lasted_words(begin, end)
    return _named_lane(step, band, words, axis.span(begin, run.t if end is None else end, title=words))


def _named_lane(step: Step, band: Band, when: str, bar: Span, point: float | None = None) -> Lane:
    words = f"{band.word}, {when}"
    return Lane(key=step.key, name=text.short(step.name, 80), words=words, pattern=_pattern(band),
                kind="fault" if _acts(step) else "step", bars=[] if point is not None else [bar], point=point,
                label=_beside(bar, words))


def _beside(bar: Span, words: str) -> Label:
    """After the bar where there is room, or before it, or on it."""
    if 100 - bar.x - bar.width >= ROOM:
        return Label(x=round(bar.x + bar.width, 2), y=12, dx=9, anchor="start", words=words)
    if bar.x >= ROOM:
        return Label(x=bar.x, y=12, dx=-9, anchor="end", words=words)
    return Label(x=round(bar.x + bar.width / 2, 2), y=12, anchor="middle", words=words)


def _lasted(run: Run, step: Step, began_t: float, ended_t: float | None) -> tuple[float, float | None]:
    """From the first apply to the last undo of a step that has entries, else from its call to its return."""
    entries = [entry for entry in run.entries_of(step.key) if not entry.settled or entry.applied_t is not None]
    if not entries or step.every_s:
        return began_t, ended_t
    begin = min((entry.applied_t for entry in entries if entry.applied_t is not None), default=began_t)
    undone = [entry.undone_t for entry in entries]
    return begin, None if None in undone else max(t for t in undone if t is not None)


def _lasted_words(begin: float, end: float | None) -> str:
    if end is None:
        return f"{times.elapsed(begin)}, no end seen"
    return f"{times.elapsed(begin)} for {spoken_seconds(max(0.0, end - begin))}"


def _pattern(band: Band) -> str:
    return band.pattern if band.pattern in _PATTERNS else _PATTERNS[0]


def _merged(bars: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for bar in sorted(bars, key=lambda bar: bar.x):
        last = merged[-1] if merged else None
        if last and bar.x <= last.x + last.width:
            width = round(max(last.x + last.width, bar.x + bar.width) - last.x, 2)
            merged[-1] = Span(x=last.x, width=width)
        else:
            merged.append(Span(x=bar.x, width=bar.width))
    return merged


# ── charts ──────────────────────────────────────────────────────────────────────────────────────────────────────────

def _charts(story: Story, axis: Axis) -> list[tuple[bool, Chart]]:
    """Every probe that was read, and whether it is on the first screen: those that broke, then in file order."""
    run, names = story.run, anchors.of_probes(story.run)
    read = sorted(story.samples)
    first = sorted(read, key=lambda number: not samples.broke(run, number))[:story.room(FIRST_CHARTS, 1)]
    return [(number in first, _chart(story, axis, number, names[number])) for number in read]


def _chart(story: Story, axis: Axis, number: int, anchor: str) -> Chart:
    run, trace = story.run, Trace.of(story.taken(number))
    probe = run.plan.watched[number]
    name, words = text.short(probe.name, 80), _words(run, number)
    limit = sentences.limit_words(probe)
    bare = Chart(
        number=number, anchor=anchor, name=name, kind=samples.kind(run, number),
        limit=limit, words=words, summary=f"{name} over time: {limit}; {words}", height=_ROW_HEIGHT)
    drawn = _line_chart(story, axis, number, trace) if _is_line(probe, trace.answers) else _tick_chart(axis, trace)
    return structs.replace(bare, **drawn)


def _is_line(probe: Probe, values: Sequence[Any]) -> bool:
    return bool(values and probe.every_s and isinstance(probe.judge, Limit) and samples.are_numbers(values))


def _line_chart(story: Story, axis: Axis, number: int, trace: Trace) -> Drawing:
    run, mute = story.run, trace.mute
    probe = run.plan.watched[number]
    bounds = samples.bad_sides(run, number)
    pieces = charts.columns(axis, trace, GAP * (probe.every_s or 1.0) + trace.longest_s)
    to = charts.scale(charts.extremes(pieces), [bound for bound, _ in bounds])
    worst = _worst(story, axis, number, to)
    labels = [label for label in _labels(probe, bounds, to) if not _collide(label, worst)]
    return {
        "height": _HEIGHT, "line": charts.line(pieces, to), "envelope": charts.envelope(pieces, to),
        "breach": "".join(charts.breach(pieces, to, bound, side) for bound, side in bounds if side),
        "limits": [round(to.y(bound), 1) for bound, _ in bounds],
        "unanswered": charts.ticks(axis, charts.when(mute, good=False), charts.STRIP, 100),
        "missing": charts.ticks(axis, charts.when(mute, good=None), charts.STRIP, 97),
        "worst": worst, "labels": labels,
        "lowest": sentences.value_words(to.low, probe.unit) if all(map(_leaves_foot, labels)) else ""}


def _worst(story: Story, axis: Axis, number: int, to: charts.Scale) -> Label | None:
    """Above its point: the scale leaves room there."""
    value, t = samples.worst_at(story, number)
    if not samples.is_number(value):
        return None
    x = axis.percent(t)
    return Label(x=x, y=_pixels(to.y(value)), anchor="end" if x > 85 else "start", dy=-4,
                 words=sentences.value_words(value, story.run.plan.watched[number].unit))


def _collide(label: Label, worst: Label | None) -> bool:
    """Whether the limit's words would lie under those of the worst value: then its caption alone says the limit."""
    return worst is not None and worst.x < LABEL_WIDTH and abs(worst.y + worst.dy - label.y) < _TEXT


def _leaves_foot(label: Label) -> bool:
    """Whether there is room for words at the foot of the scale, beneath the limit's."""
    return label.y <= _HEIGHT - _TEXT


def _labels(probe: Probe, bounds: Sequence[tuple[float, int]], to: charts.Scale) -> Iterator[Label]:
    """On the limit's bad side and at its left end, where before the fault there is nothing to hide."""
    for bound, side in bounds:
        y = _pixels(to.y(bound))
        beneath = y < _TEXT or (side < 0 and y < _HEIGHT - 2 * _TEXT)
        yield Label(x=0, y=round(y + _TEXT if beneath else y - 4, 1), anchor="start",
                    words=f"limit {sentences.value_words(bound, probe.unit)}")


def _pixels(y: float) -> float:
    return round(y / 100 * _HEIGHT, 1)


def _tick_chart(axis: Axis, trace: Trace) -> Drawing:
    return {"good": charts.ticks(axis, charts.when(trace.samples, good=True), 58, 92),
            "bad": charts.ticks(axis, charts.when(trace.samples, good=False), 8, 92),
            "unknown": charts.ticks(axis, charts.when(trace.samples, good=None), 58, 68)}


def _words(run: Run, number: int) -> str:
    """The counts: what the picture shows, for those who do not see it."""
    tallies = [run.tally(number, phase) for phase in Phase]
    bad, unknown = sum(tally.bad for tally in tallies), sum(tally.missing for tally in tallies)
    mute = sum(tally.unanswered for tally in tallies)
    taken = text.count(sum(tally.readings for tally in tallies), "sample")
    parts = [f"{bad} bad of {taken}" if bad else taken,
             f"{mute} unanswered" if mute else "", f"{unknown} without data" if unknown else ""]
    return ", ".join(part for part in parts if part)
