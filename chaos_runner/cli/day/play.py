"""Playing a game day: what the day says comes next is done, and what people say is written down before it counts."""

from chaos_runner.cli.day import screen
from chaos_runner.cli.day.diary import Diary
from chaos_runner.cli.day.runs import Runs
from chaos_runner.cli.day.table import Table
from chaos_runner.cli.day.talk import Talk
from chaos_runner.cli.ears import Ears
from chaos_runner.experiment.complaints import escaped
from chaos_runner.gameday import decide, words
from chaos_runner.gameday.decide import AskRole, AskToRun, Begin, Close, Done, Settle, Step, Wait
from chaos_runner.gameday.events import Answered, ItemDone
from chaos_runner.gameday.model import Kind


class Play:
    """A day that is being played."""

    def __init__(self, table: Table, diary: Diary, ears: Ears) -> None:
        self._attended = table.attended
        self._diary = diary
        self._talk = Talk(diary, ears, table.by)
        self._runs = Runs(table, diary, self._talk, ears)

    def play(self) -> str | None:
        """Plays to the end of the agenda. Gives why somebody ended it before that, if so. Raises Leave, NotDurable."""
        while self._talk.aborted is None:
            step = decide.next_step(self._diary.day)
            if isinstance(step, Close):
                break
            self._take(step)
        return self._talk.aborted

    def _take(self, step: Step) -> None:
        match step:
            case Begin(item):
                self._begin(item)
            case Done(item):
                self._diary.record([ItemDone(t=self._diary.t, item=item, by="chaos-runner")])
            case Settle(item, run):
                self._runs.settle(item, run)
            case AskToRun(item):
                self._runs.offer(item)
            case AskRole(item, role) if self._attended:
                self._ask_role(item, role)
            case Wait() if self._attended:
                self._wait(step)
            case AskRole() | Wait():
                self._unattended(step)
            case Close():
                pass

    def _begin(self, item: int) -> None:
        self._diary.record(decide.begun(item, self._diary.t))
        self._talk.screen.plain("")
        self._talk.screen.say(self._talk.screen.ink.bold(screen.where(self._diary.day, item)))

    # ── where nobody attends ────────────────────────────────────────────────────────────────────────────────────────

    def _unattended(self, step: AskRole | Wait) -> None:
        if self._diary.day.held:
            self._talk.aborted = f"nobody is there to go on after: {self._diary.day.held.why}"
            return
        if isinstance(step, Wait) and step.until_t is not None and self._is_run(step.item):
            self._pause(step.until_t)
        events = decide.by_itself(self._diary.day, step, self._diary.t)
        self._diary.record(events)
        for event in events:
            if isinstance(event, Answered):
                self._talk.screen.say(f"go, answered by {decide.BY_YES} for {escaped(event.role)}")

    def _pause(self, until_t: float) -> None:
        while (left_s := until_t - self._diary.t) > 0:
            self._talk.pause(left_s)

    def _is_run(self, item: int) -> bool:
        return self._diary.day.planned(item).kind is Kind.EXPERIMENT

    # ── where people do ─────────────────────────────────────────────────────────────────────────────────────────────

    def _wait(self, step: Wait) -> None:
        """Prompts until a word changes something. When the time is over that is said once, and nothing ends by itself.
        """
        over_said = step.until_t is None
        while True:
            left_s = None if over_said or step.until_t is None else max(0.0, step.until_t - self._diary.t)
            line = self._talk.line(self._waiting_words(step), left_s)
            if line is None:
                over_said = True
                self._talk.screen.plain("")
                told = "its time is over: Enter goes on, extend 5m gives it more"
                self._talk.screen.say(self._talk.screen.ink.yellow(told))
            elif self._talk.obey(self._talk.meaning(line)):
                return

    def _waiting_words(self, step: Wait) -> str:
        day = self._diary.day
        left = "" if step.until_t is None else f", until {screen.clock_at(day, step.until_t)}"
        if day.held:
            return f"{step.why} (Enter goes on)"
        if step.why.startswith("no-go"):
            return f"{step.why} (retry, skip or abort)"
        return f"{step.why}{left} (Enter when done, help)"

    def _ask_role(self, item: int, role: str) -> None:
        name = self._name(role)
        while True:
            word = self._talk.word(f"{role}{f' ({name})' if name else ''}: go or no-go?")
            match word:
                case words.Go(said) | words.NoGo(said):
                    if self._answered(item, role, word, said):
                        return
                case words.GoOn():
                    self._talk.screen.say("say go or no-go")
                case _:
                    if self._talk.obey(word):
                        return

    def _answered(self, item: int, role: str, word: words.Go | words.NoGo, said: str) -> bool:
        """Whether it is kept. It is not where a word was said instead of a name: somebody has changed their mind."""
        go = isinstance(word, words.Go)
        why = "" if go else self._talk.clean(said or self._talk.ask("why?"))
        by = said if go and said else self._who(role)
        if by == self._name(role) or words.is_name(by):
            by = self._talk.clean(by)
            self._diary.record([Answered(t=self._diary.t, item=item, role=role, go=go, by=by, why=why)])
            return True
        self._talk.screen.say(f'"{escaped(by)}" is nobody\'s name: nothing was answered')
        return False

    def _who(self, role: str) -> str:
        while not (by := self._talk.ask("who says so?", self._name(role))):
            pass
        return by

    def _name(self, role: str) -> str:
        return self._diary.day.began.roles.get(role, "")
