"""The gates of a schedule, for a run that is started in its name."""

from pathlib import Path

import click
from msgspec import structs

from chaos_runner import wiring
from chaos_runner.cli.complained import Complained
from chaos_runner.cli.ink import err_ink
from chaos_runner.errors import UsageError
from chaos_runner.experiment.model import Gate, Safeguards

option = click.option("--gates", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                      help="Ask the gates of this schedule as well.")


def with_gates(request: wiring.Request, file: Path | None) -> wiring.Request:
    """The request, narrowed by the gates of a schedule's file. Leaves with exit code 2 and every complaint when that
    cannot be followed. Raises UsageError.
    """
    if file is None:
        return request
    held = request.wishes.surroundings
    added = held.added.and_also(Safeguards(gates=_gates_of(file)))
    wishes = structs.replace(request.wishes, surroundings=structs.replace(held, added=added))
    return structs.replace(request, wishes=wishes)


def _gates_of(file: Path) -> tuple[Gate, ...]:
    from chaos_runner.experiment.complaints import render
    from chaos_runner.experiment.document import parse
    from chaos_runner.schedule.reading import schedule

    try:
        document = parse(file.read_bytes(), str(file))
    except OSError as problem:
        raise UsageError(f"--gates {file}: {problem.strerror}") from problem
    found, findings = schedule(document)
    if findings:
        click.echo(render(findings, {str(file): document.text}, color=err_ink().on), err=True)
    if found is None:
        raise Complained(findings)
    return tuple(structs.replace(gate, source=f'the schedule "{found.name}"') for gate in found.gates)
