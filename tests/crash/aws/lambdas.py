"""Scenes in Lambda."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from chaos_runner.lab.aws.world.functions import make_function, make_mapping
from chaos_runner.targets.aws.access import Account, account
from tests.crash.aws.picturing import normalised
from tests.crash.scenes import Scene


@contextmanager
def function(at: Account) -> Iterator[str]:
    """A function of its own, whose tag "crash" is its name."""
    name = f"crash-{uuid4().hex[:8]}"
    trust = {"Version": "2012-10-17", "Statement": []}
    role = at.ask("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    make_function(at, name, role, {"crash": name})
    try:
        yield name
    finally:
        at.ask("lambda", "delete_function", FunctionName=name)
        at.ask("iam", "delete_role", RoleName=name)


@contextmanager
def mapping(at: Account, function: str) -> Iterator[str]:
    """An event source mapping of its own, from a queue that is named as the function."""
    queue = at.ask("sqs", "create_queue", QueueName=function)["QueueUrl"]
    made = make_mapping(at, function, queue, {"crash": function})
    try:
        yield made
    finally:
        at.ask("lambda", "delete_event_source_mapping", UUID=made)
        at.ask("sqs", "delete_queue", QueueUrl=queue)


def pictured(at: Account, name: str) -> Any:
    """A function as Lambda tells of it, without where its code lies: that is signed anew each time."""
    seen = at.ask("lambda", "get_function", FunctionName=name)
    kept = {key: value for key, value in seen["Configuration"].items() if key not in ("LastModified", "RevisionId")}
    return normalised({**seen, "Configuration": kept, "Code": {}})


def _function(arguments: dict[str, Any]) -> Callable[[Path], AbstractContextManager[Scene]]:
    @contextmanager
    def opened(_: Path) -> Iterator[Scene]:
        at = account()
        with function(at) as name:
            yield Scene({"target": {"ids": [name]}, "arguments": arguments}, lambda: pictured(at, name), (), 30.0)

    return opened


@contextmanager
def _mapping(_: Path) -> Iterator[Scene]:
    at = account()
    with function(at) as name, mapping(at, name) as made:
        yield Scene({"target": {"function": name}},
                    lambda: normalised(at.ask("lambda", "get_event_source_mapping", UUID=made)), (), 30.0)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.lambda_event_source_off": _mapping,
    "aws.lambda_throttle": _function({}),
    "aws.lambda_timeout": _function({"timeout": "1s"}),
}
