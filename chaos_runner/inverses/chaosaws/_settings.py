"""Things on AWS by their settings: what an action gives other values, and how these are read and given back.

A setting may also be an abstraction: whether a policy is attached to a role, or which rule has this name.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Act
from chaos_runner.errors import Refused
from chaos_runner.redaction import named_like_a_secret
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need

Values = Mapping[str, Any]
"""Settings by name, as plain data. None: it has no such setting."""


class Settings(ABC):
    """How the settings of one kind of thing are read and written. What may be raised is as for a Fault."""

    kind: ClassVar[str]

    @abstractmethod
    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        """These settings as they are now; on their way to a value: that one. Raises Gone."""

    @abstractmethod
    def write(self, at: Account, thing: str, values: Values) -> None:
        """Gives settings values. Done twice it does no harm."""

    @abstractmethod
    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        """The rights that giving these values back takes, each with what it is on."""

    @abstractmethod
    def by_hand(self, ref: Ref, was: Values) -> str:
        """The command that gives them back."""

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        """Its tags, which limits speak of."""
        return {}


class Wish(NamedTuple):
    """The values that an action would give the settings of one thing. `name` is only for people. `was` and `tags`: as
    they were listed; without them the thing is read by itself.
    """

    settings: Settings
    thing: str
    values: Values
    name: str = ""
    was: Values | None = None
    tags: Mapping[str, str] | None = None


class _Values(Struct, frozen=True):
    values: dict[str, Any]


class Change(Struct, frozen=True, kw_only=True):
    """What an action does to one thing: settings that it has, and gives other values."""

    ref: Ref
    do: dict[str, Any]
    was: dict[str, Any]
    tags: dict[str, str] = {}

    @classmethod
    def of(cls, act: Act) -> "Change":
        """What was recorded."""
        return cls(ref=msgspec.convert(act.target, Ref), do=msgspec.convert(act.do, _Values).values,
                   was=msgspec.convert(act.was, _Values).values, tags=act.where.labels)

    @property
    def act(self) -> Act:
        """As it is recorded."""
        return Act(target=msgspec.to_builtins(self.ref), do={"values": self.do}, was={"values": self.was},
                   label=self.ref.label, where=self.ref.where(self.tags))

    def since(self, earlier: Iterable["Change"]) -> "Change | None":
        """The same from how it was before the run first changed it. None when the run has only taken its own back:
        then it is the earlier change that is undone.
        """
        first: dict[str, Any] = {}
        for one in earlier:
            if _is_same(one.ref, self.ref):
                first = {**one.was, **first}
        was = {**self.was, **{key: value for key, value in first.items() if key in self.was}}
        return msgspec.structs.replace(self, was=was).changing()

    def changing(self) -> "Change | None":
        """Without the settings that already have those values. None when that is all."""
        keys = [key for key, value in self.do.items() if self.was[key] != value]
        return msgspec.structs.replace(self, do={key: self.do[key] for key in keys},
                                       was={key: self.was[key] for key in keys}) if keys else None


def check_open(label: str, values: Any) -> None:
    """Raises Refused for values that must not be recorded, as their names tell."""
    if _tells_a_secret(values):
        raise Refused(f"{label} has a setting in what would be recorded whose name says that it is a secret")


def _tells_a_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_tells_a_secret(one) or (bool(one) and named_like_a_secret(key)) for key, one in value.items())
    return isinstance(value, list) and any(map(_tells_a_secret, value))


def _is_same(one: Ref, other: Ref) -> bool:
    return all(getattr(one, key) == getattr(other, key) for key in ("kind", "thing", "account", "region"))
