"""What people say while a day is played: questions, answers, notes, and the words that change where the day is."""

from typing import Final

from chaos_runner.cli.day import screen
from chaos_runner.cli.day.diary import Diary
from chaos_runner.cli.day.screen import Screen
from chaos_runner.cli.ears import Ears, Heard, HungUp, Signalled, Typed
from chaos_runner.experiment.complaints import escaped
from chaos_runner.gameday import decide, words
from chaos_runner.gameday.decide import Refusal
from chaos_runner.gameday.events import DayEvent
from chaos_runner.redaction import Redactor

HUNG_UP: Final = 1
_NAMES: Final = {1: "the terminal is gone", 2: "Ctrl-C", 3: "SIGQUIT", 15: "SIGTERM"}


class Leave(Exception):
    """Nobody plays any more, for now. `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(_NAMES.get(number, f"signal {number}"))
        self.number = number


class Talk:
    """People at a terminal, of whom `by` types. `aborted` is why somebody ended the day, None while nobody has."""

    def __init__(self, diary: Diary, ears: Ears, by: str) -> None:
        self.screen = Screen()
        self.aborted: str | None = None
        self._diary = diary
        self._ears = ears
        self._by = by
        self._redactor = Redactor()

    def line(self, prompt: str, for_s: float | None = None) -> str | None:
        """What is typed next. None when the time is over. Raises Leave."""
        self.screen.prompt(prompt)
        return self._heard(self._ears.listen(for_s))

    def word(self, prompt: str) -> words.Word:
        """What that means. Raises Leave."""
        return self.meaning(self.line(prompt) or "")

    def ask(self, question: str, default: str = "") -> str:
        """One line as it is; the default where it is empty. Raises Leave."""
        return (self.line(f"{question}{f' [{default}]' if default else ''}") or "").strip() or default

    def pause(self, for_s: float) -> None:
        """Lets so much time pass. What is typed meanwhile is nobody's. Raises Leave."""
        self._heard(self._ears.listen(for_s))

    def meaning(self, line: str) -> words.Word:
        """What a line means."""
        return words.word(line, self._diary.day.began.roles)

    def clean(self, text: str) -> str:
        """What is kept of a text: not all of a long one, and no secret."""
        return self._redactor.text(text[:words.TEXT_MOST])

    def obey(self, word: words.Word) -> bool:
        """Does what was said. True when that changed where the day is. Raises Leave."""
        if isinstance(word, words.Help):
            self.screen.plain(screen.indented(words.HELP))
            return False
        if isinstance(word, words.Unclear):
            self.screen.say(escaped(word.text))
            return False
        if isinstance(word, words.Abort):
            self.aborted = self.clean(word.why or self.ask("abort the day: why?"))
            return True
        return self._told(decide.heard(self._diary.day, self._whole(word), self._by, self._diary.t), word)

    def _heard(self, heard: Heard) -> str | None:
        if isinstance(heard, Signalled):
            raise Leave(heard.number)
        if isinstance(heard, HungUp):
            raise Leave(HUNG_UP)
        return heard.text if isinstance(heard, Typed) else None

    def _whole(self, word: words.Word) -> words.Word:
        """The word with what it lacks asked for, and without secrets."""
        match word:
            case words.Skip(""):
                return words.Skip(self.clean(self.ask("skip: why?")))
            case words.Skip(why):
                return words.Skip(self.clean(why))
            case words.Hold(why):
                return words.Hold(self.clean(why))
            case words.Note(text, by, action, owner):
                if not text:
                    asked = words.word(f"action: {self.ask('action item (… @owner)')}")
                    return self._whole(asked) if isinstance(asked, words.Note) and asked.text else words.Unclear("")
                return words.Note(text=self.clean(text), by=by, action=action, owner=owner)
            case _:
                return word

    def _told(self, found: list[DayEvent] | Refusal, word: words.Word) -> bool:
        if isinstance(found, Refusal):
            self.screen.say(escaped(found.text))
            return False
        self._diary.record(found)
        if isinstance(word, words.Note):
            day = self._diary.day
            note = day.notes[-1]
            kind = "action item" if note.action else "note"
            self.screen.plain(self.screen.ink.dim(f"         {kind} kept, {escaped(note.by)}, "
                                                  f"{screen.clock_at(day, note.t)}"))
        return not isinstance(word, words.Note)
