"""`chaos-runner daemon`"""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from chaos_runner.cli.daemon_options import Where, duration_s, where_options
from chaos_runner.cli.ink import err_ink
from chaos_runner.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from chaos_runner.daemon.serving import Word
    from chaos_runner.ledger.daemons import Daemon as Me
    from chaos_runner.notify.notice import Notice

_WORRYING: Final = frozenset({"breach", "stopped", "missed", "not-restored", "paused", "broken", "unreachable"})


@click.command()
@click.argument("places", nargs=-1, type=click.Path(path_type=Path), metavar="[PLACE…]")
@where_options
@click.option("--at-once", type=click.IntRange(1, 1000), default=8, show_default=True, metavar="N",
              help="How many runs it has under way at most.")
@click.option("--drain", default="5m", show_default=True, metavar="DURATION",
              help="How long runs may take to end when it is told to leave, before they are stopped and undone.")
def command(places: tuple[Path, ...], where: Where, at_once: int, drain: str) -> None:
    """Run what the schedules say, when they say it, until told to leave.

    PLACE is a folder of schedules, or a schedule's file; without one it is the nearest folder `schedules`. Files are
    read again when they change. Each run is a process of its own, with a watchdog of its own. SIGTERM and Ctrl-C drain:
    nothing new is started, and what runs may end; the second stops and undoes it. SIGHUP reads the files again.

    A daemon that died leaves its runs to the next one: what is alive is followed to its end, what is dead is undone
    and recorded as interrupted, and nothing is injected twice.
    """
    from chaos_runner.clock import SystemClock
    from chaos_runner.daemon.book import Book
    from chaos_runner.daemon.daemon import Daemon
    from chaos_runner.daemon.delivering import Deliverer
    from chaos_runner.daemon.files import Files
    from chaos_runner.daemon.parts import Parts
    from chaos_runner.daemon.serving import Service, Word
    from chaos_runner.daemon.telling import Telling
    from chaos_runner.launchers.local import LocalProcesses
    from chaos_runner.ledger.ledger import database as url_of
    from chaos_runner.ledger.ledger import open_ledger
    from chaos_runner.report.folders import reports_folder

    folder, drain_s = reports_folder(where.reports).absolute(), duration_s("--drain", drain)
    files = Files(places or _nearest())
    url = url_of(where.database, folder)
    ledger = open_ledger(url)
    telling = Telling(ledger)

    def tell(connection: "Connection", notices: "Sequence[Notice]") -> None:
        telling.tell(connection, notices)
        for notice in notices:
            _line(notice.at, str(notice.kind), notice.sentence)

    parts = Parts(ledger=ledger, clock=SystemClock(), launcher=LocalProcesses(folder), me=_me(), tell=tell,
                  learn=telling.learn, places=at_once)
    deliverer = Deliverer(url, lambda: telling.channels, lambda text: _say(Word.TELLING, text))
    deliverer.start()
    try:
        Service(Daemon(parts, Book()), ledger, files, _say).run(parts.clock, drain_s)
    finally:
        deliverer.close()
        ledger.close()


def _nearest() -> Sequence[Path]:
    from chaos_runner.schedule.loading import FOLDER, folder_above

    folder = folder_above(Path.cwd())
    if folder is None:
        raise UsageError(f"there is no folder {FOLDER} here or above: name one")
    return [folder]


def _me() -> "Me":
    from chaos_runner.clock import SystemClock, rfc3339
    from chaos_runner.ledger.daemons import Daemon as Me
    from chaos_runner.plan.build import new_run_id

    now = SystemClock().now()
    host = os.uname().nodename
    return Me(daemon=f"{host}-{new_run_id(now)[-6:]}", host=host, pid=os.getpid(), started=rfc3339(now))


def _say(word: "Word", text: str) -> None:
    from chaos_runner.clock import SystemClock, rfc3339

    _line(rfc3339(SystemClock().now()), str(word), text)


def _line(at: str, word: str, text: str) -> None:
    from chaos_runner.experiment.complaints import escaped

    ink = err_ink()
    shown = datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M:%SZ")
    said = ink.yellow(f"{word:<12}") if word in _WORRYING else ink.bold(f"{word:<12}")
    click.echo(f"{ink.dim(shown)}  {said} {escaped(text)}", err=True)
