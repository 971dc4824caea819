"""What stands in DynamoDB: tables and their policies."""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from chaos_runner.targets.aws.access import Account, NoPolicy
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, pick
from chaos_runner.targets.aws.policies import Document, Policy, written
from chaos_runner.targets.aws.refs import Kind
from chaos_runner.targets.aws.tagged import Untagged, tagged

_NONE: Final = "NO_POLICY"
"""The revision that DynamoDB takes for "as long as there is none"."""
TABLE: Final = Kind("table", Untagged(), "arn:aws:dynamodb:{region}:{account}:table/{thing}",
                    ("dynamodb:ListTagsOfResource", "dynamodb:TagResource", "dynamodb:UntagResource"), named=True)


class TableTarget(Picked, frozen=True, kw_only=True):
    """Which tables: every key that is given must hold. `ids` are their names."""


class TablePolicies(Struct, frozen=True):
    """Policies of tables. Each has a revision: nobody's change is overwritten."""

    def things(self, at: Account) -> Iterator[str]:
        yield from at.every("dynamodb", "list_tables", "TableNames[]")

    def read(self, at: Account, thing: str) -> Policy:
        try:
            said = at.ask("dynamodb", "get_resource_policy", ResourceArn=TABLE.arn_at(at, thing))
        except NoPolicy:
            return Policy(revision=_NONE)
        return Policy(msgspec.json.decode(said["Policy"]), said["RevisionId"])

    def write(self, at: Account, thing: str, document: Document | None, instead: Policy) -> None:
        arn = TABLE.arn_at(at, thing)
        if document is None:
            at.ask("dynamodb", "delete_resource_policy", ResourceArn=arn, ExpectedRevisionId=instead.revision)
        else:
            at.ask("dynamodb", "put_resource_policy", ResourceArn=arn, Policy=written(document),
                   ExpectedRevisionId=instead.revision)


def find_tables(target: TableTarget, seed: int) -> Chosen:
    """The tables to hit."""
    at = target.account()
    tags = tagged(at, "dynamodb:table")
    there = [Thing(thing=name, arn=(arn := TABLE.arn_at(at, name)), tags=tags.get(arn, {}))
             for name in TablePolicies().things(at)]
    return pick(at, TABLE, target, there, seed)
