"""Reading the probes of the hypothesis that are read at certain moments only."""

from chaos_runner.run import commands as co
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.turn import Turn


def read_hypothesis(turn: Turn, name: str, phase: Phase) -> bool:
    """Reads the single-shot probes once, in file order. True when this reading is over.

    All of them are read before and after the method; in a round, and by chaoslib's rules, only to the first that fails.
    """
    probes = turn.run.plan.single_shot
    if not probes or not turn.heard(co.Control("hypothesis", "before", "", name)):
        return not probes
    brief = turn.run.plan.manner.chaoslib or turn.run.stage is Stage.METHOD
    for number in probes:
        if brief and name in turn.run.pending.broken and f"{name}:{number}" not in turn.run.pending.begun:
            break
        if not _read_one(turn, name, co.Read(number, phase)):
            return False
    return turn.heard(co.Control("hypothesis", "after", "", name))


def _read_one(turn: Turn, name: str, read: co.Read) -> bool:
    """Reads one probe with the controls around it, unless the run is a dry one. True when that is done."""
    key, subject = f"{name}:{read.probe}", f"p{read.probe}"
    if key not in turn.run.pending.begun:
        if not turn.heard(co.Control("activity", "before", subject, name)):
            return False
        turn.pend(begun={**turn.run.pending.begun, key: name}, reading=name)
        if turn.run.plan.is_called(turn.run.plan.probes[read.probe]):
            turn.ask(read)
    return not turn.asked(read.key) and turn.heard(co.Control("activity", "after", subject, name))


def read_next(turn: Turn, probes: list[int], phase: Phase) -> bool:
    """Reads the first of these probes that has no reading in the phase. True while one is unread or under way."""
    for number in probes:
        if not turn.run.tally(number, phase).readings:
            if not turn.asked(f"read:{number}"):
                turn.ask(co.Read(number, phase))
            return True
    return False
