"""Auto Scaling groups: processes that are suspended, subnets, and instances that are detached from them."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from chaos_runner.errors import Gone, NoTarget, Refused
from chaos_runner.inverses.chaosaws import _ec2
from chaos_runner.inverses.chaosaws._inverse import Arguments, Find
from chaos_runner.inverses.chaosaws._settings import Settings, Values, Wish
from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need
from chaos_runner.targets.aws.waiting import wait

_PROCESSES: Final = ("AZRebalance", "AddToLoadBalancer", "AlarmNotification", "HealthCheck", "InstanceRefresh",
                     "Launch", "ReplaceUnhealthy", "ScheduledActions", "Terminate")
_SUBNETS: Final = "subnets"
_GROUP: Final = "group"
_LEAVING: Final = ("Detach", "Terminat")
_UP_TO: Final = ": up to "
LEAVING_S: Final = 60.0
"""How long an instance may take to leave its group: it cannot come back before."""


def _arn(ref: Ref, *, name: str = "") -> str:
    return f"arn:aws:autoscaling:{ref.region}:{ref.account}:autoScalingGroup:*:autoScalingGroupName/{name or ref.thing}"


class _Processes(Settings):
    """Whether each process is suspended."""

    kind = "Auto Scaling group"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        suspended = {one["ProcessName"] for one in _group(at, thing)["SuspendedProcesses"]}
        return {key: key in suspended for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        for verb, suspended in (("suspend", True), ("resume", False)):
            if names := [key for key, value in values.items() if value is suspended]:
                at.ask("autoscaling", f"{verb}_processes", AutoScalingGroupName=thing, ScalingProcesses=names)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need(f"autoscaling:{'Suspend' if value else 'Resume'}Processes", on=_arn(ref))
                for value in set(was.values())]

    def by_hand(self, ref: Ref, was: Values) -> str:
        said = [ref.command("autoscaling", f"{verb}-processes", "--auto-scaling-group-name", ref.thing,
                            "--scaling-processes", *names)
                for verb, suspended in (("suspend", True), ("resume", False))
                if (names := [key for key, value in was.items() if value is suspended])]
        return " && ".join(said)

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, thing)


class _Subnets(Settings):
    """In which subnets a group launches."""

    kind = "subnets of Auto Scaling group"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        return {_SUBNETS: sorted(filter(None, _group(at, thing).get("VPCZoneIdentifier", "").split(",")))}

    def write(self, at: Account, thing: str, values: Values) -> None:
        at.ask("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=thing,
               VPCZoneIdentifier=",".join(values[_SUBNETS]))

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("autoscaling:UpdateAutoScalingGroup", on=_arn(ref))]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return ref.command("autoscaling", "update-auto-scaling-group", "--auto-scaling-group-name", ref.thing,
                           "--vpc-zone-identifier", ",".join(was[_SUBNETS]))

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, thing)


class _Membership(Settings):
    """Which `group` an instance is of, "" for none.

    The group wants one more when it comes back. Where it has got another one meanwhile, that is one too many: so
    "shop-web: up to 1 over 3" is a setting too, whether the group wants so many that this explains it.
    """

    kind = "instance of Auto Scaling group"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        _ec2.POWER.read(at, thing, ())
        member = [one for one in _memberships(at, thing) if not one["LifecycleState"].startswith(_LEAVING)]
        group = str(member[0]["AutoScalingGroupName"]) if member else ""
        return {key: group if key == _GROUP else _has_surplus(at, key) for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        for key, value in values.items():
            if key != _GROUP:
                name, _, size = _surplus(key)
                at.ask("autoscaling", "set_desired_capacity", AutoScalingGroupName=name, DesiredCapacity=size)
            elif value:
                wait(lambda: not _memberships(at, thing), f"instance {thing} is still leaving its group", LEAVING_S)
                at.ask("autoscaling", "attach_instances", AutoScalingGroupName=value, InstanceIds=[thing])

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        on = _arn(ref, name=was[_GROUP])
        lower = [Need("autoscaling:SetDesiredCapacity", on=on)] if len(was) > 1 else []
        return [Need("autoscaling:AttachInstances", on=on), *lower]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return ref.command("autoscaling", "attach-instances", "--instance-ids", ref.thing,
                           "--auto-scaling-group-name", was[_GROUP])

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _ec2.POWER.tags(at, thing)


def _memberships(at: Account, instance: str) -> list[dict[str, Any]]:
    return list(at.every("autoscaling", "describe_auto_scaling_instances", "AutoScalingInstances[]",
                         InstanceIds=[instance]))


def _surplus(key: str) -> tuple[str, int, int]:
    name, _, said = key.rpartition(_UP_TO)
    most, _, size = said.partition(" over ")
    return name, int(most), int(size)


def _has_surplus(at: Account, key: str) -> bool:
    name, most, size = _surplus(key)
    return size < int(_group(at, name)["DesiredCapacity"]) <= size + most


def _group(at: Account, name: str) -> dict[str, Any]:
    found = at.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not found:
        raise Gone(f"there is no Auto Scaling group {name}")
    there: dict[str, Any] = found[0]
    return there


def _tags(at: Account, name: str) -> dict[str, str]:
    return unpaired(_group(at, name).get("Tags"))


PROCESSES: Final = _Processes()
SUBNETS: Final = _Subnets()
MEMBERSHIP: Final = _Membership()


# ── what the package's actions do ───────────────────────────────────────────────────────────────────────────────────

def processes(*, suspended: bool) -> Find:
    """Processes that are suspended or resumed: those that are named, else all."""
    def find(at: Account, given: Arguments) -> Iterator[Wish]:
        for group in _groups(at, given):
            values = dict.fromkeys(given.get("process_names") or _PROCESSES, suspended)
            yield Wish(PROCESSES, group["AutoScalingGroupName"], values)

    return find


def subnets(at: Account, given: Arguments) -> Iterator[Wish]:
    """Other subnets to launch in."""
    for group in _groups(at, given):
        yield Wish(SUBNETS, group["AutoScalingGroupName"], {_SUBNETS: sorted(given["subnets"])})


def stopped(at: Account, given: Arguments) -> Iterator[Wish]:
    """Instances in service that are stopped. Of those that chance would choose from, all."""
    for group in _groups(at, given):
        yield from _ec2.halted(one["InstanceId"] for one in _in_service(group)
                               if given.get("az") in (None, "", one["AvailabilityZone"]))


def detached(at: Account, given: Arguments) -> Iterator[Wish]:
    """Instances in service that leave their group. Of those that chance would choose from, all."""
    for group in _groups(at, given):
        there, name, size = _in_service(group), group["AutoScalingGroupName"], group["DesiredCapacity"]
        values: dict[str, Any] = {_GROUP: ""}
        if not given.get("decrement_capacity"):
            percent = float(given.get("instance_percent") or 0)
            count = int(len(there) * percent / 100) if percent else int(given["instance_count"])
            if size >= group["MaxSize"]:
                raise Refused(f"Auto Scaling group {name} has no room for what is detached to come back: it replaces "
                              f"it, wants {size} and may have {group['MaxSize']} (say decrement_capacity: true)")
            values[f"{name}{_UP_TO}{count} over {size}"] = True
        yield from (Wish(MEMBERSHIP, one["InstanceId"], values) for one in there)


def volume_detached(at: Account, given: Arguments) -> Iterator[Wish]:
    """Volumes that are detached: one of each instance, by chance. Here all of them that it may be."""
    for group in _groups(at, given):
        ids = [one["InstanceId"] for one in group["Instances"]]
        yield from _ec2.detached_of(_ec2.instances(at, {"instance_ids": ids}), f";ASG={group['AutoScalingGroupName']}")


def volume_attached(at: Account, given: Arguments) -> Iterator[Wish]:
    """Volumes that the package has detached from instances of these groups."""
    names = {group["AutoScalingGroupName"] for group in _groups(at, given)}
    return (_ec2.attached_again(volume, told) for volume, told in _ec2.detached_before(at) if told.get("ASG") in names)


def _in_service(group: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in group["Instances"] if one["LifecycleState"] == "InService"]


def _groups(at: Account, given: Arguments) -> list[dict[str, Any]]:
    """As the package chooses them: by names, or by any of these tags."""
    names = given.get("asg_names") or [one["ResourceId"] for one in at.every(
        "autoscaling", "describe_tags", "Tags[]", Filters=[
            filter_ for tag in given["tags"] for filter_ in ({"Name": "key", "Values": [tag["Key"]]},
                                                             {"Name": "value", "Values": [tag["Value"]]})])]
    if not names:
        raise NoTarget("no Auto Scaling group has these tags")
    return [_group(at, name) for name in dict.fromkeys(names)]
