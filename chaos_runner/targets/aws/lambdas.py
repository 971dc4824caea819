"""What stands in Lambda: functions, and the event source mappings that feed them from queues and streams."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.errors import ActFailed
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, pick
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind
from chaos_runner.targets.aws.tagged import tagged

SETTLES_S: Final = 120.0
"""How long Lambda may take over a change, during which it refuses another."""
_AGAIN_S: Final = 1.0
_ARN: Final = "arn:aws:lambda:{region}:{account}:"
_TAGS: Final = ("lambda:ListTags", "lambda:TagResource", "lambda:UntagResource")
_ON_ITS_WAY: Final = ("Creating", "Enabling", "Disabling", "Updating")


class FunctionTagging(Struct, frozen=True):
    """Tags of functions."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, FUNCTION.arn_at(at, thing))

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        at.ask("lambda", "tag_resource", Resource=FUNCTION.arn_at(at, thing), Tags=dict(tags))

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask("lambda", "untag_resource", Resource=FUNCTION.arn_at(at, thing), TagKeys=list(keys))

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        """Lambda lists no tags, and answers few questions a second: another service knows them."""
        for arn, tags in tagged(at, "lambda:function", RUN).items():
            yield arn.rpartition(":")[2], tags


class MappingTagging(Struct, frozen=True):
    """Tags of event source mappings."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, MAPPING.arn_at(at, thing))

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        at.ask("lambda", "tag_resource", Resource=MAPPING.arn_at(at, thing), Tags=dict(tags))

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask("lambda", "untag_resource", Resource=MAPPING.arn_at(at, thing), TagKeys=list(keys))

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        yield from ((one.thing, one.tags) for one in _mappings(at, {}) if RUN in one.tags)


FUNCTION: Final = Kind("function", FunctionTagging(), f"{_ARN}function:{{thing}}", _TAGS, named=True)
MAPPING: Final = Kind("event source mapping", MappingTagging(), f"{_ARN}event-source-mapping:{{thing}}", _TAGS,
                      named=True)


class FunctionTarget(Picked, frozen=True, kw_only=True):
    """Which functions: every key that is given must hold. `ids` are their names."""


class MappingTarget(Picked, frozen=True, kw_only=True):
    """Which event source mappings: every key that is given must hold. `function` is the name of the function that they
    feed, `source` the ARN of the queue or stream that they read. `ids` are their UUIDs.
    """

    function: str = ""
    source: str = ""


def find_functions(target: FunctionTarget, seed: int) -> Chosen:
    """The functions to hit."""
    at = target.account()
    tags = tagged(at, "lambda:function")
    there = [Thing(thing=one["FunctionName"], seen=one, tags=tags.get(one["FunctionArn"], {}), arn=one["FunctionArn"])
             for one in at.every("lambda", "list_functions", "Functions[]")]
    return pick(at, FUNCTION, target, there, seed)


def find_mappings(target: MappingTarget, seed: int) -> Chosen:
    """The event source mappings to hit. Those of a function and of a source are listed by the server."""
    at = target.account()
    asked = {"FunctionName": target.function, "EventSourceArn": target.source}
    there = _mappings(at, {key: value for key, value in asked.items() if value})
    return pick(at, MAPPING, target, there, seed)


def read_function(at: Account, thing: str) -> dict[str, Any]:
    """The configuration of the function itself, not of one of its versions. Raises Gone."""
    return at.ask("lambda", "get_function_configuration", FunctionName=thing)


def settled_function(at: Account, thing: str) -> dict[str, Any]:
    """The same once no change of it is under way. Raises ActFailed when that does not end."""
    until_s = time.monotonic() + SETTLES_S
    while (seen := read_function(at, thing)).get("LastUpdateStatus") == "InProgress" or seen.get("State") == "Pending":
        _wait(f"function {thing}", until_s)
    return seen


def read_mapping(at: Account, thing: str) -> dict[str, Any]:
    """What Lambda says of it now. Raises Gone."""
    return at.ask("lambda", "get_event_source_mapping", UUID=thing)


def settled_mapping(at: Account, thing: str) -> dict[str, Any]:
    """The same once no change of it is under way. Raises ActFailed when that does not end."""
    until_s = time.monotonic() + SETTLES_S
    while (seen := read_mapping(at, thing))["State"] in _ON_ITS_WAY:
        _wait(f"event source mapping {thing}", until_s)
    return seen


def _wait(label: str, until_s: float) -> None:
    if time.monotonic() > until_s:
        raise ActFailed(f"{label} is still being changed after {SETTLES_S:g} s, and takes no other change before")
    time.sleep(_AGAIN_S)


def _mappings(at: Account, asked: Mapping[str, str]) -> list[Thing]:
    """Those that the server lists, with their tags, for which it is asked one by one."""
    return [Thing(thing=one["UUID"], seen=one, name=_spoken(one), arn=(arn := MAPPING.arn_at(at, one["UUID"])),
                  tags=_tags(at, arn))
            for one in at.every("lambda", "list_event_source_mappings", "EventSourceMappings[]", **asked)
            if one["State"] != "Deleting"]


def _spoken(mapping: Mapping[str, Any]) -> str:
    """ "orders to billing": from which queue to which function."""
    source = str(mapping.get("EventSourceArn", "a self-managed source"))
    return f"{source.rpartition(':')[2].rpartition('/')[2]} to {mapping['FunctionArn'].split(':')[6]}"


def _tags(at: Account, arn: str) -> dict[str, str]:
    found: dict[str, str] = at.ask("lambda", "list_tags", Resource=arn).get("Tags", {})
    return found
