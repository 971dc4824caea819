"""The experiments of a game day: each is shown, begun when somebody says go, listened to, and its end is told."""

import subprocess
import sys
from pathlib import Path

from chaos_runner.cli.children import Child
from chaos_runner.cli.day import child as running
from chaos_runner.cli.day import screen
from chaos_runner.cli.day.child import Order
from chaos_runner.cli.day.diary import Diary
from chaos_runner.cli.day.table import Table
from chaos_runner.cli.day.talk import HUNG_UP, Leave, Talk
from chaos_runner.cli.ears import Ears
from chaos_runner.errors import UsageError
from chaos_runner.experiment.complaints import escaped
from chaos_runner.gameday import decide, words
from chaos_runner.gameday.events import ItemSkipped, RunBegan
from chaos_runner.gameday.loading import digest_for
from chaos_runner.plan.build import new_run_id
from chaos_runner.recovery.phase import keep_from_starting
from chaos_runner.units import spoken_seconds


class Runs:
    """Begins them, and finds out how they ended."""

    def __init__(self, table: Table, diary: Diary, talk: Talk, ears: Ears) -> None:
        self._table = table
        self._diary = diary
        self._talk = talk
        self._ears = ears
        self._shown: tuple[int, int] = (-1, 0)

    def offer(self, item: int) -> None:
        """Shows whom it would hit, and waits for a go. A file that was changed since is told before that. Raises Leave.
        """
        changed = self._is_changed(item)
        if not self._table.attended:
            self._unasked(item, changed=changed)
            return
        tried = (item, self._diary.day.items[item].tries)
        if self._shown != tried:
            self._shown = tried
            self._show_plan(item)
        if changed:
            self._talk.screen.warn(f"item {item + 1}: the file is not what was committed to when the day began")
        while True:
            word = self._talk.word(f"begin item {item + 1}: go?")
            if isinstance(word, words.Go):
                self._run(item, word.by or self._table.by, changed=changed)
                return
            if isinstance(word, words.NoGo):
                word = words.Hold(word.why or "no go for this experiment")
            if self._talk.obey(word):
                return

    def settle(self, item: int, run_id: str) -> None:
        """A run that was under way when the day's process went away: it is waited for, undone where nobody has, and
        never begun again by itself. Raises Leave.
        """
        folder = self._table.reports.absolute() / "runs" / run_id
        self._talk.screen.say(f"run {run_id} was under way when the day was left: waiting until it is undone")
        began_t = self._diary.day.runs[-1][1].began_t
        while not folder.is_dir() and self._diary.t - began_t < running.APPEARS_S:
            self._talk.pause(running.POLL_S)
        keep_from_starting(folder)
        while running.goes_on(folder):
            self._talk.pause(running.POLL_S)
        running.recover(folder, sealed=self._diary.day.planned(item).sealed)
        self._diary.record([running.settled(item, run_id, folder, self._diary.t)])
        self._say_end(item)
        self._diary.record(decide.hold_after(self._diary.day, self._diary.t))

    # ── before it ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _unasked(self, item: int, *, changed: bool) -> None:
        if changed:
            why = "the file is not what was committed to, and nobody is there to look"
            self._diary.record([ItemSkipped(t=self._diary.t, item=item, by=decide.BY_YES, why=why)])
            self._talk.screen.warn(why)
        else:
            self._run(item, decide.BY_YES, changed=False)

    def _is_changed(self, item: int) -> bool:
        before = next((one.digest for one in self._diary.day.began.committed if one.item == item), "")
        try:
            return digest_for(self._table.plan, item) != before
        except UsageError:
            return True

    def _plan_file(self, item: int) -> Path:
        return self._table.folder / f"item-{item + 1}.plan"

    def _show_plan(self, item: int) -> None:
        planned, kept = self._table.plan.agenda[item], self._plan_file(item)
        kept.unlink(missing_ok=True)
        if planned.sealed:
            told = screen.item_words(self._diary.day, item)
            self._talk.screen.say(f"{told}: what it does is told when the day is over")
            return
        shown = subprocess.run(
            [sys.executable, "-m", "chaos_runner", "plan", planned.file, "--out", str(kept), *self._environment(),
             *self._table.options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        lines = shown.stdout.decode(errors="replace").splitlines()
        self._talk.screen.plain(screen.indented([line for line in lines if not line.startswith("written to")]))
        if shown.returncode:
            kept.unlink(missing_ok=True)

    def _environment(self) -> list[str]:
        return ["--env", self._table.plan.env] if self._table.plan.env else []

    # ── while it is under way, and after it ─────────────────────────────────────────────────────────────────────────

    def _run(self, item: int, by: str, *, changed: bool) -> None:
        """The intention is on the disk before the process is there: a day that dies finds the run again by its id."""
        order = self._order(item, changed=changed)
        self._diary.record([RunBegan(t=self._diary.t, item=item, run=order.run, by=self._talk.clean(by),
                                     changed=changed)])
        meanwhile = "; what is typed meanwhile is a note, Ctrl-C stops and undoes it" if self._table.attended else ""
        self._talk.screen.say(f"run {order.run} begins{meanwhile}")
        heard = running.run(order, self._ears, lambda child, line: self._meanwhile(order, child, line),
                            lambda took_s: self._beat(order, took_s))
        self._diary.record([running.over(order, heard.outcome, self._diary.t)])
        self._say_end(item)
        self._diary.record(decide.hold_after(self._diary.day, self._diary.t))
        if heard.hung_up or heard.signal not in (0, 2):
            raise Leave(heard.signal or HUNG_UP)
        if heard.signal and not self._table.attended:
            raise Leave(heard.signal)

    def _order(self, item: int, *, changed: bool) -> Order:
        planned, kept = self._table.plan.agenda[item], self._plan_file(item)
        run_id = new_run_id(self._table.clock.now())
        bound = ["--plan", str(kept)] if kept.is_file() and not changed else []
        return Order(
            item=item, run=run_id, file=planned.file, folder=self._table.reports.absolute() / "runs" / run_id,
            sealed=planned.sealed, log=self._table.folder / f"item-{item + 1}-{run_id}.log",
            options=["--run-id", run_id, "--reports", str(self._table.reports), "--output", "none", "--plain", "--yes",
                     *bound, *self._environment(), *self._table.options])

    def _meanwhile(self, order: Order, child: Child, line: str) -> None:
        """What was typed while a run is under way."""
        word = self._talk.meaning(line)
        match word:
            case words.GoOn():
                return
            case words.Abort(why):
                self._talk.aborted = self._talk.clean(why) or "no reason was given"
                by = f"{self._table.by}, who aborts the game day ({self._talk.aborted})"
                running.ask_to_stop(child, order.folder, by)
            case words.Note("", _, True):
                self._talk.screen.say("write action: and what is to be done, in one line")
            case words.Skip() | words.Retry():
                self._talk.screen.say("its run is under way: abort stops and undoes it, and so does Ctrl-C")
            case _:
                self._talk.obey(word)

    def _beat(self, order: Order, took_s: float) -> None:
        if order.sealed:
            room = decide.room_words(self._diary.day, order.item)
            self._talk.screen.say(f"sealed experiment under way, {spoken_seconds(round(took_s))} of {room}")

    def _say_end(self, item: int) -> None:
        """Both answers; of a sealed one no sentence, but what has to be recovered is always told."""
        over = self._diary.day.runs[-1][1].over
        if over is None:
            return
        told = "" if self._diary.day.planned(item).sealed else over.sentence
        self._talk.screen.say(escaped(f"run {over.run}: {over.verdict}, {over.restored}{f': {told}' if told else ''}"))
        if over.exit == 6:
            red = self._talk.screen.ink.red("not restored")
            self._talk.screen.plain(f"  {red}   chaos-runner recover {over.run} "
                                    f"--reports {escaped(str(self._table.reports))}")
