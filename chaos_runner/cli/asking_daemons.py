"""What `chaos-runner schedule pause|resume|run-now|log` and `check --alive` ask of the daemons' table."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from chaos_runner.cli.daemon_options import Where
from chaos_runner.clock import SystemClock, rfc3339
from chaos_runner.daemon.book import Planned
from chaos_runner.daemon.deciding import grounds_json, no_longer_fits
from chaos_runner.errors import Refused
from chaos_runner.ledger import daemons, occurrences, pauses
from chaos_runner.ledger.ledger import Ledger, database, open_ledger
from chaos_runner.ledger.occurrences import Row, State
from chaos_runner.ledger.pauses import Pause, Scope
from chaos_runner.plan.build import new_run_id, origin
from chaos_runner.report.folders import reports_folder

_LEFT: Final = ("not-restored", "unknown")


@contextmanager
def ledger_at(where: Where) -> Iterator[Ledger]:
    """The daemons' table. Raises UsageError, LedgerUnreachable."""
    ledger = open_ledger(database(where.database, reports_folder(where.reports).absolute()))
    try:
        yield ledger
    finally:
        ledger.close()


def me() -> str:
    """Who asks."""
    who = origin()
    return f"{who.user} on {who.host}"


def now() -> str:
    """The time, as the table has it."""
    return rfc3339(SystemClock().now())


def pause(ledger: Ledger, scope: Scope, name: str, *, why: str, until: str) -> Pause:
    """Pauses until somebody resumes it, or until then."""
    wanted = Pause(pause=new_run_id(SystemClock().now()), scope=scope, name=name, by=me(), why=why, since=now(),
                   until=until)
    with ledger.transaction() as connection:
        pauses.pause(connection, wanted)
    return wanted


def resume(ledger: Ledger, scope: Scope, name: str) -> int:
    """Lifts the pauses of that very name."""
    with ledger.transaction() as connection:
        return pauses.lift(connection, scope, name, by=me(), now=now())


def paused(ledger: Ledger) -> list[Pause]:
    """What is paused now."""
    with ledger.transaction() as connection:
        return pauses.in_force(connection, now())


def run_now(ledger: Ledger, planned: Planned) -> Row:
    """Asks the daemons to run a schedule now, once. Raises Refused when it may not, or none is at work."""
    moment = SystemClock().now()
    unfit = no_longer_fits(planned, moment)
    if unfit:
        raise Refused(f"{planned.schedule.name} may not run now: {unfit}")
    schedule, at = planned.schedule, rfc3339(moment)
    row = Row(schedule=schedule.name, due=at, starts=at, state=State.ASKED, experiment=schedule.experiment,
              ends=rfc3339(moment + timedelta(seconds=schedule.longest_s)), env=schedule.env, asked_by=me(),
              grounds=grounds_json(planned.grounds))
    with ledger.transaction() as connection:
        if not daemons.living(ledger, connection):
            raise Refused(f"no daemon is at work: chaos-runner run {schedule.experiment}, or start chaos-runner daemon")
        occurrences.put(connection, [row])
    return row


def log(ledger: Ledger, names: Sequence[str], limit: int) -> list[Row]:
    """What became of the last due times, the newest first."""
    with ledger.transaction() as connection:
        return occurrences.latest(connection, names, limit)


def troubles(ledger: Ledger, within_s: float) -> list[str]:
    """What a monitor should know: that nobody is at work, and what went wrong lately."""
    since = rfc3339(SystemClock().now() - timedelta(seconds=within_s))
    with ledger.transaction() as connection:
        at_work = daemons.living(ledger, connection)
        lately = [row for row in occurrences.latest(connection, (), 1000) if row.due >= since]
        stuck = [row for row in occurrences.in_states(connection, [State.RUNNING]) if row.ends < since]
    found = [] if at_work else [f"no daemon has been heard for {daemons.LEASE_S:.0f} s"]
    found += [f"{row.schedule} (due {row.due}) was missed: {row.reason}" for row in lately if row.state is State.MISSED]
    found += [f"{row.schedule} (run {row.run}) is {row.restored}" for row in lately if row.restored in _LEFT]
    return found + [f"{row.schedule} (run {row.run}) should be over since {row.ends}" for row in stuck]
