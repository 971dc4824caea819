"""EC2: instances that are stopped or tagged, volumes that are detached, and rules of security groups."""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from ipaddress import ip_network
from typing import Any, Final

from chaos_runner.errors import NoTarget, Refused
from chaos_runner.inverses.chaosaws._inverse import Arguments, Find
from chaos_runner.inverses.chaosaws._settings import Settings, Values, Wish
from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.ec2 import Ec2Tagging, read_instance
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need
from chaos_runner.targets.aws.waiting import wait

STOPPING_S: Final = 240.0
"""How long an instance may take to stop: it cannot be started before."""
MOVING_S: Final = 90.0
"""How long a volume may take to be attached or detached."""
_STATE: Final = "state"
_RUNNING: Final = "running"
_STOPPED: Final = "stopped"
_TOWARDS: Final = {"pending": _RUNNING, "stopping": _STOPPED}
_OVER: Final = ("shutting-down", "terminated")
_ATTACHED: Final = "attached"
_ENDS: Final = "ends with its instance"
_TAG: Final = "ChaosToolkitDetached"
_ROOTS: Final = ("/dev/sda1", "/dev/xvda")
"""What the package takes for root volumes, and never detaches."""
_PROTOCOLS: Final = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}
_TAGGING: Final = Ec2Tagging("")


class _Power(Settings):
    kind = "instance"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        state = str(read_instance(at, thing)["State"]["Name"])
        return {_STATE: _TOWARDS.get(state, state)}

    def write(self, at: Account, thing: str, values: Values) -> None:
        if values[_STATE] == _STOPPED:
            at.ask("ec2", "stop_instances", InstanceIds=[thing])
            return
        wait(lambda: read_instance(at, thing)["State"]["Name"] != "stopping",
             f"instance {thing} is still stopping, and cannot be started before", STOPPING_S)
        at.ask("ec2", "start_instances", InstanceIds=[thing])

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        action = "ec2:StartInstances" if was[_STATE] == _RUNNING else "ec2:StopInstances"
        return [Need(action, {"InstanceIds": ["{thing}"]})]

    def by_hand(self, ref: Ref, was: Values) -> str:
        verb = "start-instances" if was[_STATE] == _RUNNING else "stop-instances"
        return ref.command("ec2", verb, "--instance-ids", ref.thing)

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _TAGGING.read(at, thing)


