"""The daemon, one turn at a time. A turn never waits: whoever turns it (`serving`) waits for something to happen.

Everything it does to the world is in the table first: a row is claimed in one turn, said to be running in the next, and
then its process is started. So whoever finds the table after a death knows what may have been started, and what cannot
have been. What a turn has to write is written in one transaction, as a commit costs more than all the rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import structs
from sqlalchemy import Connection

from chaos_runner.clock import rfc3339
from chaos_runner.daemon import deciding, ending, runs, told
from chaos_runner.daemon.book import GRACE, Book, Due, Planned
from chaos_runner.daemon.following import Following
from chaos_runner.daemon.parts import Parts, Work
from chaos_runner.launchers.local import Order
from chaos_runner.ledger import daemons, occurrences, pauses
from chaos_runner.ledger.occurrences import HOLDING, Row, State
from chaos_runner.notify.notice import Notice
from chaos_runner.plan.build import new_run_id
from chaos_runner.recovery.phase import Phase, keep_from_starting, phase

LOOK_S: Final = 1.0
"""How often it looks at what others may have asked for, and at runs that are not its own children."""
WAITING: Final = (State.ASKED, State.QUEUED, State.DEFERRED)


class Daemon:
    """Starts what is due, and writes down what becomes of it."""

    def __init__(self, parts: Parts, book: Book) -> None:
        self.book: Final = book
        self._parts = parts
        self._ledger = parts.ledger
        self._me = parts.me
        self._known: dict[str, Planned] = {}
        self._due: list[Due] = []
        self._claimed: dict[tuple[str, str], Row] = {}
        """Rows that are its own and are to be started: the next turn says that they run."""
        self._work: dict[tuple[str, str], Work] = {}
        self._following = Following(parts.launcher.reports)
        self._look_at_s = 0.0
        self._beat_at_s = 0.0
        self._somebody_waits = False
        self.draining = False

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return self._me.daemon

    @property
    def busy(self) -> bool:
        """Whether runs of its own are under way, or about to be."""
        return bool(self._work or self._claimed)

    @property
    def at_hand(self) -> bool:
        """Whether the next turn has something to do, whatever time it is by then."""
        return bool(self._claimed)

    def join(self) -> None:
        """Says that it is at work from now on. Raises LedgerUnreachable."""
        with self._ledger.transaction() as connection:
            daemons.join(self._ledger, connection, self._me)

    def leave(self) -> None:
        """Says that it is not any more. Raises LedgerUnreachable."""
        with self._ledger.transaction() as connection:
            daemons.leave(connection, self._me.daemon)

    def learn(self, planned: Iterable[Planned], since: Mapping[str, datetime]) -> None:
        """Goes by these schedules from now on. Those that are on are in the book; the others can only be asked for."""
        self._known = {one.schedule.name: one for one in planned}
        self._parts.learn(self._known.values())
        self.book.rewrite([one for one in self._known.values() if one.schedule.enabled], since)

    def turn(self) -> None:
        """Does whatever there is to do now. Raises LedgerUnreachable."""
        now = self._parts.clock.now()
        ended = self._what_has_ended()
        due = [] if self.draining else self._what_is_due(now)
        if ended or due or self._claimed:
            self._go_on(ended, due, now)
        self.book.turn_pages()
        if self._parts.clock.monotonic_s() >= self._look_at_s:
            self._look_around()

    def drain(self) -> None:
        """Starts nothing from now on. What is claimed, and was not started, is left to whoever comes next."""
        self.draining = True
        self._claimed = {}

    @property
    def idle(self) -> bool:
        """Whether no process of its own is alive, be it written down or not."""
        return all(work.process.exit_code is not None for work in self._work.values())

    def stop_all(self, why: str) -> None:
        """Stops and undoes all that is under way. Raises LedgerUnreachable, when all have been asked to."""
        self._stop(dict.fromkeys(self._work, why))

    # ── what is due ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _what_is_due(self, now: datetime) -> list[tuple[Due, Row]]:
        """All that is due and has not been settled, each with its row as its schedule alone would have it."""
        self._due += self.book.pop(now)
        return [(due, deciding.judged(due, now)) for due in self._due]

    def _go_on(self, ended: Sequence[Row], due: Sequence[tuple[Due, Row]], now: datetime) -> None:
        """Writes down what has ended and what is about to run, and claims what is due. Then starts what is to run."""
        about_to_run = [self._about_to_run(row, now) for row in self._claimed.values()]
        free = max(0, self._places_left + len(ended))
        with self._ledger.transaction() as connection:
            written = self._settle(connection, [*ended, *about_to_run], now)
            put, later = self._claim(connection, due, free, now) if due else ([], [])
        self._due = later
        self._claimed = {row.key: row for row in put if row.state is State.CLAIMED}
        self._let_go(ended)
        for row in written:
            if row.state is State.RUNNING:
                self._launch(row)

    def _about_to_run(self, row: Row, now: datetime) -> Row:
        """Unless the database gave no answer for so long that nobody expects it any more."""
        if now - datetime.fromisoformat(row.claimed) > GRACE:
            return ending.never_started(row, "the database gave no answer when it was to be started")
        return structs.replace(row, state=State.RUNNING, began=rfc3339(now), run=new_run_id(now))

    def _claim(self, connection: Connection, due: Sequence[tuple[Due, Row]], free: int,
               now: datetime) -> tuple[list[Row], list[Due]]:
        """Puts rows of what is due, and gives those that were new, and what there is no free place for."""
        taken = occurrences.known(connection, [row.key for _, row in due])
        ready, later = deciding.in_order([(one, row) for one, row in due if row.key not in taken], free)
        wanted = [(one.planned, row) for one, row in ready if row.state is State.CLAIMED]
        final = [row for _, row in ready if row.state is not State.CLAIMED]
        put = [*final, *self._decided(connection, wanted, now)]
        occurrences.put(connection, put)
        self._parts.tell(connection, told.of_rows(put, now))
        return put, later

    def _decided(self, connection: Connection, fresh: Sequence[tuple[Planned, Row]], now: datetime) -> list[Row]:
        """What becomes of rows that are to be claimed, and are nobody's yet."""
        if not fresh:
            return []
        moment = self._moment(connection, occurrences.in_states(connection, occurrences.OPEN), now)
        found: list[Row] = []
        for planned, row in fresh:
            decided = deciding.hindered(row, planned, moment) or self._mine(row, moment.at)
            for old in deciding.to_replace(decided, planned, moment.field):
                occurrences.ask_to_stop(connection, old, deciding.REPLACED)
            self._somebody_waits = self._somebody_waits or decided.state in WAITING
            found.append(decided)
            moment.field.add(decided)
        return found

    def _moment(self, connection: Connection, there: Sequence[Row], now: datetime) -> deciding.Moment:
        return deciding.Moment(now=now, pauses=pauses.in_force(connection, rfc3339(now)), field=deciding.Field(there))

    def _mine(self, row: Row, at: str) -> Row:
        return structs.replace(row, state=State.CLAIMED, daemon=self._me.daemon, host=self._me.host, claimed=at,
                               run="", again="", why="", reason="")

    @property
    def _places_left(self) -> int:
        return self._parts.places - len(self._work) - len(self._claimed)

    def _launch(self, row: Row) -> None:
        planned = self._known.get(row.schedule)
        gates = planned.schedule.file if planned and planned.schedule.gates else ""
        try:
            process = self._parts.launcher.start(
                Order(run=row.run, file=row.experiment, env=row.env, schedule_file=gates))
        except OSError as problem:
            why = f"it could not be started: {problem.strerror}"
            self._settle_alone(ending.without_outcome(row, 3, why, self._now))
        else:
            self._work[row.key] = Work(row=row, process=process)

    # ── what has ended ──────────────────────────────────────────────────────────────────────────────────────────────

    def _what_has_ended(self) -> list[Row]:
        over = [work for work in self._work.values() if work.process.exit_code is not None]
        return [row for work in over if (row := self._ended(work))]

    def _ended(self, work: Work) -> Row | None:
        """What its row is now. None when it has to be recovered first."""
        row, folder = work.row, self._folder(work.row)
        far = phase(folder)
        if far is Phase.LIVES:  # the watchdog is at it
            return None
        if far is Phase.DEAD and not work.recovering:
            self._recover(work)
            return None
        found = runs.outcome(folder)
        if found is None:
            said = self._parts.launcher.said(row.run)
            return ending.without_outcome(row, work.process.exit_code or 0, said, self._now)
        by = self._me.daemon if work.recovering else row.recovered_by
        return structs.replace(ending.ended(row, found, self._now), recovered_by=by)

    def _recover(self, work: Work) -> None:
        with suppress(OSError):  # then the next turn tries again
            work.process = self._parts.launcher.recover(work.row.run, f"the daemon {self._me.daemon}")
            work.recovering = True

    def _settle(self, connection: Connection, rows: Sequence[Row], now: datetime) -> list[Row]:
        """Writes down what became of rows of ours, with what follows from it: who is told, and what is paused. Gives
        those that still were ours.
        """
        written = occurrences.change(connection, rows, self._me.daemon)
        if written:
            over = [row for row in written if row.state is not State.RUNNING]
            self._parts.tell(connection, [*self._following.look(over), *told.of_rows(written, now),
                                          *self._pause(connection, over, now)])
        return written

    def _let_go(self, rows: Sequence[Row]) -> None:
        """Of work that is written down as over."""
        self._following.forget(rows)
        for row in rows:
            self._work.pop(row.key, None)
            if self._somebody_waits:  # it may have waited for this
                self._look_at_s = 0.0

    def _settle_alone(self, row: Row) -> None:
        with self._ledger.transaction() as connection:
            self._settle(connection, [row], self._parts.clock.now())
        self._let_go([row])

    def _pause(self, connection: Connection, rows: Sequence[Row], now: datetime) -> list[Notice]:
        found = []
        for row in rows:
            planned = self._known.get(row.schedule)
            most = ending.failures_allowed(planned) if planned else 0
            if most and row.state is State.RAN and row.verdict in ending.FAILED:
                pause = ending.pause_after(most, occurrences.ran(connection, row.schedule, most), rfc3339(now))
                if pause and pauses.pause(connection, pause):
                    found.append(told.of_pause(pause, row, now))
        return found

    # ── what others do ──────────────────────────────────────────────────────────────────────────────────────────────

    def _look_around(self) -> None:
        """Says that it lives, takes over from the dead, and sees to what waits and what is to be stopped."""
        self._look_at_s = self._parts.clock.monotonic_s() + LOOK_S
        now = self._parts.clock.now()
        with self._ledger.transaction() as connection:
            self._say_that_it_lives(connection)
            there = occurrences.in_states(connection, occurrences.OPEN)
            inherited = self._inherit(connection, there, now)
            waited = [] if self.draining else self._waiting(connection, there, now)
        for row in inherited:
            if row.state is State.RUNNING:
                self._work[row.key] = Work(row=row, process=self._parts.launcher.adopt(row.run))
        self._claimed |= {row.key: row for row in (*inherited, *waited) if row.state is State.CLAIMED}
        self._stop_what_must(there, now)
        self._tell_what_runs_say()

    def _say_that_it_lives(self, connection: Connection) -> None:
        if self._parts.clock.monotonic_s() < self._beat_at_s:
            return
        self._beat_at_s = self._parts.clock.monotonic_s() + daemons.BEAT_S
        state = "draining" if self.draining else "working"
        if not daemons.beat(self._ledger, connection, structs.replace(self._me, state=state)):
            daemons.join(self._ledger, connection, self._me)  # it slept, and others took it for dead
        daemons.bury_the_dead(self._ledger, connection)

    def _inherit(self, connection: Connection, there: Sequence[Row], now: datetime) -> list[Row]:
        """Takes over rows of daemons that are dead: those of this machine, and those whose time is long over. And rows
        of ours that we know nothing of, since the database gave no answer when they were written.
        """
        living = {one.daemon for one in daemons.living(self._ledger, connection)}
        ours = self._work.keys() | self._claimed.keys()
        orphans = [row for row in there if row.state in HOLDING and row.key not in ours
                   and not (self.draining and row.state is State.CLAIMED)
                   and (row.daemon not in living or row.daemon == self._me.daemon) and self._can_see(row)]
        for dead in {row.daemon for row in orphans}:
            mine = [structs.replace(row, daemon=self._me.daemon) for row in orphans if row.daemon == dead]
            occurrences.change(connection, mine, dead)
        taken_up = [self._taken_up(structs.replace(row, daemon=self._me.daemon), now) for row in orphans]
        self._settle(connection, [row for row in taken_up if row.state not in HOLDING], now)
        return [row for row in taken_up if row.state in HOLDING]

    def _can_see(self, row: Row) -> bool:
        long_over = datetime.fromisoformat(row.ends or row.starts) + timedelta(minutes=10) < self._parts.clock.now()
        return row.state is State.CLAIMED or row.host == self._me.host or self._folder(row).is_dir() or long_over

    def _taken_up(self, row: Row, now: datetime) -> Row:
        """What becomes of the row of a dead daemon. What was only claimed has started nothing, and may still run."""
        if row.state is State.CLAIMED and now - datetime.fromisoformat(row.starts) <= GRACE:
            return self._mine(row, rfc3339(now))
        if row.state is State.CLAIMED:
            return ending.never_started(row, "its daemon died before it was started")
        if phase(self._folder(row)) is not Phase.NOWHERE:
            return row
        if row.host != self._me.host:
            return ending.out_of_sight(row, rfc3339(now))
        return ending.never_seen(row, rfc3339(now)) if keep_from_starting(self._folder(row)) else row

    def _waiting(self, connection: Connection, there: list[Row], now: datetime) -> list[Row]:
        """Rows that waited and may begin now: they are claimed."""
        self._somebody_waits = any(one.state in WAITING for one in there)
        waiting = [one for one in there if one.state in WAITING and one.again <= rfc3339(now)]
        if not waiting:
            return []
        moment = self._moment(connection, there, now)
        claimed: list[Row] = []
        for row in waiting:
            after = deciding.waited_too_long(row, now)
            if after is None and len(claimed) < self._places_left:
                after = self._next_of(row, moment)
            if after and after != row:
                occurrences.change(connection, [after], row.daemon)
                self._parts.tell(connection, told.of_rows([after], now))
                moment.field.add(after)
                claimed += [after] if after.state is State.CLAIMED else []
        return claimed

    def _next_of(self, row: Row, moment: deciding.Moment) -> Row | None:
        planned = self._known.get(row.schedule)
        if planned is None:
            return None
        unfit = planned.invalid or deciding.no_longer_fits(planned, moment.now)
        if unfit:
            return structs.replace(row, state=State.SKIPPED, why="does-not-fit", reason=unfit)
        ends = rfc3339(moment.now + timedelta(seconds=planned.schedule.longest_s))
        return deciding.hindered(row, planned, moment) or structs.replace(self._mine(row, moment.at), ends=ends)

    def _tell_what_runs_say(self) -> None:
        """What stands in the journals of runs under way, and was not told yet."""
        rows = [work.row for work in self._work.values()]
        notices = self._following.look(rows)
        if notices:
            with self._ledger.transaction() as connection:
                self._parts.tell(connection, notices)
            self._following.told(rows)

    def _stop_what_must(self, there: Iterable[Row], now: datetime) -> None:
        """Runs that somebody wants stopped, and those whose hours are over."""
        why = {row.key: row.stop for row in there if row.stop}
        for key, work in self._work.items():
            planned = self._known.get(work.row.schedule)
            closed = deciding.hours_are_over(planned, work.row, now) if planned else ""
            if closed:
                why.setdefault(key, closed)
        self._stop(why)

    def _stop(self, why: Mapping[tuple[str, str], str]) -> None:
        """Asks runs to stop, each once, and then writes down why."""
        asked = [work for key, work in self._work.items() if key in why and not work.asked_to_stop | work.recovering]
        for work in asked:
            work.asked_to_stop = True
            work.row = structs.replace(work.row, stop=why[work.row.key])
            work.process.stop()
        if asked:
            now = self._parts.clock.now()
            with self._ledger.transaction() as connection:
                occurrences.change(connection, [work.row for work in asked], self._me.daemon)
                self._parts.tell(connection, [told.of_stop(work.row, work.row.stop, now) for work in asked])

    def _folder(self, row: Row) -> Path:
        return self._parts.launcher.reports / "runs" / row.run

    @property
    def _now(self) -> str:
        return rfc3339(self._parts.clock.now())
