"""The functions: billing, fed from a queue of orders, and thumbnails, which only some ask for."""

import io
import json
import zipfile
from typing import Final

from chaos_runner.targets.aws.access import Account

BILLING: Final = "shop-billing"
THUMBNAILS: Final = "shop-thumbnails"
QUEUE: Final = "shop-orders"
_TRUST: Final = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def make(at: Account) -> None:
    """Makes it all."""
    role = at.ask("iam", "create_role", RoleName="shop-functions",
                  AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
    for name in (BILLING, THUMBNAILS):
        make_function(at, name, role, {"shop": "functions"})
    queue = at.ask("sqs", "create_queue", QueueName=QUEUE, tags={"shop": "functions"})["QueueUrl"]
    make_mapping(at, BILLING, queue, {"shop": "functions"})


def make_function(at: Account, name: str, role: str, tags: dict[str, str]) -> None:
    """A function that says so."""
    at.ask("lambda", "create_function", FunctionName=name, Runtime="python3.12", Role=role, Handler="main.handle",
           Code={"ZipFile": _code()}, Timeout=30, MemorySize=128, Tags=tags)


def make_mapping(at: Account, function: str, queue: str, tags: dict[str, str]) -> str:
    """Feeds a function from a queue, and gives the mapping's UUID."""
    source = at.ask("sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=["QueueArn"])
    return str(at.ask("lambda", "create_event_source_mapping", FunctionName=function, BatchSize=10, Tags=tags,
                      EventSourceArn=source["Attributes"]["QueueArn"])["UUID"])


def _code() -> bytes:
    """A program in a zip, as Lambda wants it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("main.py", "def handle(event, context):\n    return {'done': True}\n")
    return packed.getvalue()
