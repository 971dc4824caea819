"""What happened when: phases, faults, steps and every probe on one time axis."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from chaos_runner.contracts import Band
from chaos_runner.experiment.model import Limit, Probe, Step, StepKind
from chaos_runner.report import axis as ax
from chaos_runner.report import charts, samples, text, times
from chaos_runner.report.axis import Axis, Span, Tick
from chaos_runner.report.story import Story
from chaos_runner.run import sentences
from chaos_runner.run.events import Sampled
from chaos_runner.run.run import Run
from chaos_runner.units import spoken_seconds

LANES_MOST = 12
GAP = 2.5
"""A line breaks where no sample came for so many times the interval."""
_PATTERNS = ("hatch", "cross", "dots", "lines", "solid")


class Lane(Struct, frozen=True, kw_only=True):
    """A fault or a step with its bar. `point` is a fault that happens at once and has no end."""

    key: str
    name: str
    words: str
    pattern: str
    bars: list[Span]
    point: float | None = None


class Label(Struct, frozen=True, kw_only=True):
    """A few words in a picture: `x` in percent, `y` in pixels."""

    x: float
    y: float
    anchor: str
    words: str
    dy: int = 0


class Chart(Struct, frozen=True, kw_only=True):
    """One probe over time. A line for numbers; ticks for answers that are only good or bad."""

    number: int
    name: str
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


class View(Struct, frozen=True, kw_only=True):
    """Everything that shares the axis. `acted` are the stretches in which any fault acted, drawn behind all charts."""

    ticks: list[Tick]
    phases: list[Span]
    faults: list[Lane]
    steps: list[Lane]
    left_out: int
    acted: list[Span]
    edges: list[float]
    charts: list[Chart]


_HEIGHT = 92
_ROW_HEIGHT = 26
_TEXT = 13


def view(story: Story) -> View:
    """The picture of a run."""
    run = story.run
    axis = Axis.of(run)
    lanes = [(step, lane) for step in run.plan.experiment.steps if (lane := _lane(run, axis, step))]
    faults = [lane for step, lane in lanes if _acts(step)]
    steps = [lane for step, lane in lanes if not _acts(step)]
    phases = ax.phases(run, axis)
    return View(
        ticks=ax.ticks(run, axis), phases=phases, faults=faults[:LANES_MOST], steps=steps[:LANES_MOST],
        left_out=max(0, len(faults) - LANES_MOST) + max(0, len(steps) - LANES_MOST),
        acted=_merged([bar for lane in faults for bar in lane.bars]), edges=[phase.x for phase in phases[1:]],
        charts=[_chart(story, axis, number) for number in sorted(story.samples)])


# ── lanes ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def _acts(step: Step) -> bool:
    return step.kind is StepKind.ACTION and step.key.startswith("m")


def _lane(run: Run, axis: Axis, step: Step) -> Lane | None:
    state = run.step(step.key)
    if state.began_t is None:
        return None
    card = run.plan.cards.get(step.key)
    band = card.band if card else Band(word=str(step.kind), pattern="lines")
    if step.is_fault and card and not card.reversible:
        return Lane(key=step.key, name=text.short(step.name, 80), words=f"{band.word}, {times.elapsed(state.began_t)}",
                    pattern=_pattern(band), bars=[], point=axis.percent(state.ended_t or state.began_t))
    begin, end = _lasted(run, step, state.began_t, state.ended_t)
    words = _lasted_words(begin, end)
    bar = axis.span(begin, run.t if end is None else end, title=words)
    return Lane(key=step.key, name=text.short(step.name, 80), words=f"{band.word}, {words}", pattern=_pattern(band),
                bars=[bar])


def _lasted(run: Run, step: Step, began_t: float, ended_t: float | None) -> tuple[float, float | None]:
    """From the first apply to the last undo of a step that has entries, else from its call to its return."""
    entries = [entry for entry in run.entries_of(step.key) if not entry.settled or entry.applied_t is not None]
    if not entries:
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

def _chart(story: Story, axis: Axis, number: int) -> Chart:
    probe, taken = story.run.plan.watched[number], story.taken(number)
    values = [sample.value for sample in taken if sample.value is not None]
    numeric = bool(values) and all(map(samples.is_number, values))
    if probe.every_s and isinstance(probe.judge, Limit) and numeric:
        return _line_chart(story, axis, number)
    return _tick_chart(story, axis, number)


def _line_chart(story: Story, axis: Axis, number: int) -> Chart:
    run, taken = story.run, story.taken(number)
    probe = run.plan.watched[number]
    bounds = samples.bad_sides(run, number)
    to = charts.scale([sample.value for sample in taken if sample.value is not None], [bound for bound, _ in bounds])
    pieces = charts.columns(axis, taken, GAP * (probe.every_s or 1.0) + max(sample.took_s for sample in taken))
    mute = [sample for sample in taken if sample.value is None]
    return Chart(
        number=number, name=_name(run, number), words=_words(run, number, taken), height=_HEIGHT,
        summary=f"{_name(run, number)} over time: {_words(run, number, taken)}",
        line=charts.line(pieces, to), envelope=charts.envelope(pieces, to),
        breach="".join(charts.breach(pieces, to, bound, side) for bound, side in bounds if side),
        limits=[round(to.y(bound), 1) for bound, _ in bounds],
        unanswered=charts.ticks(axis, [sample for sample in mute if sample.good is False], charts.STRIP, 100),
        missing=charts.ticks(axis, [sample for sample in mute if sample.good is not False], charts.STRIP, 97),
        worst=_worst(story, axis, number, to), labels=list(_labels(probe, bounds, to)),
        lowest=sentences.value_words(to.low, probe.unit))


def _worst(story: Story, axis: Axis, number: int, to: charts.Scale) -> Label | None:
    """Above its point: the scale leaves room there."""
    value, t = samples.worst_at(story, number)
    if not samples.is_number(value):
        return None
    x = axis.percent(t)
    return Label(x=x, y=_pixels(to.y(value)), anchor="end" if x > 85 else "start", dy=-6,
                 words=sentences.value_words(value, story.run.plan.watched[number].unit))


def _labels(probe: Probe, bounds: Sequence[tuple[float, int]], to: charts.Scale) -> Iterator[Label]:
    """On the limit's bad side and at its left end, where before the fault there is nothing to hide."""
    for bound, side in bounds:
        y = _pixels(to.y(bound))
        beneath = y < _TEXT or (side < 0 and y < _HEIGHT - 2 * _TEXT)
        yield Label(x=0, y=round(y + _TEXT if beneath else y - 4, 1), anchor="start",
                    words=f"limit {sentences.value_words(bound, probe.unit)}")


