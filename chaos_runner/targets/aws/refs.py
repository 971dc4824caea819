"""What an act on AWS keeps of its target, and how the kinds of things there are tagged."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from chaos_runner.contracts import Where
from chaos_runner.targets.aws.access import Account, Keys, Way, same_account


class Tagging(Protocol):
    """How things of one kind are tagged. `thing` is their id, or their ARN where the service wants that."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        """Its tags. Raises Gone."""

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        """Adds tags, or gives those that are there other values."""

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        """Takes tags away, those that are there."""

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        """Every thing of the kind in that account and region that bears a mark of ours, with its tags."""


class Kind(NamedTuple):
    """A kind of thing: how people call it, how it is tagged, and the ARN that a policy names it by."""

    name: str
    tagging: Tagging
    arn: str
    """With {region}, {account} and {thing}: "arn:aws:ec2:{region}:{account}:instance/{thing}"."""
    tags: tuple[str, str, str]
    """The IAM actions that tagging takes: to read, to write, to take away."""
    everywhere: bool = False
    """Of no region: whatever is done to it is done in all of them."""
    named: bool = False
    """What a target calls its id is what its ARN ends with, and nothing that a tag says."""

    @property
    def plural(self) -> str:
        """How people call several."""
        return f"{self.name}s"

    def arn_at(self, at: Account, thing: str) -> str:
        """The ARN of one of them in that account and region. A thing may be called by it."""
        if "{thing}" in self.arn and thing.startswith("arn:"):
            return thing
        return at.in_partition(self.arn.format(region=at.region, account=at.number, thing=thing))


class Ref(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing for good: AWS never gives an id to another. `name` is only for people."""

    kind: str
    thing: str
    account: str
    region: str
    name: str = ""
    profile: str = ""
    assume_role: str = ""
    everywhere: bool = False

    @classmethod
    def of(cls, at: Account, kind: Kind, thing: str, name: str = "") -> "Ref":
        """What an act keeps of a thing in that account."""
        return cls(kind=kind.name, thing=thing, account=at.number, region=at.region, name=name,
                   profile=at.way.profile, assume_role=at.way.assume_role, everywhere=kind.everywhere)

    @property
    def label(self) -> str:
        """How people call it: "instance i-0abc (web-1)"; what is called by its ARN, by the end of that: "ECS service
        shop/checkout".
        """
        if self.thing.startswith("arn:"):
            end = self.thing.split(":", 5)[5]
            return f"{self.kind} {end.partition('/')[2] or end}"
        return f"{self.kind} {self.thing}{f' ({self.name})' if self.name not in self.thing else ''}"

    @property
    def home(self) -> str:
        """The region it is in, for limits too: "aws-global" for what is of none. `region` is then only a way there."""
        return "aws-global" if self.everywhere else self.region

    @property
    def identity(self) -> str:
        """What makes it this very one: what its mark is signed with."""
        return f"{self.account}/{self.home}/{self.kind}/{self.thing}"

    def at(self, keys: Keys | None = None) -> Account:
        """The account it is in, reached as when it was chosen. Raises ActFailed when that leads elsewhere now."""
        return same_account(self._way, self.account, keys)

    def where(self, tags: Mapping[str, str]) -> Where:
        """Where it stands, for limits."""
        return Where(account=self.account, region=self.home, labels=dict(tags))

    def command(self, service: str, operation: str, *words: str) -> str:
        """An `aws` command that a person can type."""
        return shlex.join(["aws", *self._way.words, service, operation, *words])

    @property
    def _way(self) -> Way:
        return Way(profile=self.profile, region=self.region, assume_role=self.assume_role)
