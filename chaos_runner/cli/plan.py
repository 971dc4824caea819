"""`chaos-runner plan FILE`"""

import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from chaos_runner import wiring
from chaos_runner.cli import gates
from chaos_runner.cli.files import request_from
from chaos_runner.cli.ink import out_ink
from chaos_runner.cli.screen import lines
from chaos_runner.cli.wrapping import width_of
from chaos_runner.errors import Refused, UsageError
from chaos_runner.plan.build import Wishes
from chaos_runner.plan.survey import Survey
from chaos_runner.plan.unmarked import is_thrown_away
from chaos_runner.plan.written import PlanFile, written
from chaos_runner.report.writing import write


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--env", metavar="NAME", default="", help="An environment of chaos.yaml.")
@click.option("--var", multiple=True, metavar="KEY[:TYPE]=VALUE", help="Override a value of the configuration.")
@click.option("--var-file", multiple=True, metavar="FILE", help="Override values of the configuration and secrets.")
@click.option("--seed", type=int, help="Make random selection repeatable.")
@click.option("--rehearse", is_flag=True, help="Plan a rehearsal of the stop rules too.")
@click.option("--allow-unmarked", multiple=True, metavar="FAULT", help="As for run.")
@gates.option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the plan, so that `run --plan FILE` hits nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as one JSON object.")
def command(file: str, *, out: Path | None, as_json: bool, **options: Any) -> None:
    """Show whom an experiment would hit now, how that comes back, and what holds it in. Changes nothing.

    Targets are looked up as a run would, and the rights to act and to undo are checked without acting. Exit code 0 when
    a run could start, 3 when it would be refused.
    """
    wishes = Wishes(seed=options["seed"], rehearse=options["rehearse"], thrown_away=is_thrown_away(os.environ),
                    allow_unmarked=options["allow_unmarked"])
    request = request_from(file, options["env"], wishes, options["var"], options["var_file"])
    found = wiring.surveyed(gates.with_gates(request, options["gates"]))
    kept = written(found)
    if out:
        _keep(kept, out)
    if as_json:
        click.echo(msgspec.json.encode(kept).decode())
    else:
        _show(found)
    if out and not as_json:
        click.echo(f"\nwritten to {out}: chaos-runner run --plan {out}")
    sys.exit(Refused.exit_code if found.refusals else 0)


def _show(found: Survey) -> None:
    click.echo("\n".join(lines(found, out_ink(), width_of(sys.stdout))))


def _keep(kept: PlanFile, out: Path) -> None:
    try:
        write(out, msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
    except OSError as problem:
        raise UsageError(f"--out {out} cannot be written ({problem.strerror})") from problem
