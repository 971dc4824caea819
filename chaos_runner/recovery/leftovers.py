"""Processes that a dead runner's steps have started and that still run: they may go on to do harm."""

from chaos_runner.engine.activities import RUN_VARIABLE, STEP_VARIABLE
from chaos_runner.run.run import Run
from chaos_runner.targets.host import end, with_environment


def end_processes_of(run: Run) -> None:
    """Ends what the steps that were under way have started. What a step that had ended left running was its purpose."""
    for key, step in run.steps.items():
        if step.began_t is not None and (step.ended_t is None or step.abandoned):
            end(with_environment({RUN_VARIABLE: run.plan.run, STEP_VARIABLE: key}))
