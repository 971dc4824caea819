"""Locks that machines share: an object in S3, or an item in DynamoDB, that is written only if nobody else's is there.

Each says whose it is and until when. After that no living run can hold it, so anybody may take it: what a dead runner
leaves ends by itself. S3: conditional writes (`If-None-Match`, `If-Match`). DynamoDB: condition expressions; the table
has one key, a text, and `expires` in seconds since 1970, which a table's TTL can clean up.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from chaos_runner.errors import ChaosRunnerError, Gone, Refused
from chaos_runner.targets.aws.access import Account, Unmet, account
from chaos_runner.targets.aws.addresses import DYNAMODB, S3, Address

SCHEMES: Final = (S3, DYNAMODB)
_JSON: Final = "application/json"


class Holder(Struct, frozen=True, kw_only=True):
    """Who holds a lock: the run, where it runs, and until when at most."""

    run: str
    by: str
    expires: datetime

    @property
    def ended(self) -> bool:
        """Whether no living run can still hold it."""
        return self.expires < datetime.now(UTC)


def take(addresses: Sequence[str], holder: Holder) -> None:
    """Takes all of these locks, in an order that is the same for everybody; none when one cannot be had.

    Raises Refused, which says who holds it, or why that cannot be known. Taken twice by the same run it is taken.
    """
    taken: list[str] = []
    for text in sorted(set(addresses)):
        try:
            _take(text, holder)
        except ChaosRunnerError as problem:
            let_go(taken, holder.run)
            raise problem if isinstance(problem, Held) else Refused(
                f"the lock {text} cannot be had, and nothing is done without it: {problem}") from problem
        taken.append(text)


def let_go(addresses: Sequence[str], run: str) -> str:
    """Lets go of those that this run holds. Gives why one could not be let go: it ends by itself later."""
    problems: list[str] = []
    for text in addresses:
        try:
            _let_go(Address.of(text, *SCHEMES), run)
        except ChaosRunnerError as problem:
            problems.append(f"the lock {text} could not be let go, and ends by itself: {problem}")
    return "; ".join(problems)


class Held(Refused):
    """Another run holds the lock."""

    def __init__(self, text: str, holder: Holder) -> None:
        super().__init__(f"the lock {text} is held by run {holder.run} on {holder.by}, until "
                         f"{holder.expires:%Y-%m-%d %H:%M:%S} UTC at the latest: two runs must not hit the same things")


def _take(text: str, holder: Holder) -> None:
    address, at = Address.of(text, *SCHEMES), account()
    with suppress(Unmet):
        _put(at, address, holder, None)
        return
    found = _read(at, address)
    if found is None:  # let go in the meantime
        _put(at, address, holder, None)
        return
    there, tag = found
    if there.run == holder.run:  # an answer was lost, and the call was made twice
        return
    if not there.ended:
        raise Held(text, there)
    _put(at, address, holder, (there, tag))


def _let_go(address: Address, run: str) -> None:
    """What has ended may be somebody else's in the next moment: it is left."""
    at = account()
    found = _read(at, address)
    if found is None or found[0].run != run or found[0].ended:
        return
    if address.scheme == S3:
        at.ask("s3", "delete_object", Bucket=address.store, Key=address.name)
        return
    with suppress(Unmet):
        at.ask("dynamodb", "delete_item", TableName=address.store, Key=_key(at, address),
               ConditionExpression="#run = :run", ExpressionAttributeNames={"#run": "run"},
               ExpressionAttributeValues={":run": {"S": run}})


def _put(at: Account, address: Address, holder: Holder, instead: tuple[Holder, str] | None) -> None:
    """Writes it where there is none, or in the place of one that has ended. Raises Unmet when that is not so."""
    if address.scheme == S3:
        condition = {"IfMatch": instead[1]} if instead else {"IfNoneMatch": "*"}
        at.ask("s3", "put_object", Bucket=address.store, Key=address.name, Body=msgspec.json.encode(holder),
               ContentType=_JSON, **condition)
        return
    key = _key(at, address)
    asked: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(#key)",
                             "ExpressionAttributeNames": {"#key": next(iter(key))}}
    if instead:
        asked = {"ConditionExpression": "#run = :run", "ExpressionAttributeNames": {"#run": "run"},
                 "ExpressionAttributeValues": {":run": {"S": instead[0].run}}}
    at.ask("dynamodb", "put_item", TableName=address.store, **asked, Item={
        **key, "run": {"S": holder.run}, "by": {"S": holder.by},
        "expires": {"N": str(int(holder.expires.timestamp()))}})


def _read(at: Account, address: Address) -> tuple[Holder, str] | None:
    """Who holds it, and the tag of the object in S3. None when nobody does. Raises Refused for what is no lock."""
    try:
        if address.scheme == S3:
            found = at.ask("s3", "get_object", Bucket=address.store, Key=address.name)
            return msgspec.json.decode(found["Body"].read(), type=Holder), str(found["ETag"])
        item = at.ask("dynamodb", "get_item", TableName=address.store, Key=_key(at, address),
                      ConsistentRead=True).get("Item")
        return (_of_item(item), "") if item else None
    except Gone:
        return None
    except (msgspec.DecodeError, KeyError, ValueError) as problem:
        raise Refused(f"what lies at {address} is no lock of chaos-runner ({problem})") from problem


def _of_item(item: dict[str, Any]) -> Holder:
    return Holder(run=item["run"]["S"], by=item["by"]["S"],
                  expires=datetime.fromtimestamp(int(item["expires"]["N"]), UTC))


def _key(at: Account, address: Address) -> dict[str, Any]:
    """The table's one key, whatever it is called. Raises Refused for a table that has another."""
    schema = at.ask("dynamodb", "describe_table", TableName=address.store)["Table"]
    names = [one["AttributeName"] for one in schema["KeySchema"]]
    texts = {one["AttributeName"] for one in schema["AttributeDefinitions"] if one["AttributeType"] == "S"}
    if len(names) != 1 or names[0] not in texts:
        raise Refused(f"the table {address.store} must have one key, and that a text, to hold locks")
    return {names[0]: {"S": address.name}}
