"""What the gates said: whether a run may begin, and where not, when to try again."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from chaos_runner.run import sentences
from chaos_runner.run.conditions import tripped
from chaos_runner.run.events import Phase
from chaos_runner.run.run import Run
from chaos_runner.run.tally import Tally

DEFERRED: Final = "V110"
_SECOND: Final = timedelta(seconds=1)


class GateResult(StrEnum):
    """Open; closed for now, try again later; closed."""

    PASS = "pass"  # noqa: S105 -- no password
    DEFER = "defer"
    DENY = "deny"


class GateAnswer(Struct, frozen=True, kw_only=True):
    """What one gate said. `read` is in words; `again` is when to ask it again, in whole seconds, where it defers."""

    number: int
    name: str
    result: GateResult
    read: str
    again: datetime | None = None

    @property
    def again_words(self) -> str:
        """When to try again, as people write it: "2026-11-20 11:12:10 UTC". Empty where nobody said."""
        return f"{self.again:%Y-%m-%d %H:%M:%S} UTC" if self.again else ""


def gate_answers(run: Run) -> Iterator[GateAnswer]:
    """What each gate that was asked said, in the order of the plan."""
    for number in run.plan.gates:
        if any(run.tally(number, phase).readings for phase in Phase):
            yield gate_answer(run, number)


def gate_answer(run: Run, number: int, phase: Phase | None = None) -> GateAnswer:
    """What the gate of that number said in a phase, or in the whole run: closed, if it ever was.

    One that could not be read denies, whatever its author says: nobody knows what it would have said.
    """
    gate = run.plan.gate(number)
    phases = (phase,) if phase else (Phase.BEFORE, Phase.DURING)
    shut = next((phase for phase in phases if _is_shut(run, number, phase)), None)
    tally = run.tally(number, shut or _latest(run, number, phases))
    read = sentences.read_words(gate.probe, tally) if was_read(tally) else tally.doubt or tally.note or "no answer"
    if shut is None:
        return GateAnswer(number=number, name=gate.probe.name, result=GateResult.PASS, read=read)
    if gate.defer_s is None or not was_read(tally):
        return GateAnswer(number=number, name=gate.probe.name, result=GateResult.DENY, read=read)
    return GateAnswer(number=number, name=gate.probe.name, result=GateResult.DEFER, read=read,
                      again=_moment(run, tally.bad_until_t + gate.defer_s))


def was_read(tally: Tally) -> bool:
    """Whether the gate gave an answer that its condition could be held against."""
    return tally.last is not None and not tally.doubt and not tally.blind


def again_at(run: Run) -> datetime | None:
    """When to try again a run that nothing but gates that defer has kept from its first fault; None for any other."""
    if run.ended is None or any(reason.code != DEFERRED for reason in run.ended.reasons):
        return None
    closed = [answer for answer in gate_answers(run) if answer.result is not GateResult.PASS]
    return max((answer.again for answer in closed if answer.again), default=None)


def _is_shut(run: Run, number: int, phase: Phase) -> bool:
    """Before anything begins one look is enough; later it takes what ends a run."""
    probe, tally = run.plan.watched[number], run.tally(number, phase)
    if not tally.readings:
        return False
    if phase is Phase.BEFORE:
        return tally.unknown or tally.breached(probe)
    return tripped(probe, tally) or bool(tally.doubt) or tally.blind


def _latest(run: Run, number: int, phases: Sequence[Phase]) -> Phase:
    return next((phase for phase in reversed(phases) if run.tally(number, phase).readings), phases[0])


def _moment(run: Run, t: float) -> datetime:
    """A moment of the run, as the next whole second of wall time."""
    moment = datetime.fromisoformat(run.plan.started) + timedelta(seconds=t)
    whole = moment.replace(microsecond=0)
    return whole if whole == moment else whole + _SECOND
