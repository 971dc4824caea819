"""Ways back that have to know how it was: they look before the action is called, and what they saw is recorded."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from chaos_runner.contracts import NOTHING, UNDO_S, Act, Answer, Restored
from chaos_runner.experiment.model import Provider
from chaos_runner.experiment.values import Values
from chaos_runner.mark import Mark

Access = Mapping[str, Any]
"""The secrets that the author gave to the action. Never recorded: whoever undoes is given them anew."""


class Call(Struct, frozen=True, kw_only=True):
    """One call of an action as it will be made: every `${name}` has its value. `configuration` is the experiment's,
    which chaoslib gives to whatever function asks for it.
    """

    arguments: Mapping[str, Any]
    access: Access
    configuration: Mapping[str, Any] = NOTHING

    @classmethod
    def of(cls, provider: Provider, values: Values) -> "Call":
        """The call that chaoslib's Python provider makes of this."""
        groups = [values.secrets.get(name) for name in provider.spec.get("secrets") or ()]
        access = {key: value for group in groups if isinstance(group, Mapping) for key, value in group.items()}
        arguments = values.fill(provider.spec.get("arguments") or {})
        return cls(arguments=arguments if isinstance(arguments, Mapping) else {}, access=access,
                   configuration=values.configuration)


class Asked(Struct, frozen=True, kw_only=True):
    """What one look is given: the call, our mark, and what the same run has done before and not yet undone."""

    call: Call
    mark: Mark
    earlier: Sequence[Act] = ()


class Looking(ABC):
    """The way back of an action that another package brings, from what was seen before the action was called.

    What it may raise, and what that means, is as for a Fault: see `chaos_runner.contracts`.
    """

    says: str = ""
    """How it is undone, in a few words."""
    healed_by: str = ""
    """Who heals it where nothing can be undone: then nothing else here is ever called."""
    undo_s: float = UNDO_S
    """The longest that one undo of one act may take."""

    @abstractmethod
    def look(self, asked: Asked) -> list[Act]:
        """How to come back from everything that the action may change. Changes nothing. Empty: it would change nothing.

        Raises Refused when the undo would not be possible, and NoTarget when what the action is for is not there.
        """

    def keep(self, act: Act, access: Access) -> None:  # noqa: B027 -- most keep nothing
        """Puts aside, on the platform, what undo will need and the journal must not hold. Called when the act is on
        disk, before the action. Raises Refused or ActFailed.
        """

    @abstractmethod
    def undo(self, act: Act, access: Access) -> None:
        """Brings it back. As for a Fault: zero, one or many times, in any process, and only what still is as left."""

    @abstractmethod
    def verify(self, act: Act, access: Access) -> Restored:
        """Reads it back and compares."""

    def missed(self, output: Any) -> str:  # noqa: ARG002 -- for those who override it
        """By what the action gave, that it has hit nobody; "" when it has, or does not tell."""
        return ""

    def by_hand(self, act: Act) -> str:  # noqa: ARG002 -- for those who override it
        """The command a person can type to finish the undo, where there is one."""
        return ""


class Healed(Looking):
    """An action that cannot be undone. Many give the names of what they have hit."""

    def __init__(self, healed_by: str) -> None:
        self.healed_by = healed_by

    def look(self, asked: Asked) -> list[Act]:  # noqa: ARG002
        return []

    def undo(self, act: Act, access: Access) -> None:
        """Nothing: it is healed."""

    def verify(self, act: Act, access: Access) -> Restored:  # noqa: ARG002
        return Restored(answer=Answer.GONE, diff=f"healed by {self.healed_by}")

    def missed(self, output: Any) -> str:
        return "hit nobody: it gave an empty list" if output == [] else ""

