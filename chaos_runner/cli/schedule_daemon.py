"""`chaos-runner schedule log|pause|resume|run-now`, and `check --alive`: what is asked of the daemons' table."""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from msgspec import Struct, structs

from chaos_runner.cli import schedule_files
from chaos_runner.cli.as_json import json_option, print_json
from chaos_runner.cli.daemon_options import Where, duration_s, where_options
from chaos_runner.cli.ink import out_ink
from chaos_runner.cli.schedule_times import until as instant
from chaos_runner.errors import UsageError

if TYPE_CHECKING:
    from chaos_runner.ledger.pauses import Scope



class Meant(Struct, frozen=True, kw_only=True):
    """What a pause is for: names of schedules, a tag, or everything."""

    names: tuple[str, ...]
    tag: str
    everything: bool

    @property
    def scope(self) -> "tuple[Scope, Sequence[str]]":
        """The kind of it, and what is paused of that kind. Raises UsageError unless it is exactly one of the three."""
        from chaos_runner.ledger.pauses import Scope

        if (bool(self.names) + bool(self.tag) + self.everything) != 1:
            raise UsageError("what is meant: names of schedules, --tag TAG, or --all?")
        if self.everything:
            return Scope.ALL, ("",)
        return (Scope.TAG, (self.tag,)) if self.tag else (Scope.SCHEDULE, self.names)


def _meant(tag_help: str, all_help: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds NAMEs, --tag and --all, which the command is given as one: `meant`."""

    def added(command: Callable[..., None]) -> Callable[..., None]:
        @click.argument("names", nargs=-1, metavar="[NAME…]")
        @click.option("--tag", default="", metavar="TAG", help=tag_help)
        @click.option("--all", "everything", is_flag=True, help=all_help)
        @wraps(command)
        def told(*, names: tuple[str, ...], tag: str, everything: bool, **more: Any) -> None:
            command(meant=Meant(names=names, tag=tag, everything=everything), **more)

        return told

    return added


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE…]")
@click.option("--last", type=click.IntRange(1, 100_000), default=20, show_default=True, metavar="N", help="How many.")
@where_options
@json_option
def log(files: tuple[str, ...], *, last: int, where: Where, as_json: bool) -> None:
    """Show what became of the last due times: ran, skipped, missed, each with the reason. The newest stand last."""
    from chaos_runner.cli import asking_daemons as asking
    from chaos_runner.cli import timetable

    names = [Path(file).stem for file in files]
    with asking.ledger_at(where) as ledger:
        rows, pauses = asking.log(ledger, names, last)[::-1], asking.paused(ledger)
    if as_json:
        print_json({"occurrences": rows, "pauses": pauses})
        return
    ink = out_ink()
    for line in timetable.log_lines(rows, ink):
        click.echo(line)
    for pause in pauses:
        click.echo(f"{ink.yellow('paused')}: {pause.what}, {pause.words}")


@click.command()
@_meant("Whatever bears this tag.", "Everything: nothing runs by itself any more.")
@click.option("--why", required=True, metavar="TEXT", help="The reason. It stands with whatever is skipped.")
@click.option("--until", default="", metavar="TIME|DURATION", help="2026-11-23T10:00+01:00, or 2h. Else until resumed.")
@where_options
@json_option
def pause(*, meant: Meant, why: str, until: str, where: Where, as_json: bool) -> None:
    """Keep schedules from running for a while. Their due times are recorded as skipped, with the reason.

    Runs under way go on: `chaos-runner stop` stops them.
    """
    from chaos_runner.cli import asking_daemons as asking

    kind, which = structs.replace(meant, names=tuple(schedule_files.name_of(name) for name in meant.names)).scope
    if not why.strip():
        raise UsageError("--why: a reason, in words")
    with asking.ledger_at(where) as ledger:
        made = [asking.pause(ledger, kind, name, why=why.strip(), until=instant(until)) for name in which]
    if as_json:
        print_json({"paused": made})
    else:
        click.echo("\n".join(f"{one.what}: {one.words}" for one in made))


@click.command()
@_meant("What was paused by this tag.", "What was paused by --all.")
@where_options
@json_option
def resume(*, meant: Meant, where: Where, as_json: bool) -> None:
    """Lift pauses, those that were made by the same name, tag, or --all. Exit code 2 when there is none."""
    from chaos_runner.cli import asking_daemons as asking

    kind, which = meant.scope
    with asking.ledger_at(where) as ledger:
        lifted = {name: asking.resume(ledger, kind, name) for name in which}
        left = asking.paused(ledger)
    if as_json:
        print_json({"resumed": [name for name, count in lifted.items() if count], "pauses": left})
    else:
        for name, count in lifted.items():
            click.echo(f"{name or 'everything'}: {'resumed' if count else 'was not paused'}")
        for one in left:
            click.echo(f"still paused: {one.what}, {one.words}")
    sys.exit(0 if all(lifted.values()) else UsageError.exit_code)


@click.command("run-now")
@click.argument("file", metavar="FILE")
@where_options
@json_option
def run_now(file: str, *, where: Where, as_json: bool) -> None:
    """Ask the daemon to run a schedule now, once, whether or not it is enabled.

    Its hours, blackouts, pauses, gates and locks hold as ever.
    """
    from chaos_runner.cli import asking_daemons as asking
    from chaos_runner.daemon.book import Planned

    [one] = schedule_files.valid(schedule_files.load((file,)))
    assert one.schedule  # noqa: S101 -- it is valid
    planned = Planned(schedule=one.schedule, grounds=one.grounds, production=one.production)
    with asking.ledger_at(where) as ledger:
        row = asking.run_now(ledger, planned)
    if as_json:
        print_json({"occurrence": row})
    else:
        click.echo(f"{row.schedule}: a daemon is asked to run it now; chaos-runner schedule log {row.schedule}")


def check_alive(within: str, where: Where, *, as_json: bool) -> NoReturn:
    """Says what is wrong with the daemons, and leaves: with exit code 5 where anything is."""
    from chaos_runner.cli import asking_daemons as asking

    with asking.ledger_at(where) as ledger:
        troubles = asking.troubles(ledger, duration_s("--within", within))
    if as_json:
        print_json({"alive": not troubles, "troubles": troubles})
    else:
        click.echo("\n".join(troubles) or "a daemon is at work, and nothing was missed or left")
    sys.exit(5 if troubles else 0)
