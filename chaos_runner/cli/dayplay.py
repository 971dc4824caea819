"""Playing a game day: what the day says comes next is done, and what people say is written down before it counts."""

import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import Struct

from chaos_runner.cli import dayrun, dayscreen
from chaos_runner.cli.children import Child
from chaos_runner.cli.dayrun import Order
from chaos_runner.cli.dayscreen import Screen
from chaos_runner.cli.ears import Ears, HungUp, Signalled, Spoke, TimeOver, Typed
from chaos_runner.clock import Clock
from chaos_runner.errors import UsageError
from chaos_runner.experiment.complaints import escaped
from chaos_runner.gameday import decide, words
from chaos_runner.gameday import events as ev
from chaos_runner.gameday.day import Day
from chaos_runner.gameday.decide import AskRole, AskToRun, Begin, Close, Done, Refusal, Settle, Step, Wait
from chaos_runner.gameday.loading import digest_for
from chaos_runner.gameday.model import GameDay, Kind
from chaos_runner.journal.days import DayJournal
from chaos_runner.plan.build import new_run_id
from chaos_runner.recovery.phase import keep_from_starting
from chaos_runner.redaction import Redactor
from chaos_runner.units import spoken_seconds

HUNG_UP: Final = 1
_NAMES: Final = {1: "the terminal is gone", 2: "Ctrl-C", 3: "SIGQUIT", 15: "SIGTERM"}


