"""A run's probes in the terminal: one line each, with what was bad beneath it, on the run's own time."""

from collections.abc import Iterator, Sequence

from chaos_runner.cli.ink import Ink
from chaos_runner.cli.spark import Levels, spark
from chaos_runner.experiment.complaints import escaped
from chaos_runner.report.axis import Axis, phase_times
from chaos_runner.report.samples import bad_sides, is_number, kind
from chaos_runner.report.story import Story
from chaos_runner.run.events import Sampled
from chaos_runner.run.run import Run
from chaos_runner.run.sentences import limit_words, value_words
from chaos_runner.units import spoken_seconds


def lines(story: Story, ink: Ink, how: Levels, width: int) -> Iterator[str]:
    """Every probe that was sampled, over phases and faults. Nothing when none was."""
    sampled = [number for number in sorted(story.samples) if story.run.plan.watched[number].every_s]
    if not sampled:
        return
    run = story.run
    yield f"  {''.join(_phase_at(run, column, width) for column in range(width))}  {spoken_seconds(run.t)}"
    for number in sampled:
        yield from _chart(story, number, ink, (how, width))


def _phase_at(run: Run, column: int, width: int) -> str:
    """The phases' words on a rail, as far as they have room."""
    for phase, begin, end in phase_times(run):
        first, after = _column(run, begin, width), _column(run, end, width)
        if first <= column < after:
            word = f"|{phase}" if after - first > len(phase) else "|"
            place = column - first
            return word[place] if place < len(word) else "-"
    return "-"


def _column(run: Run, t: float, width: int) -> int:
    return int(Axis.of(run).percent(t) / 100 * width)


def _chart(story: Story, number: int, ink: Ink, how: tuple[Levels, int]) -> Iterator[str]:
    run, (signs, width) = story.run, how
    probe = run.plan.watched[number]
    columns = _columns(run, story.taken(number), width)
    values = [value for column in columns for sample in column if is_number(value := sample.value)]
    downwards = any(side < 0 for _, side in bad_sides(run, number))
    is_for = kind(run, number)
    name = f"{is_for}: {probe.name}" if is_for else probe.name
    said = " to ".join(value_words(end(values), probe.unit) for end in (min, max)) if values else "no numbers"
    yield f"  {ink.bold(escaped(name))}  {escaped(limit_words(probe))}"
    yield f"  {spark([_farthest(column, downwards) for column in columns], signs)}  {said}"
    marks = "".join(_mark(column) for column in columns).rstrip()
    if "!" in marks or "?" in marks:
        yield f"  {ink.red(marks)}{' ' * (width - len(marks))}  ! bad{'  ? no data' if '?' in marks else ''}"


def _columns(run: Run, taken: Sequence[Sampled], width: int) -> list[list[Sampled]]:
    columns: list[list[Sampled]] = [[] for _ in range(width)]
    for sample in taken:
        columns[min(_column(run, sample.t, width), width - 1)].append(sample)
    return columns


def _farthest(column: Sequence[Sampled], downwards: bool) -> float | None:  # noqa: FBT001 -- of the limit
    """Of what was bad, else of all, the value farthest on the wrong side: a spike is not averaged away."""
    bad = [sample.value for sample in column if sample.good is False and is_number(sample.value)]
    values = bad or [sample.value for sample in column if is_number(sample.value)]
    return (min if downwards else max)(values, default=None)


def _mark(column: Sequence[Sampled]) -> str:
    if any(sample.good is False for sample in column):
        return "!"
    return "?" if any(sample.good is None for sample in column) else " "
