"""What the hands want of whoever attends a run: Chaos Toolkit's controls, and those who handle its events."""

from typing import Any, Protocol

from chaos_runner.engine.activities import Called
from chaos_runner.experiment.model import Provider
from chaos_runner.experiment.values import Values
from chaos_runner.run import commands as co
from chaos_runner.run.run import Run


class Attendants(Protocol):
    """Told of every moment of a run, and before and after every call. They work on copies of their own."""

    @property
    def values(self) -> Values:
        """Configuration and secrets as the controls have left them: what activities are called with."""

    @property
    def journal(self) -> dict[str, Any]:
        """Chaos Toolkit's journal, as the controls have left it."""

    def attend(self, control: co.Control, run: Run) -> str:
        """Calls everybody about this moment. Gives what one of them said who wants the run to stop, else nothing."""

    def about_to_call(self, key: str, call: Provider) -> Provider | None:
        """The call as the controls have left it, before it begins; None for none at all."""

    def begin(self, key: str, call: Provider) -> Provider | None:
        """An activity (m0, r0, p0) is called now. Gives the call as the controls have left it, None for none at all."""

    def end(self, key: str, called: Called) -> None:
        """It has come back."""

    def judged(self, key: str, *, good: bool) -> None:
        """The answer of a probe of the hypothesis was judged."""
