"""ECS: how many tasks a service wants and how it places them, which instances take tasks, and tags."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import msgspec

from chaos_runner.errors import Gone
from chaos_runner.inverses.chaosaws._inverse import Arguments
from chaos_runner.inverses.chaosaws._settings import Settings, Values, Wish
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need

_COUNT: Final = "desiredCount"
_DEPLOYMENT: Final = "deploymentConfiguration"
_PLACEMENT: Final = "placementStrategy"
_EMPTY: Final = {_COUNT: 0, _PLACEMENT: []}
_MOST: Final = "maximumPercent"
_LEAST: Final = "minimumHealthyPercent"
_STATUS: Final = "status"


class _Service(Settings):
    """A service by its ARN, which has its cluster's name in it."""

    kind = "ECS service"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        found = _service(at, _cluster(thing), thing)
        return {key: _plain(found.get(key) or _EMPTY.get(key)) for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        at.ask("ecs", "update_service", cluster=_cluster(thing), service=thing, **values)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("ecs:UpdateService", on=ref.thing)]

    def by_hand(self, ref: Ref, was: Values) -> str:
        flags = {_COUNT: "--desired-count", _DEPLOYMENT: "--deployment-configuration",
                 _PLACEMENT: "--placement-strategy"}
        words = [word for key, value in was.items() for word in (flags[key], msgspec.json.encode(value).decode())]
        return ref.command("ecs", "update-service", "--cluster", _cluster(ref.thing), "--service", ref.thing, *words)

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, thing)


class _Container(Settings):
    """A container instance by its ARN: whether it takes tasks."""

    kind = "ECS container instance"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        found = at.ask("ecs", "describe_container_instances", cluster=_cluster(thing), containerInstances=[thing])
        if not found["containerInstances"]:
            raise Gone(f"there is no container instance {thing}")
        return {_STATUS: str(found["containerInstances"][0]["status"])}

    def write(self, at: Account, thing: str, values: Values) -> None:
        at.ask("ecs", "update_container_instances_state", cluster=_cluster(thing), containerInstances=[thing],
               status=values[_STATUS])

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("ecs:UpdateContainerInstancesState", on=ref.thing)]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return ref.command("ecs", "update-container-instances-state", "--cluster", _cluster(ref.thing),
                           "--container-instances", ref.thing, "--status", was[_STATUS])


class _Tags(Settings):
    """Each tag is a setting."""

    kind = "tags of"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        found = _tags(at, thing)
        return {key: found.get(key) for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        there = [{"key": key, "value": value} for key, value in values.items() if value is not None]
        away = [key for key, value in values.items() if value is None]
        if there:
            at.ask("ecs", "tag_resource", resourceArn=thing, tags=there)
        if away:
            at.ask("ecs", "untag_resource", resourceArn=thing, tagKeys=away)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        away, there = None in was.values(), any(value is not None for value in was.values())
        return [Need(f"ecs:{verb}", on=ref.thing)
                for verb, is_needed in (("UntagResource", away), ("TagResource", there)) if is_needed]

    def by_hand(self, ref: Ref, was: Values) -> str:
        away = [key for key, value in was.items() if value is None]
        there = [f"key={key},value={value}" for key, value in was.items() if value is not None]
        said = [ref.command("ecs", verb, "--resource-arn", ref.thing, flag, *words)
                for verb, flag, words in (("untag-resource", "--tag-keys", away), ("tag-resource", "--tags", there))
                if words]
        return " && ".join(said)


def _service(at: Account, cluster: str, service: str) -> dict[str, Any]:
    found = at.ask("ecs", "describe_services", cluster=cluster, services=[service])["services"]
    if not found or found[0]["status"] == "INACTIVE":
        raise Gone(f"there is no ECS service {service} in the cluster {cluster}")
    there: dict[str, Any] = found[0]
    return there


def _cluster(arn: str) -> str:
    """The cluster in the ARN of what is in it. ARNs of the old kind have none, and then it is the default one."""
    parts = arn.partition("/")[2].split("/")
    return parts[0] if len(parts) > 1 else "default"


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _tags(at: Account, arn: str) -> dict[str, str]:
    return {one["key"]: one["value"] for one in at.ask("ecs", "list_tags_for_resource", resourceArn=arn)["tags"]}


SERVICE: Final = _Service()
CONTAINER: Final = _Container()
TAGS: Final = _Tags()


# ── what the package's actions do ───────────────────────────────────────────────────────────────────────────────────

def scaled(at: Account, given: Arguments) -> Iterator[Wish]:
    """Another number of tasks."""
    return _with(at, given, {_COUNT: int(given["desired_count"])})


def deployed(at: Account, given: Arguments) -> Iterator[Wish]:
    """Other bounds for deployments. What else there is to them stays."""
    there = _service(at, given["cluster"], given["service"]).get(_DEPLOYMENT) or {}
    bounds = {_MOST: int(given.get("maximum_percent", 200)), _LEAST: int(given.get("minimum_healthy_percent", 100))}
    return _with(at, given, {_DEPLOYMENT: _plain({**there, **bounds})})


def placed(at: Account, given: Arguments) -> Iterator[Wish]:
    """Another strategy to place tasks."""
    type_, field = given["placement_type"], given.get("placement_field")
    more = {"field": field} if field and type_ != "random" else {}
    return _with(at, given, {_PLACEMENT: [{"type": type_, **more}]})


def _with(at: Account, given: Arguments, values: Values) -> Iterator[Wish]:
    yield Wish(SERVICE, _service(at, given["cluster"], given["service"])["serviceArn"], values, given["service"])


def turned(at: Account, given: Arguments) -> Iterator[Wish]:
    """Container instances that take tasks or not."""
    found = at.ask("ecs", "describe_container_instances", cluster=given["cluster"],
                   containerInstances=given["container_instances"])
    for one in found["containerInstances"]:
        yield Wish(CONTAINER, one["containerInstanceArn"], {_STATUS: given["status"]})


def tagged(at: Account, given: Arguments) -> Iterator[Wish]:
    """What gets tags."""
    yield Wish(TAGS, given["resource_arn"], {one["key"]: one["value"] for one in given["tags"]})


def untagged(at: Account, given: Arguments) -> Iterator[Wish]:
    """What loses tags."""
    yield Wish(TAGS, given["resource_arn"], dict.fromkeys(given["tag_keys"]))
