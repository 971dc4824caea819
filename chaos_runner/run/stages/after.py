"""The system is given its time to recover."""

from itertools import chain

from chaos_runner.run import commands as co
from chaos_runner.run.commands import Timer, Wake
from chaos_runner.run.conditions import recovered
from chaos_runner.run.events import Phase, Stage
from chaos_runner.run.patience import REREAD_S
from chaos_runner.run.run import Run
from chaos_runner.run.stages import over
from chaos_runner.run.turn import Turn


def open_stage(turn: Turn) -> None:
    turn.wake_in(turn.run.plan.recovers_within_s, Timer.RECOVERY)


def go_on(turn: Turn) -> None:
    """Sampled probes go on by themselves; single-shot ones are read until they hold."""
    if turn.run.stop or not turn.asked(f"{Timer.RECOVERY}:"):
        over.finish(turn)
        return
    lost = _lost(turn.run)
    if lost is None:
        over.finish(turn)
    elif not turn.run.plan.probes[lost].every_s:
        _read_again(turn, lost)


def looks_after(run: Run) -> bool:
    return run.acted and bool(_looked_at_after(run))


def _looked_at_after(run: Run) -> list[int]:
    """Sampled probes; after an undo single-shot ones too, unless chaoslib's order is asked for."""
    again = run.undid and not run.plan.manner.chaoslib
    return [number for number, probe in enumerate(run.plan.probes)
            if run.plan.measures(number, before=False) and (probe.every_s or again)]


def _lost(run: Run) -> int | None:
    """The number of a probe that does not hold yet: of a single-shot one if there is any, as somebody must read it."""
    probes = run.plan.probes
    single = [number for number, probe in enumerate(probes) if not probe.every_s and run.undid]
    sampled = (number for number, probe in enumerate(probes) if probe.every_s)
    return next((number for number in chain(single, sampled)
                 if not recovered(probes[number], run.tally(number, Phase.AFTER))), None)


def _read_again(turn: Turn, number: int) -> None:
    if turn.asked(f"read:{number}") or turn.asked(f"{Timer.REREAD}:{number}"):
        return
    if turn.run.tally(number, Phase.AFTER).readings:
        turn.wake_in(REREAD_S, Timer.REREAD, str(number))
    else:
        turn.ask(co.Read(number, Phase.AFTER))


def reread(turn: Turn, wake: Wake) -> None:
    if turn.run.stage is Stage.AFTER:
        turn.ask(co.Read(int(wake.subject), Phase.AFTER))