class _Tags(Settings):
    """Each tag of an instance is a setting."""

    kind = "tags of instance"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        read_instance(at, thing)
        found = _TAGGING.read(at, thing)
        return {key: found.get(key) for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        if there := {key: value for key, value in values.items() if value is not None}:
            _TAGGING.put(at, thing, there)
        if away := [key for key, value in values.items() if value is None]:
            _TAGGING.remove(at, thing, away)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        dry = {"Resources": ["{thing}"], "Tags": [{"Key": key} for key in was]}
        return [Need("ec2:DeleteTags", dry)] if None in was.values() else []

    def by_hand(self, ref: Ref, was: Values) -> str:
        away = [f"Key={key}" for key, value in was.items() if value is None]
        there = [f"Key={key},Value={value}" for key, value in was.items() if value is not None]
        said = [ref.command("ec2", verb, "--resources", ref.thing, "--tags", *words)
                for verb, words in (("delete-tags", away), ("create-tags", there)) if words]
        return " && ".join(said)

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _TAGGING.read(at, thing)


class _Volume(Settings):
    """`attached` is "i-1:/dev/sdf", "" when it is nowhere."""

    kind = "volume"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        volume = at.ask("ec2", "describe_volumes", VolumeIds=[thing])["Volumes"][0]
        there = [one for one in volume.get("Attachments", ()) if one["State"] in ("attached", "attaching", "busy")]
        found = {_ATTACHED: "", _ENDS: False, _TAG: unpaired(volume.get("Tags")).get(_TAG)}
        if there:
            found |= {_ATTACHED: f"{there[0]['InstanceId']}:{there[0]['Device']}",
                      _ENDS: bool(there[0].get("DeleteOnTermination"))}
        return {key: found[key] for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        if values.get(_ATTACHED) == "":
            at.ask("ec2", "detach_volume", VolumeId=thing)
        elif _ATTACHED in values:
            _attach(at, thing, values[_ATTACHED])
        if _ENDS in values:
            _bind(at, thing, ends=values[_ENDS])
        if _TAG in values and values[_TAG] is None:
            _TAGGING.remove(at, thing, [_TAG])
        elif _TAG in values:
            _TAGGING.put(at, thing, {_TAG: values[_TAG]})

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        if not was.get(_ATTACHED):
            return [Need("ec2:DetachVolume", {"VolumeId": "{thing}"})]
        instance, device = was[_ATTACHED].split(":")
        dry = {"VolumeId": "{thing}", "InstanceId": instance, "Device": device}
        tags = {"Resources": ["{thing}"], "Tags": [{"Key": _TAG}]}
        return [Need("ec2:AttachVolume", dry), Need("ec2:DeleteTags", tags)]

    def by_hand(self, ref: Ref, was: Values) -> str:
        if not was.get(_ATTACHED):
            return ref.command("ec2", "detach-volume", "--volume-id", ref.thing)
        instance, device = was[_ATTACHED].split(":")
        return ref.command("ec2", "attach-volume", "--volume-id", ref.thing, "--instance-id", instance, "--device",
                           device)

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _TAGGING.read(at, thing)


def _attach(at: Account, volume: str, where: str) -> None:
    wait(lambda: _volume_state(at, volume) == "available", f"volume {volume} is not detached yet", MOVING_S)
    instance, device = where.split(":")
    at.ask("ec2", "attach_volume", VolumeId=volume, InstanceId=instance, Device=device)
    wait(lambda: _volume_state(at, volume) == "in-use", f"volume {volume} is not attached yet", MOVING_S)


def _bind(at: Account, volume: str, *, ends: bool) -> None:
    """Whether it is deleted with its instance. AWS never does that with what was attached later, unless it is told."""
    for one in at.ask("ec2", "describe_volumes", VolumeIds=[volume])["Volumes"][0].get("Attachments", ()):
        at.ask("ec2", "modify_instance_attribute", InstanceId=one["InstanceId"], BlockDeviceMappings=[
            {"DeviceName": one["Device"], "Ebs": {"DeleteOnTermination": ends}}])


def _volume_state(at: Account, volume: str) -> str:
    return str(at.ask("ec2", "describe_volumes", VolumeIds=[volume])["Volumes"][0]["State"])


class _Rules(Settings):
    """Each rule that lets somebody in is a setting of its group: its description, None when there is none of that kind.
    Its name is JSON: ["tcp", 80, 80, "10.0.0.0/8"].
    """

    kind = "security group"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        group = at.ask("ec2", "describe_security_groups", GroupIds=[thing])["SecurityGroups"][0]
        there = dict(_rules(group["IpPermissions"]))
        return {key: there.get(key) for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        for key, value in values.items():
            verb = "revoke" if value is None else "authorize"
            at.ask("ec2", f"{verb}_security_group_ingress", GroupId=thing, IpPermissions=[_permission(key, value)])

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need(f"ec2:{'Revoke' if value is None else 'Authorize'}SecurityGroupIngress",
                     {"GroupId": "{thing}", "IpPermissions": [_permission(key, value)]}) for key, value in was.items()]

    def by_hand(self, ref: Ref, was: Values) -> str:
        said = [ref.command("ec2", f"{'revoke' if value is None else 'authorize'}-security-group-ingress",
                            "--group-id", ref.thing, "--ip-permissions", json.dumps([_permission(key, value)]))
                for key, value in was.items()]
        return " && ".join(said)

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _TAGGING.read(at, thing)


def _rules(permissions: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for one in permissions:
        for key, sources in (("CidrIp", one.get("IpRanges")), ("GroupId", one.get("UserIdGroupPairs"))):
            for source in sources or ():
                yield _rule(one["IpProtocol"], one.get("FromPort"), one.get("ToPort"), source[key]), source.get(
                    "Description", "")


def _rule(protocol: str, first: int | None, last: int | None, source: str) -> str:
    every = protocol == "-1"
    return json.dumps([protocol, None if every else first, None if every else last, source])


def _permission(key: str, description: str | None) -> dict[str, Any]:
    protocol, first, last, source = json.loads(key)
    said = {"Description": description} if description else {}
    found: dict[str, Any] = {"IpProtocol": protocol}
    if first is not None:
        found |= {"FromPort": first, "ToPort": last}
    if source.startswith("sg-"):
        return {**found, "UserIdGroupPairs": [{"GroupId": source, **said}]}
    return {**found, "IpRanges": [{"CidrIp": source, **said}]}


POWER: Final = _Power()
TAGS: Final = _Tags()
VOLUME: Final = _Volume()
RULES: Final = _Rules()


# ── what the package's actions do ───────────────────────────────────────────────────────────────────────────────────

def stopped(at: Account, given: Arguments) -> Iterator[Wish]:
    """Instances that are stopped. Of those that chance would choose from, all."""
    for one in instances(at, given):
        if one.get("InstanceLifecycle") == "spot":
            raise Refused(f"instance {one['InstanceId']} is a spot instance: chaosaws would cancel its request and "
                          "terminate it, and nothing brings it back")
        yield _wished(one, _STOPPED)


def started(at: Account, given: Arguments) -> Iterator[Wish]:
    """Instances that are started."""
    for one in instances(at, given):
        yield _wished(one, _RUNNING)


def _wished(instance: dict[str, Any], state: str) -> Wish:
    """It is as it was listed: there may be thousands to choose from."""
    tags, now = unpaired(instance.get("Tags")), instance["State"]["Name"]
    return Wish(POWER, instance["InstanceId"], {_STATE: state}, tags.get("Name", ""), {_STATE: _TOWARDS.get(now, now)},
                tags)


def halted(ids: Iterable[str]) -> Iterator[Wish]:
    """Instances that are stopped, whatever they are."""
    return (Wish(POWER, one, {_STATE: _STOPPED}) for one in ids)


def instances(at: Account, given: Arguments) -> Iterator[dict[str, Any]]:
    """As the package chooses them: ids go before everything else."""
    ids = [given["instance_id"]] if given.get("instance_id") else list(given.get("instance_ids") or ())
    filters = [*(given.get("filters") or ())]
    filters += [{"Name": "availability-zone", "Values": [given["az"]]}] if given.get("az") else []
    if not ids and not filters:
        raise NoTarget("neither ids nor a zone nor filters are given")
    how: dict[str, Any] = {"InstanceIds": ids} if ids else {"Filters": filters}
    for one in at.every("ec2", "describe_instances", "Reservations[].Instances[]", **how):
        if one["State"]["Name"] not in _OVER:
            yield one


def _name(instance: dict[str, Any]) -> str:
    return unpaired(instance.get("Tags")).get("Name", "")


def tagged(at: Account, given: Arguments) -> Iterator[Wish]:
    """Instances that get tags. Without any choice the package takes all of the region."""
    tags = _tags(given["tags"])
    everybody = {"Name": "instance-state-name", "Values": [*_TOWARDS, _RUNNING, _STOPPED]}
    for one in instances(at, {"filters": [*(given.get("filters") or ()), everybody], "az": given.get("az")}):
        if "InstanceLifecycle" not in one:
            yield Wish(TAGS, one["InstanceId"], tags, _name(one))


def untagged(at: Account, given: Arguments) -> Iterator[Wish]:
    """Instances that have all of these tags, and lose them."""
    tags = _tags(given["tags"])
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    for one in instances(at, {"filters": filters, "az": given.get("az")}):
        yield Wish(TAGS, one["InstanceId"], dict.fromkeys(tags), _name(one))


def _tags(said: Any) -> dict[str, str]:
    if isinstance(said, str):
        return dict(pair.split("=", 1) for pair in said.split(","))
    return unpaired(said)


def detached(at: Account, given: Arguments) -> Iterator[Wish]:
    """Volumes that are detached: one of each instance, by chance. Here all of them that it may be."""
    return detached_of(instances(at, {key: given.get(key) for key in ("instance_ids", "filters")}))


def detached_of(instances: Iterable[dict[str, Any]], more: str = "") -> Iterator[Wish]:
    """The volumes of these instances. `more` is what the package adds to its tag."""
    for one in instances:
        for mapping in one.get("BlockDeviceMappings", ()):
            device = mapping["DeviceName"]
            if device not in _ROOTS:
                told = f"DeviceName={device};InstanceId={one['InstanceId']}{more}"
                yield Wish(VOLUME, mapping["Ebs"]["VolumeId"], {_ATTACHED: "", _ENDS: False, _TAG: told})


def attached(at: Account, given: Arguments) -> Iterator[Wish]:
    """Volumes that the package has detached, and attaches again."""
    chosen = {key: given.get(key) for key in ("instance_ids", "filters")}
    among = {one["InstanceId"] for one in instances(at, chosen)} if any(chosen.values()) else set()
    for volume, told in detached_before(at):
        if not among or told["InstanceId"] in among:
            yield attached_again(volume, told)


def detached_before(at: Account) -> Iterator[tuple[str, dict[str, str]]]:
    """Volumes that bear the package's tag, and what it tells."""
    for one in at.every("ec2", "describe_volumes", "Volumes[]", Filters=[{"Name": "tag-key", "Values": [_TAG]}]):
        told = unpaired(one.get("Tags"))[_TAG]
        yield one["VolumeId"], dict(pair.split("=", 1) for pair in told.split(";"))


def attached_again(volume: str, told: dict[str, str]) -> Wish:
    """That a volume is where the package's tag says it was."""
    return Wish(VOLUME, volume, {_ATTACHED: f"{told['InstanceId']}:{told['DeviceName']}"})


def ruled(*, there: bool) -> Find:
    """A rule that is added to a security group, or taken from it."""
    def find(at: Account, given: Arguments) -> Iterator[Wish]:
        protocol = str(given["ip_protocol"])
        protocol = _PROTOCOLS.get(protocol, protocol)
        first, last = int(given["from_port"]), int(given["to_port"])
        sources = [str(ip_network(given["cidr_ip"], strict=False))] if given.get("cidr_ip") else []
        sources += [given["ingress_security_group_id"]] if given.get("ingress_security_group_id") else []
        group = given["requested_security_group_id"]
        keys = [_rule(protocol, first, last, source) for source in sources]
        now = RULES.read(at, group, keys)
        yield Wish(RULES, group, {key: (now[key] or "") if there else None for key in keys})

    return find
