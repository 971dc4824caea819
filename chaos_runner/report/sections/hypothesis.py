"""Every probe against its limit: before, during and after the fault."""

from collections import Counter
from typing import Final

from msgspec import Struct

from chaos_runner.experiment.model import Probe
from chaos_runner.report import anchors, marks, samples, text
from chaos_runner.report.marks import Mark
from chaos_runner.report.story import Story
from chaos_runner.run import measures, sentences
from chaos_runner.run.conditions import recovered, tripped
from chaos_runner.run.events import Phase
from chaos_runner.run.gates import GateResult, gate_answer, was_read
from chaos_runner.run.run import Run
from chaos_runner.run.tally import Tally
from chaos_runner.units import Unit, spoken, spoken_seconds

FIRST_MOST: Final = 5
"""Rows of the first screen: the worst ones. All stand below, with every number."""


class Cell(Struct, frozen=True, kw_only=True):
    """A probe in a phase: how often it was bad, how far and how long, how soon it was seen or was well again."""

    phase: Phase
    mark: Mark
    worst: str
    brief: str
    counts: str
    extent: str
    when: str
    note: str
    tally: Tally


class Row(Struct, frozen=True, kw_only=True):
    """A probe and its three phases. `mark` is the worst of them; links lead to `anchor`."""

    number: int
    anchor: str
    kind: str
    name: str
    limit: str
    rule: str
    mark: Mark
    cells: list[Cell]


class View(Struct, frozen=True, kw_only=True):
    """The hypothesis' probes, and the stop rules beneath them. `first` are those of the first screen."""

    title: str
    first: list[Row]
    left_out: str
    probes: list[Row]
    stop_rules: list[Row]
    counted: str
    only_hypothesis: bool

    @property
    def ends(self) -> str:
        """What ends a run, as the head of a column: "stop rule", "gate", or both."""
        return ", ".join(dict.fromkeys(row.kind for row in self.stop_rules))


def view(story: Story) -> View | None:
    """One row a probe. None where nothing is measured at all."""
    run = story.run
    if not run.plan.watched:
        return None
    rows = [_row(story, number, anchor) for number, anchor in enumerate(anchors.of_probes(run))]
    hypothesis = run.plan.experiment.hypothesis
    count, room = len(run.plan.probes), story.room(FIRST_MOST, 3)
    first = sorted(sorted(rows, key=_weight)[:room], key=lambda row: row.number)
    return View(title=text.short(hypothesis.title) if hypothesis else "No hypothesis", first=first,
                left_out=_left_out([row for row in rows if row not in first]), probes=rows[:count],
                stop_rules=rows[count:], counted=_counted(rows), only_hypothesis=run.plan.hypothesis_only)


def _weight(row: Row) -> tuple[int, int]:
    return _doubt(row.mark), row.number


def _counted(rows: list[Row]) -> str:
    """How many there are of each kind: "1 probe, 2 stop rules, 1 gate"."""
    counts = Counter(row.kind or "probe" for row in rows)
    return ", ".join(text.count(counts[kind], kind) for kind in ("probe", "stop rule", "gate")
                     if counts[kind] or kind == "probe")


def _left_out(rows: list[Row]) -> str:
    """How many the first screen has no room for, and how they fared."""
    counts = Counter(row.mark.word for row in rows)
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _row(story: Story, number: int, anchor: str) -> Row:
    run = story.run
    probe = run.plan.watched[number]
    cells = [_cell(story, number, phase) for phase in Phase]
    rule = "; ".join(filter(None, (_rule(probe), _deferring(run, number), _rehearsal(run, number))))
    return Row(number=number, anchor=anchor, kind=samples.kind(run, number), name=text.short(probe.name),
               limit=text.firm(sentences.limit_words(probe)), rule=rule, cells=cells,
               mark=min((cell.mark for cell in cells), key=_doubt))


def _deferring(run: Run, number: int) -> str:
    """What a closed gate means, and when it may be asked again."""
    if number not in run.plan.gates:
        return ""
    said = gate_answer(run, number)
    after_s = run.plan.gate(number).defer_s
    return f"try again at {said.again_words}" if said.again else f"defers {spoken_seconds(after_s)}" if after_s else ""


def _rehearsal(run: Run, number: int) -> str:
    """How soon an undo could have begun, as it was measured before the first fault."""
    found = run.rehearsals.get(number)
    if found is None:
        return ""
    took = f"undo ready {spoken_seconds(found.took_s)} after a bad sample"
    return f"rehearsed: {took if found.trips else 'it does not trip'}"


def _cell(story: Story, number: int, phase: Phase) -> Cell:
    run = story.run
    probe, tally = run.plan.watched[number], run.tally(number, phase)
    mark = _rule_mark(run, number, phase) if samples.is_stop_rule(run, number) else _probe_mark(probe, tally, phase)
    worst = samples.worst(story, number, phase)
    return Cell(phase=phase, mark=mark, worst=text.firm(_worst_words(probe, tally, worst)),
                brief=text.firm(_brief(probe, tally)), counts=text.firm(_counts(probe, tally)),
                extent=text.firm(_extent(probe, tally)),
                when=text.firm(_when(run, number, phase, mark)), note=_note(tally, mark), tally=tally)


