"""What stands in Route 53, which is of no region: health checks, and how they are tagged."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.targets.aws.access import Account, pairs, unpaired
from chaos_runner.targets.aws.choosing import Chosen, Picked, Thing, pick
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind

TAGS_MOST: Final = 10
"""A health check has no more; and no more of them can be asked for their tags at once (AWS, ChangeTagsForResource)."""
_TYPE: Final = "healthcheck"


class HealthCheckTagging(Struct, frozen=True):
    """Tags of health checks."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        said = at.ask("route53", "list_tags_for_resource", ResourceType=_TYPE, ResourceId=thing)
        return unpaired(said["ResourceTagSet"]["Tags"])

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        at.ask("route53", "change_tags_for_resource", ResourceType=_TYPE, ResourceId=thing, AddTags=pairs(tags))

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        """An empty list would be refused."""
        if keys:
            at.ask("route53", "change_tags_for_resource", ResourceType=_TYPE, ResourceId=thing,
                   RemoveTagKeys=list(keys))

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        yield from ((one.thing, one.tags) for one in _health_checks(at) if RUN in one.tags)


HEALTH_CHECK: Final = Kind(
    "health check", HealthCheckTagging(), "arn:aws:route53:::healthcheck/{thing}",
    ("route53:ListTagsForResource", "route53:ChangeTagsForResource", "route53:ChangeTagsForResource"), everywhere=True)


class HealthCheckTarget(Picked, frozen=True, kw_only=True):
    """Which health checks: every key that is given must hold. `ids` may be their ids or what their tag "Name" says."""


def find_health_checks(target: HealthCheckTarget, seed: int) -> Chosen:
    """The health checks to hit."""
    at = target.account()
    return pick(at, HEALTH_CHECK, target, _health_checks(at), seed)


def read_health_check(at: Account, thing: str) -> dict[str, Any]:
    """What Route 53 says of it now. Raises Gone."""
    found: dict[str, Any] = at.ask("route53", "get_health_check", HealthCheckId=thing)["HealthCheck"]
    return found


def _health_checks(at: Account) -> list[Thing]:
    """All of them, with their tags."""
    found = {one["Id"]: one for one in at.every("route53", "list_health_checks", "HealthChecks[]")}
    ids = list(found)
    tags = {one["ResourceId"]: unpaired(one["Tags"]) for start in range(0, len(ids), TAGS_MOST) for one in at.ask(
        "route53", "list_tags_for_resources", ResourceType=_TYPE,
        ResourceIds=ids[start:start + TAGS_MOST])["ResourceTagSets"]}
    return [Thing(thing=one, seen=seen, tags=tags.get(one, {}), name=tags.get(one, {}).get("Name", ""),
                  arn=HEALTH_CHECK.arn_at(at, one)) for one, seen in found.items()]
