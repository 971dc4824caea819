"""aws.dynamodb_deny: reading and writing the items of tables is denied, by the table's own policy."""

from typing import ClassVar, Final

from chaos_runner.contracts import Act, Band, Example
from chaos_runner.faults.aws._deny import DenyArguments, DenyFault
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.choosing import Chosen
from chaos_runner.targets.aws.dynamodb import TABLE, TablePolicies, TableTarget, find_tables
from chaos_runner.targets.aws.policies import Policies
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.tagged import LOOKING

_ITEMS: Final = ("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem",
                 "ConditionCheckItem", "PartiQLSelect", "PartiQLInsert", "PartiQLUpdate", "PartiQLDelete")
_PUT: Final = Need("dynamodb:PutResourcePolicy")


class DynamodbDeny(DenyFault[TableTarget, DenyArguments]):
    """Denies actions on tables and their indexes: without `actions` all that read and write items. A statement in the
    table's policy denies; it ends by itself. It spares this identity and, where no `principals` are named, the
    replication of global tables; it never denies changing the policy. DynamoDB takes seconds until all requests are
    denied, and until none is any more.
    """

    target = TableTarget
    arguments = DenyArguments
    band = Band(word="denied")
    kind = TABLE
    policies: ClassVar[Policies] = TablePolicies()
    denied = tuple(f"dynamodb:{one}" for one in _ITEMS)
    kept = ("dynamodb:GetResourcePolicy", "dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy")
    spared = ("arn:aws:iam::*:role/aws-service-role/replication.dynamodb.amazonaws.com/*",)
    permissions = Permissions(
        look=(Need("dynamodb:ListTables", on="*"), Need("dynamodb:GetResourcePolicy"), LOOKING),
        do=(_PUT,), undo=(_PUT, Need("dynamodb:DeleteResourcePolicy")))
    example = Example(target={"ids": ["shop-carts"]}, arguments={"actions": ["dynamodb:PutItem"]})

    def find(self, target: TableTarget, seed: int) -> Chosen:
        return find_tables(target, seed)

    def resources(self, arn: str) -> list[str]:
        return [arn, f"{arn}/index/*"]

    def by_hand(self, act: Act) -> str:
        """Where others have statements too, it takes jq: `aws` alone cannot take one out."""
        ref, statement = ref_of(act), act.do["statement"]
        arn = statement["Resource"][0]
        if not act.was.get("policy", True):
            return ref.command("dynamodb", "delete-resource-policy", "--resource-arn", arn)
        read = ref.command("dynamodb", "get-resource-policy", "--resource-arn", arn, "--query", "Policy", "--output",
                           "text")
        write = ref.command("dynamodb", "put-resource-policy", "--resource-arn", arn, "--policy", "file:///dev/stdin")
        return f"""{read} | jq 'del(.Statement[] | select(.Sid == "{statement['Sid']}"))' | {write}"""
