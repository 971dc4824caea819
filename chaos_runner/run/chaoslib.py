"""What chaoslib would say of a run: its status, and whether it deviated. Read from chaoslib's run.py, 1.44."""

from typing import Final

from chaos_runner.run.events import Stage, StopKind
from chaos_runner.run.run import Run

INTERRUPTING: Final = (StopKind.SIGNAL, StopKind.ASKED, StopKind.DIED, StopKind.CONTROL, StopKind.STEP_LEFT)
_HARSHLY: Final = "SIGUSR2"


def forbids_rollbacks(run: Run) -> bool:
    """Whether chaoslib's `exit_ungracefully` ended the run: then no rollback is run, whatever was asked."""
    return run.stop is not None and run.stop.text.endswith(_HARSHLY)


def status(run: Run) -> str:
    """completed, failed, aborted or interrupted. Of the hypothesis the reading after the method has the last word."""
    if run.stop:
        return _stopped(run.stop.kind)
    for stage in (Stage.READING, Stage.BEFORE):
        said = run.said.get(stage)
        if said and not said.met:
            return "failed" if said.raised else "completed"
    method = run.said.get(Stage.METHOD)
    return "failed" if method and method.failed_fast else "completed"


def _stopped(kind: StopKind) -> str:
    if kind is StopKind.FAIL_FAST:
        return "failed"
    return "interrupted" if kind in INTERRUPTING else "aborted"


def deviated(run: Run) -> bool:
    """Whether the hypothesis did not hold after the method."""
    after = run.said.get(Stage.READING)
    return after is not None and not after.met
