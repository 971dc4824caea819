"""How long the loop waits, and for what."""

from typing import Final

from chaos_runner.contracts import UNDO_S
from chaos_runner.run import commands as co
from chaos_runner.run.commands import Command
from chaos_runner.run.events import Stage
from chaos_runner.run.run import Run

GRACE_S: Final = 2.0
"""How long a step that cannot be cut is waited for once everything else is undone."""
TIE_S: Final = 0.001
UNDO_RETRY_S: Final = 0.5
REREAD_S: Final = 1.0
"""How long a single-shot probe that does not hold after the undo is left alone before it is read again."""
VERB_LATE_S: Final = 60.0
"""After this a prepare or an apply that has not come back counts as refused or failed."""
CONTROL_LATE_S: Final = 5.0
"""How long a control is waited for while undoing and afterwards. After that no control is called any more."""
AFTERMATH_LATE_S: Final = 10.0
"""How long a look at what became of a target may take, and how long letting go of it. Then it is left out."""
READING_LATE_S: Final = 600.0
"""After this a single-shot probe that has not come back gave no answer. Chaos Toolkit waits for ever."""
SETTLE_S: Final = 5.0
"""How long an apply that raised may still land: after it, its act is undone and looked at once more."""

_MAY_HANG: Final = (co.Check, co.Prepare, co.Look, co.Apply, co.Read, co.Control, co.Trip, co.LookBack,
                    co.LetGo)


def undo_late_s(run: Run, entry: str) -> float:
    """After this an undo, or a look back, that has not ended counts as failed: what its fault says, or its inverse."""
    key = run.entries[entry].step
    known = run.plan.cards.get(key) or run.plan.step(key).known
    return known.undo_s if known else UNDO_S


def may_hang(command: Command) -> bool:
    """Whether it calls foreign code, and is given up after its time."""
    return isinstance(command, _MAY_HANG)


def late_s(run: Run, command: Command) -> float:
    """A sampled probe is late when it is blind; a single-shot one may be a long wait of its author's."""
    if isinstance(command, co.LookBack | co.LetGo):
        return AFTERMATH_LATE_S
    if isinstance(command, co.Control):
        return CONTROL_LATE_S if run.stage.place >= Stage.UNDOING.place else READING_LATE_S
    if not isinstance(command, co.Read):
        return VERB_LATE_S
    probe = run.plan.watched[command.probe]
    waits = probe.every_s is None and command.probe not in run.plan.gates
    return READING_LATE_S if waits else probe.missing_for_s
