"""Why the verdict is what it is, with codes that can be looked up."""


from msgspec import Struct

from chaos_runner.report import text
from chaos_runner.report.story import Story
from chaos_runner.run.events import Reason


class View(Struct, frozen=True, kw_only=True):
    """The reasons, the deciding one first, the exit code, and the stop if there was one."""

    reasons: list[Reason]
    exit: int
    stop: str
    trace: str


def view(story: Story) -> View | None:
    """None for a run without an end."""
    run = story.run
    if run.ended is None:
        return None
    return View(reasons=[Reason(code=reason.code, text=text.short(reason.text, text.NOTE_MOST))
                         for reason in run.ended.reasons],
                exit=run.ended.exit, stop=text.short(run.stop.text, text.NOTE_MOST) if run.stop else "",
                trace=text.cut(run.bug.trace) if run.bug else "")
