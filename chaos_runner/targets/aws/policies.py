"""Resource policies: what a thing itself says about who may do what to it, statement by statement.

A statement of ours has our mark as its Sid, so the change and its mark are one and the same call. A Sid has letters and
digits only (AWS, "IAM JSON policy elements: Sid").
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from chaos_runner.errors import Refused
from chaos_runner.mark import PREFIX, Mark, parse
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.rights import principal

SIZE_MOST: Final = 20 * 1024
"""Of S3 and of DynamoDB, in bytes."""
_SID: Final = re.compile(r"ChaosRunner([0-9A-Z]+)n([0-9]+)e([0-9TZ]+)(?:s([0-9a-f]+))?")
_DENY: Final = "Deny"
Document = Mapping[str, Any]
Statement = Mapping[str, Any]


class Policy(Struct, frozen=True):
    """A thing's policy as it was read; no document where there is none. `revision` is which one it was, where the
    service tells.
    """

    document: Document | None = None
    revision: str = ""

    @property
    def statements(self) -> list[Statement]:
        """All of them. AWS also takes one that stands alone, in no list."""
        found = (self.document or {}).get("Statement", [])
        return list(found) if isinstance(found, list) else [found]

    def denied_as(self, sid: str) -> Statement | None:
        """The statement of that Sid that denies something. What allows something is none of ours, whatever its Sid."""
        return next((one for one in self.statements if _is(one, sid)), None)

    def adding(self, statement: Statement) -> Document | None:
        """The document with this statement, beside what others have put there."""
        if self.denied_as(statement["Sid"]):
            return self.document
        return {"Version": "2012-10-17", **(self.document or {}), "Statement": [*self.statements, statement]}

    def removing(self, sid: str) -> Document | None:
        """The document without the statement of that Sid; None when nothing else is in it."""
        rest = [one for one in self.statements if not _is(one, sid)]
        if len(rest) == len(self.statements):
            return self.document
        return {**(self.document or {}), "Statement": rest} if rest else None

    def marks(self) -> Iterator[tuple[Mark, Statement]]:
        """Our statements, each with its mark."""
        yield from ((mark, one) for one in self.statements if (mark := mark_of(str(one.get("Sid", "")))))


class Policies(Protocol):
    """Where a service keeps the policies of its things."""

    def things(self, at: Account) -> Iterator[str]:
        """All that may have one."""

    def read(self, at: Account, thing: str) -> Policy:
        """The policy of a thing. Raises Gone when there is no such thing."""

    def write(self, at: Account, thing: str, document: Document | None, instead: Policy) -> None:
        """Puts a document in the place of what was read, or removes it. Raises NoPolicy when it is another by now, as
        far as the service tells.
        """


def sid_of(mark: Mark) -> str:
    """A mark as a Sid."""
    return f"ChaosRunner{mark.run}n{mark.number}e{mark.expires}{f's{mark.signature}' if mark.signature else ''}"


def mark_of(sid: str) -> Mark | None:
    """The mark that a Sid is. None for every other Sid."""
    found = _SID.fullmatch(sid)
    return parse(PREFIX + "-".join(part for part in found.groups() if part)) if found else None


def written(document: Document) -> str:
    """A document as AWS takes it. Raises Refused for one that is too long."""
    text = msgspec.json.encode(document)
    if len(text) > SIZE_MOST:
        raise Refused(f"the policy would have {len(text)} bytes, and AWS takes {SIZE_MOST}")
    return text.decode()


def ourselves(at: Account) -> list[str]:
    """What `aws:PrincipalArn` says of this identity: a role has its path there, which its sessions do not tell."""
    arn = principal(at)
    role, slash, name = arn.partition(":role/")
    return [arn, f"{role}{slash}*/{name}"] if slash else [arn]


def _is(statement: Statement, sid: str) -> bool:
    return statement.get("Sid") == sid and statement.get("Effect") == _DENY
