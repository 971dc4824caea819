"""Binding a run to what somebody has seen: a plan in a file, or the screen that was just said yes to."""

import sys
from pathlib import Path

import click
from msgspec import structs

from chaos_runner import wiring
from chaos_runner.cli.ink import err_ink
from chaos_runner.cli.screen import lines
from chaos_runner.cli.wrapping import width_of
from chaos_runner.errors import Refused, UsageError
from chaos_runner.plan.survey import Survey
from chaos_runner.plan.written import PlanFile, check_same, read_plan


def read_plan_file(path: Path) -> PlanFile:
    """The plan in that file. Raises UsageError."""
    try:
        return read_plan(path.read_bytes(), str(path))
    except OSError as problem:
        raise UsageError(f"--plan {path}: {problem.strerror}") from problem


def bound_to(plan: PlanFile, request: wiring.Request) -> wiring.Request:
    """The request, which will hit those in the plan and nobody else. Raises Refused when it is for something else."""
    wishes = structs.replace(request.wishes, seed=plan.seed, planned=plan.planned)
    bound = structs.replace(request, wishes=wishes)
    check_same(plan, wiring.surveyed(structs.replace(bound, wishes=structs.replace(wishes, planned=None))).plan)
    return bound


def agreed(request: wiring.Request, *, yes: bool) -> wiring.Request:
    """The request, once it is seen that nobody needs to be asked, or somebody has said yes. Raises Refused."""
    found = wiring.surveyed(request)
    if not found.asks or found.refusals:  # what is refused is told by the run, and recorded with it
        return request
    click.echo("\n".join([*lines(found, err_ink(), width_of(sys.stderr)), ""]), err=True)
    if not yes:
        _ask(found)
    wishes = structs.replace(request.wishes, seed=found.plan.seed, planned=found.planned)
    return structs.replace(request, wishes=wishes)


def _ask(found: Survey) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(f"somebody has to say yes first ({found.asks}): look at the plan, and run with --yes")
    if not click.confirm("Go on?", default=False, err=True):
        raise Refused("not confirmed; nothing was touched")
