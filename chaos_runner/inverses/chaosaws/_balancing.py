"""Elastic Load Balancing: targets, security groups, subnets and access logs."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from chaos_runner.inverses.chaosaws._inverse import Arguments, Find
from chaos_runner.inverses.chaosaws._settings import Settings, Values, Wish
from chaos_runner.targets.aws.access import Account, pairs, unpaired
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need

_GROUPS: Final = "security groups"
_SUBNETS: Final = "subnets"
_LOGGED: Final = "access_logs.s3.enabled"
_BUCKET: Final = "access_logs.s3.bucket"


class _Targets(Settings):
    """Whether "i-1:8080" is registered in a target group. What is draining is not."""

    kind = "target group"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        there = {_target(one["Target"]) for one in at.ask(
            "elbv2", "describe_target_health", TargetGroupArn=thing)["TargetHealthDescriptions"]
            if one["TargetHealth"]["State"] != "draining"}
        return {key: key in there for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        for verb, wanted in (("register", True), ("deregister", False)):
            if some := [_asked(key) for key, value in values.items() if value is wanted]:
                at.ask("elbv2", f"{verb}_targets", TargetGroupArn=thing, Targets=some)

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("elasticloadbalancing:RegisterTargets", on=ref.thing)]

    def by_hand(self, ref: Ref, was: Values) -> str:
        words = [",".join(f"{key}={value}" for key, value in _asked(one).items()) for one in was]
        return ref.command("elbv2", "register-targets", "--target-group-arn", ref.thing, "--targets", *words)

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, thing)


def _target(said: dict[str, Any]) -> str:
    zone = said.get("AvailabilityZone", "")
    return f"{said['Id']}@{said.get('Port', '')}{f'@{zone}' if zone == 'all' else ''}"


def _asked(key: str) -> dict[str, Any]:
    thing, port, zone = [*key.split("@"), ""][:3]
    return {"Id": thing, **({"Port": int(port)} if port else {}), **({"AvailabilityZone": zone} if zone else {})}


class _Balancer(Settings):
    """Its security groups, its subnets, and whether its accesses are logged."""

    kind = "load balancer"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        seen = at.ask("elbv2", "describe_load_balancers", LoadBalancerArns=[thing])["LoadBalancers"][0]
        found: dict[str, Any] = {_GROUPS: sorted(seen.get("SecurityGroups") or ()),
                                 _SUBNETS: sorted(one["SubnetId"] for one in seen["AvailabilityZones"])}
        if not {*keys} <= {*found}:
            found |= unpaired(at.ask("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=thing)["Attributes"])
        return {key: found.get(key) or "" for key in keys}

    def write(self, at: Account, thing: str, values: Values) -> None:
        if _GROUPS in values:
            at.ask("elbv2", "set_security_groups", LoadBalancerArn=thing, SecurityGroups=values[_GROUPS])
        if _SUBNETS in values:
            at.ask("elbv2", "set_subnets", LoadBalancerArn=thing, Subnets=values[_SUBNETS])
        if attributes := {key: value for key, value in values.items() if key not in (_GROUPS, _SUBNETS)}:
            at.ask("elbv2", "modify_load_balancer_attributes", LoadBalancerArn=thing, Attributes=pairs(attributes))

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        actions = {{_GROUPS: "SetSecurityGroups", _SUBNETS: "SetSubnets"}.get(key, "ModifyLoadBalancerAttributes")
                   for key in was}
        return [Need(f"elasticloadbalancing:{action}", on=ref.thing) for action in sorted(actions)]

    def by_hand(self, ref: Ref, was: Values) -> str:
        arn = ("--load-balancer-arn", ref.thing)
        lists = ((_GROUPS, "set-security-groups", "--security-groups"), (_SUBNETS, "set-subnets", "--subnets"))
        said = [ref.command("elbv2", verb, *arn, flag, *was[key]) for key, verb, flag in lists if key in was]
        rest = [f"Key={key},Value={value or ''}" for key, value in was.items() if key not in (_GROUPS, _SUBNETS)]
        said += [ref.command("elbv2", "modify-load-balancer-attributes", *arn, "--attributes", *rest)] if rest else []
        return " && ".join(said)

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return _tags(at, thing)


def _tags(at: Account, arn: str) -> dict[str, str]:
    return unpaired(at.ask("elbv2", "describe_tags", ResourceArns=[arn])["TagDescriptions"][0]["Tags"])


TARGETS: Final = _Targets()
BALANCER: Final = _Balancer()


# ── what the package's actions do ───────────────────────────────────────────────────────────────────────────────────

def deregistered(at: Account, given: Arguments) -> Iterator[Wish]:
    """One target, by chance. Here each that it may be."""
    group = at.ask("elbv2", "describe_target_groups", Names=[given["tg_name"]])["TargetGroups"][0]
    arn = group["TargetGroupArn"]
    there = at.ask("elbv2", "describe_target_health", TargetGroupArn=arn)["TargetHealthDescriptions"]
    if there:
        yield Wish(TARGETS, arn, dict.fromkeys([_target(one["Target"]) for one in there], False), given["tg_name"])


def balanced(setting: str, argument: str) -> Find:
    """Load balancers with other security groups, or in other subnets."""
    def find(at: Account, given: Arguments) -> Iterator[Wish]:
        found = at.every("elbv2", "describe_load_balancers", "LoadBalancers[]", Names=given["load_balancer_names"])
        for one in list(found):
            yield Wish(BALANCER, one["LoadBalancerArn"], {setting: sorted(given[argument])}, one["LoadBalancerName"])

    return find


REGROUPED: Final = balanced(_GROUPS, "security_group_ids")
RESETTLED: Final = balanced(_SUBNETS, "subnet_ids")


def logged(at: Account, given: Arguments) -> Iterator[Wish]:
    """Accesses that are logged in a bucket, or not."""
    enable = bool(given.get("enable"))
    values = {_LOGGED: str(enable).lower(), **({_BUCKET: given["bucket_name"]} if enable else {})}
    yield Wish(BALANCER, given["load_balancer_arn"], values)