def _pixels(y: float) -> float:
    return round(y / 100 * _HEIGHT, 1)


def _tick_chart(story: Story, axis: Axis, number: int) -> Chart:
    run, taken = story.run, story.taken(number)
    return Chart(
        number=number, name=_name(run, number), words=_words(run, number, taken), height=_ROW_HEIGHT,
        summary=f"{_name(run, number)} over time: {_words(run, number, taken)}",
        good=charts.ticks(axis, [sample for sample in taken if sample.good], 58, 92),
        bad=charts.ticks(axis, [sample for sample in taken if sample.good is False], 8, 92),
        unknown=charts.ticks(axis, [sample for sample in taken if sample.good is None], 58, 68))


def _name(run: Run, number: int) -> str:
    name = text.short(run.plan.watched[number].name, 80)
    return f"stop rule: {name}" if samples.is_stop_rule(run, number) else name


def _words(run: Run, number: int, taken: Sequence[Sampled]) -> str:
    """The limit and the counts: what the picture shows, for those who do not see it."""
    bad = sum(sample.good is False for sample in taken)
    mute = sum(sample.good is False and sample.value is None for sample in taken)
    unknown = sum(sample.good is None for sample in taken)
    parts = [sentences.limit_words(run.plan.watched[number]), text.count(len(taken), "sample"),
             f"{bad} bad" if bad else "", f"{mute} without an answer" if mute else "",
             f"{unknown} without data" if unknown else ""]
    return " · ".join(part for part in parts if part)