def _probe_mark(probe: Probe, tally: Tally, phase: Phase) -> Mark:
    if not tally.readings:
        return marks.NOT_READ
    if phase is Phase.AFTER and recovered(probe, tally):
        return marks.RECOVERED if tally.bad else marks.HELD
    if tally.breached(probe):
        return marks.BROKEN
    return marks.JUDGED_UNKNOWN if tally.unknown else marks.HELD


def _gate_mark(result: GateResult, *, read: bool) -> Mark:
    match result:
        case GateResult.PASS:
            return marks.OPEN
        case GateResult.DEFER:
            return marks.DEFERS
        case GateResult.DENY:
            return marks.CLOSED if read else marks.NOT_READABLE


def _rule_mark(run: Run, number: int, phase: Phase) -> Mark:
    tally = run.tally(number, phase)
    if not tally.readings:
        return marks.NOT_READ
    if number in run.plan.gates:
        return _gate_mark(gate_answer(run, number, phase).result, read=was_read(tally))
    if tripped(run.plan.watched[number], tally):
        return marks.TRIPPED
    return marks.JUDGED_UNKNOWN if tally.unknown else marks.QUIET_RULE


def _worst_words(probe: Probe, tally: Tally, worst: object) -> str:
    if not tally.readings:
        return ""
    if worst is None or (tally.bad and tally.unanswered == tally.bad):
        return "no answer" if tally.bad else "no data"
    return text.short(sentences.value_words(worst, probe.unit), 60)


def _counts(probe: Probe, tally: Tally) -> str:
    if not tally.readings or (probe.every_s is None and not tally.missing):
        return ""
    parts = [text.count(tally.samples, "sample")]
    if tally.bad:
        share = f" ({tally.bad / tally.samples:.1%})" if probe.allow is not None else ""
        lasted = f" for {spoken_seconds(tally.bad_for_s)}" if tally.bad > 1 else ""
        parts.append(f"{tally.bad} bad{share}{lasted}")
    if tally.missing:
        parts.append(f"{tally.missing} missing")
    return ", ".join(parts)


def _brief(probe: Probe, tally: Tally) -> str:
    """The counts in as few words as can be; none where all was well."""
    lasted = f" for {spoken_seconds(tally.bad_for_s)}" if tally.bad > 1 and probe.every_s else ""
    parts = [f"{tally.bad} of {tally.samples} bad{lasted}" if tally.bad and probe.every_s else "",
             f"{tally.missing} missing" if tally.missing else ""]
    return ", ".join(filter(None, parts))


def _extent(probe: Probe, tally: Tally) -> str:
    """How far beyond the limit it was, while it was bad."""
    if not tally.area or not tally.bad_for_s:
        return ""
    area = sentences.area_words(tally.area, probe.unit)
    if tally.unanswered:  # nobody knows how far it was while there was no answer
        return f"area past the limit {area}, silence apart"
    mean = sentences.value_words(tally.area / tally.bad_for_s, probe.unit)
    return f"on average {mean} past the limit, area {area}"


def _when(run: Run, number: int, phase: Phase, mark: Mark) -> str:
    """How soon after the first fault it was seen to be bad, or after the undo to be well again."""
    if phase is not Phase.BEFORE and mark in (marks.BROKEN, marks.TRIPPED):
        seen_s = measures.time_to_detect_s(run, number)
        return "" if seen_s is None else f"detected {spoken_seconds(seen_s)} after the first fault"
    if mark is marks.RECOVERED:
        well_s = measures.time_to_recover_s(run, number)
        return "" if well_s is None else f"well again {spoken_seconds(well_s)} after the undo"
    return ""


def _note(tally: Tally, mark: Mark) -> str:
    if mark in (marks.HELD, marks.QUIET_RULE, marks.NOT_READ, marks.RECOVERED):
        return ""
    return text.short(tally.doubt or tally.note, 160)


def _rule(probe: Probe) -> str:
    """How often it is read and how much is let pass, in the author's terms."""
    parts = [f"every {spoken_seconds(probe.every_s)}" if probe.every_s else "single reading"]
    if probe.allow is not None:
        parts.append(f"up to {spoken(probe.allow, Unit.SHARE)} bad")
    if probe.held_for_s is not None:
        parts.append(f"for {spoken_seconds(probe.held_for_s)}")
    return ", ".join(parts)


def _doubt(mark: Mark) -> int:
    return _WORST_FIRST.index(mark)


_WORST_FIRST = (marks.TRIPPED, marks.CLOSED, marks.NOT_READABLE, marks.DEFERS, marks.BROKEN, marks.JUDGED_UNKNOWN,
                marks.RECOVERED, marks.HELD, marks.QUIET_RULE, marks.OPEN, marks.NOT_READ)