class Leave(Exception):
    """Nobody plays any more, for now. `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(_NAMES.get(number, f"signal {number}"))
        self.number = number


class Table(Struct, frozen=True, kw_only=True):
    """What a day is played with. `options` go to every run; `by` is who sits at the keyboard."""

    plan: GameDay
    folder: Path
    reports: Path
    by: str
    attended: bool
    options: Sequence[str]
    clock: Clock


class Play:
    """A day that is being played."""

    def __init__(self, table: Table, day: Day, journal: DayJournal, ears: Ears) -> None:
        self.day = day
        self._table = table
        self._journal = journal
        self._ears = ears
        self._screen = Screen()
        self._redactor = Redactor()
        self._abort: str | None = None
        self._shown: tuple[int, int] = (-1, 0)

    def play(self) -> str | None:
        """Plays to the end of the agenda. Gives why somebody ended it before that, if so. Raises Leave, NotDurable."""
        while self._abort is None:
            step = decide.next_step(self.day)
            if isinstance(step, Close):
                break
            self._take(step)
        return self._abort

    def record(self, events: Sequence[ev.DayEvent]) -> None:
        """Writes down what has happened; it is on the disk when this returns. Raises NotDurable."""
        if events:
            self._journal.append(events)
            self.day = self.day.after(events)

    @property
    def t(self) -> float:
        """Seconds since the day began. A clock that was put back does not make it go back."""
        began = datetime.fromisoformat(self.day.began.started)
        return max(self.day.t, round((self._table.clock.now() - began).total_seconds(), 3))

    # ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, step: Step) -> None:
        match step:
            case Begin(item):
                self._begin(item)
            case Done(item):
                self.record([ev.ItemDone(t=self.t, item=item, by="chaos-runner")])
            case Settle(item, run):
                self._settle(item, run)
            case AskToRun(item):
                self._ask_to_run(item)
            case AskRole(item, role) if self._table.attended:
                self._ask_role(item, role)
            case Wait() if self._table.attended:
                self._wait(step)
            case AskRole() | Wait():
                self._unattended(step)
            case Close():
                pass

    def _begin(self, item: int) -> None:
        self.record(decide.begun(item, self.t))
        self._screen.plain("")
        self._screen.say(self._screen.ink.bold(dayscreen.where(self.day, item)))

    def _unattended(self, step: AskRole | Wait) -> None:
        if self.day.held:
            self._abort = f"nobody is there to go on after: {self.day.held.why}"
            return
        if isinstance(step, Wait) and step.until_t is not None and self._is_run(step.item):
            self._pause(step.until_t)
        events = decide.by_itself(self.day, step, self.t)
        self.record(events)
        for event in events:
            if isinstance(event, ev.Answered):
                self._screen.say(f"go, answered by {decide.BY_YES} for {escaped(event.role)}")

    def _pause(self, until_t: float) -> None:
        while (left_s := until_t - self.t) > 0:
            self._heard_nothing(self._ears.listen(left_s))

    def _is_run(self, item: int) -> bool:
        return self.day.planned(item).kind is Kind.EXPERIMENT

    def _wait(self, step: Wait) -> None:
        """Prompts until a word changes something. When the time is over that is said once, and nothing ends by itself.
        """
        over_said = step.until_t is None
        while True:
            self._screen.prompt(self._waiting_words(step))
            left_s = None if over_said or step.until_t is None else max(0.0, step.until_t - self.t)
            line = self._line(left_s)
            if line is None:
                over_said = True
                self._screen.plain("")
                self._screen.say(self._screen.ink.yellow("its time is over: Enter goes on, extend 5m gives it more"))
            elif self._obey(words.word(line, self.day.began.roles)):
                return

    def _waiting_words(self, step: Wait) -> str:
        left = "" if step.until_t is None else f", until {dayscreen.clock_at(self.day, step.until_t)}"
        if self.day.held:
            return f"{step.why} (Enter goes on)"
        if step.why.startswith("no-go"):
            return f"{step.why} (retry, skip or abort)"
        return f"{step.why}{left} (Enter when done, help)"

    # ── what people say ─────────────────────────────────────────────────────────────────────────────────────────────

    def _obey(self, word: words.Word) -> bool:
        """Does what was said. True when that changed where the day is."""
        if isinstance(word, words.Help):
            self._screen.plain(dayscreen.indented(words.HELP))
            return False
        if isinstance(word, words.Unclear):
            self._screen.say(escaped(word.text))
            return False
        if isinstance(word, words.Abort):
            self._abort = self._clean(word.why or self._ask("abort the day: why?", ""))
            return True
        return self._told(decide.heard(self.day, self._whole(word), self._table.by, self.t), word)

    def _whole(self, word: words.Word) -> words.Word:
        """The word with what it lacks asked for, and without secrets."""
        match word:
            case words.Skip(""):
                return words.Skip(self._clean(self._ask("skip: why?", "")))
            case words.Skip(why):
                return words.Skip(self._clean(why))
            case words.Hold(why):
                return words.Hold(self._clean(why))
            case words.Note(text, by, action, owner):
                if not text:
                    asked = words.word(f"action: {self._ask('action item (… @owner)', '')}")
                    return self._whole(asked) if isinstance(asked, words.Note) and asked.text else words.Unclear("")
                return words.Note(text=self._clean(text), by=by, action=action, owner=owner)
            case _:
                return word

    def _told(self, found: list[ev.DayEvent] | Refusal, word: words.Word) -> bool:
        if isinstance(found, Refusal):
            self._screen.say(escaped(found.text))
            return False
        self.record(found)
        if isinstance(word, words.Note):
            note = self.day.notes[-1]
            kind = "action item" if note.action else "note"
            self._screen.plain(self._screen.ink.dim(f"         {kind} kept, {escaped(note.by)}, "
                                                    f"{dayscreen.clock_at(self.day, note.t)}"))
        return not isinstance(word, words.Note)

    def _clean(self, text: str) -> str:
        return self._redactor.text(text[:words.TEXT_MOST])

    def _ask(self, question: str, default: str) -> str:
        """One line as it is; the default where it is empty."""
        self._screen.prompt(f"{question}{f' [{default}]' if default else ''}")
        return (self._line(None) or "").strip() or default

    def _line(self, for_s: float | None) -> str | None:
        """What is typed next. None when the time is over. Raises Leave."""
        heard = self._ears.listen(for_s)
        if isinstance(heard, Typed):
            return heard.text
        self._heard_nothing(heard)
        return None

    def _heard_nothing(self, heard: Typed | Signalled | HungUp | Spoke | TimeOver) -> None:
        if isinstance(heard, Signalled):
            raise Leave(heard.number)
        if isinstance(heard, HungUp):
            raise Leave(HUNG_UP)

    def _ask_role(self, item: int, role: str) -> None:
        name = self.day.began.roles.get(role, "")
        while True:
            self._screen.prompt(f"{role}{f' ({name})' if name else ''}: go or no-go?")
            word = words.word(self._line(None) or "", self.day.began.roles)
            match word:
                case words.Go(by) | words.NoGo(by):
                    self._answer(item, role, word, by)
                    return
                case words.GoOn():
                    self._screen.say("say go or no-go")
                case _:
                    if self._obey(word):
                        return

    def _answer(self, item: int, role: str, word: words.Go | words.NoGo, said: str) -> None:
        name = self.day.began.roles.get(role, "")
        go = isinstance(word, words.Go)
        why = "" if go else self._clean(said or self._ask("why?", ""))
        by = said if go and said else ""
        while not by:
            by = self._ask("who says so?", name)
        self.record([ev.Answered(t=self.t, item=item, role=role, go=go, by=self._clean(by), why=why)])

    # ── runs ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _ask_to_run(self, item: int) -> None:
        """Shows whom it would hit, and waits for a go. A file that was changed since is told before that."""
        changed = self._is_changed(item)
        if not self._table.attended:
            self._unasked(item, changed=changed)
            return
        tried = (item, self.day.items[item].tries)
        if self._shown != tried:
            self._shown = tried
            self._show_plan(item)
        if changed:
            self._screen.warn(f"item {item + 1}: the file is not what was committed to when the day began")
        while True:
            self._screen.prompt(f"begin item {item + 1}: go?")
            word = words.word(self._line(None) or "", self.day.began.roles)
            if isinstance(word, words.Go):
                self._run(item, word.by or self._table.by, changed=changed)
                return
            if isinstance(word, words.NoGo):
                word = words.Hold(word.why or "no go for this experiment")
            if self._obey(word):
                return

    def _unasked(self, item: int, *, changed: bool) -> None:
        if changed:
            why = "the file is not what was committed to, and nobody is there to look"
            self.record([ev.ItemSkipped(t=self.t, item=item, by=decide.BY_YES, why=why)])
            self._screen.warn(why)
        else:
            self._run(item, decide.BY_YES, changed=False)

    def _is_changed(self, item: int) -> bool:
        before = next((one.digest for one in self.day.began.committed if one.item == item), "")
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
            self._screen.say(f"{dayscreen.item_words(self.day, item)}: what it does is told when the day is over")
            return
        shown = subprocess.run(
            [sys.executable, "-m", "chaos_runner", "plan", planned.file, "--out", str(kept), *self._environment(),
             *self._table.options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
        lines = shown.stdout.decode(errors="replace").splitlines()
        self._screen.plain(dayscreen.indented([line for line in lines if not line.startswith("written to")]))
        if shown.returncode:
            kept.unlink(missing_ok=True)

    def _environment(self) -> list[str]:
        return ["--env", self._table.plan.env] if self._table.plan.env else []

    def _run(self, item: int, by: str, *, changed: bool) -> None:
        """The intention is on the disk before the process is there: a day that dies finds the run again by its id."""
        planned, kept = self._table.plan.agenda[item], self._plan_file(item)
        run_id = new_run_id(self._table.clock.now())
        bound = ["--plan", str(kept)] if kept.is_file() and not changed else []
        order = Order(
            item=item, run=run_id, file=planned.file, folder=self._table.reports.absolute() / "runs" / run_id,
            sealed=planned.sealed, log=self._table.folder / f"item-{item + 1}-{run_id}.log",
            options=["--run-id", run_id, "--reports", str(self._table.reports), "--output", "none", "--plain", "--yes",
                     *bound, *self._environment(), *self._table.options])
        self.record([ev.RunBegan(t=self.t, item=item, run=run_id, by=self._clean(by), changed=changed)])
        meanwhile = "; what is typed meanwhile is a note, Ctrl-C stops and undoes it" if self._table.attended else ""
        self._screen.say(f"run {run_id} begins{meanwhile}")
        heard = dayrun.run(order, self._ears, lambda child, line: self._meanwhile(order, child, line),
                           lambda took_s: self._beat(order, took_s))
        self.record([dayrun.over(order, heard.outcome, self.t)])
        self._say_end(item)
        self.record(decide.hold_after(self.day, self.t))
        if heard.hung_up or heard.signal not in (0, 2):
            raise Leave(heard.signal or HUNG_UP)
        if heard.signal and not self._table.attended:
            raise Leave(heard.signal)

    def _meanwhile(self, order: Order, child: Child, line: str) -> None:
        """What was typed while a run is under way."""
        word = words.word(line, self.day.began.roles)
        match word:
            case words.GoOn():
                return
            case words.Abort(why):
                self._abort = self._clean(why) or "no reason was given"
                dayrun.ask_to_stop(child, order.folder, f"{self._table.by}, who aborts the game day ({self._abort})")
            case words.Note("", _, True):
                self._screen.say("write action: and what is to be done, in one line")
            case words.Skip() | words.Retry():
                self._screen.say("its run is under way: abort stops and undoes it, and so does Ctrl-C")
            case _:
                self._obey(word)

    def _beat(self, order: Order, took_s: float) -> None:
        if order.sealed:
            self._screen.say(f"sealed experiment under way, {spoken_seconds(round(took_s))} of "
                             f"{decide.room_words(self.day, order.item)}")

    def _say_end(self, item: int) -> None:
        """Both answers; of a sealed one no sentence, but what has to be recovered is always told."""
        over = self.day.runs[-1][1].over
        if over is None:
            return
        told = "" if self.day.planned(item).sealed else over.sentence
        self._screen.say(escaped(f"run {over.run}: {over.verdict}, {over.restored}{f': {told}' if told else ''}"))
        if over.exit == 6:
            self._screen.plain(f"  {self._screen.ink.red('not restored')}   chaos-runner recover {over.run} "
                               f"--reports {escaped(str(self._table.reports))}")

    def _settle(self, item: int, run_id: str) -> None:
        """A run that was under way when the day's process went away: it is waited for, undone where nobody has, and
        never begun again by itself.
        """
        folder = self._table.reports.absolute() / "runs" / run_id
        self._screen.say(f"run {run_id} was under way when the day was left: waiting until it is undone")
        began_t = self.day.runs[-1][1].began_t
        while not folder.is_dir() and self.t - began_t < dayrun.APPEARS_S:
            self._heard_nothing(self._ears.listen(dayrun.POLL_S))
        keep_from_starting(folder)
        while dayrun.goes_on(folder):
            self._heard_nothing(self._ears.listen(dayrun.POLL_S))
        dayrun.recover(folder, sealed=self.day.planned(item).sealed)
        self.record([dayrun.settled(item, run_id, folder, self.t)])
        self._say_end(item)
        self.record(decide.hold_after(self.day, self.t))
