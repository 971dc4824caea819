"""How every answer looks: a word, an icon and a tone, never a colour alone."""

from typing import Final

from msgspec import Struct

from chaos_runner.contracts import Answer, Grade
from chaos_runner.run.events import RestoredState, Verdict


class Mark(Struct, frozen=True):
    """A word, the icon beside it, and its tone: good, bad, warn or quiet."""

    word: str
    icon: str
    tone: str


NOT_ENDED: Final = Mark("Not ended", "question", "warn")
VERDICTS: Final = {
    Verdict.PASSED: Mark("Passed", "check", "good"),
    Verdict.DEVIATED: Mark("Deviated", "cross", "bad"),
    Verdict.NOT_STARTED: Mark("Not started", "slash", "quiet"),
    Verdict.ABORTED: Mark("Aborted", "stop", "warn"),
    Verdict.INCONCLUSIVE: Mark("Inconclusive", "question", "warn"),
    Verdict.ERROR: Mark("Error", "bang", "warn"),
    Verdict.INTERRUPTED: Mark("Interrupted", "pause", "warn"),
}
RESTORED: Final = {
    RestoredState.RESTORED: Mark("Restored", "check", "good"),
    RestoredState.REPORTED: Mark("Restored, as reported", "info", "warn"),
    RestoredState.NOTHING: Mark("Nothing to restore", "dash", "quiet"),
    RestoredState.NOT_RESTORED: Mark("Not restored", "cross", "bad"),
    RestoredState.UNKNOWN: Mark("Not known to be restored", "question", "bad"),
}
ANSWERS: Final = {
    Answer.RESTORED: Mark("restored", "check", "good"),
    Answer.GONE: Mark("gone", "dash", "quiet"),
    Answer.DRIFT: Mark("changed by someone else", "info", "warn"),
    Answer.NOT_RESTORED: Mark("not restored", "cross", "bad"),
}
GRADES: Final = {
    Grade.PROVEN: Mark("proven", "check", "good"),
    Grade.REPORTED: Mark("reported, not measured", "info", "warn"),
    Grade.NONE: Mark("no effect", "question", "warn"),
}
HELD: Final = Mark("held", "check", "good")
RECOVERED: Final = Mark("recovered", "check", "good")
BROKEN: Final = Mark("deviated", "cross", "bad")
JUDGED_UNKNOWN: Final = Mark("unknown", "question", "warn")
NOT_READ: Final = Mark("not read", "dash", "quiet")
QUIET_RULE: Final = Mark("quiet", "check", "good")
TRIPPED: Final = Mark("tripped", "stop", "bad")
OPEN: Final = Mark("open", "check", "good")
CLOSED: Final = Mark("closed", "stop", "bad")
DEFERS: Final = Mark("defers", "pause", "warn")
NOT_READABLE: Final = Mark("no answer", "question", "bad")
ANSWERED: Final = Mark("answered", "check", "good")
DONE: Final = Mark("done, as reported", "info", "quiet")
FAILED: Final = Mark("failed", "bang", "bad")
REFUSED: Final = Mark("refused", "slash", "warn")
LEFT_BEHIND: Final = Mark("left behind", "bang", "bad")
NOT_RUN: Final = Mark("not run", "dash", "quiet")
UNDER_WAY: Final = Mark("not ended", "question", "warn")
IRREVERSIBLE: Final = Mark("cannot be undone", "dash", "quiet")
REPORTED_UNDO: Final = Mark("undone, as reported", "info", "warn")
NOT_KNOWN: Final = Mark("not known", "question", "bad")
