"""aws.eks_nodegroup_scale: gives a managed node group of EKS another size; undo gives it its own again."""

import time
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.errors import ActFailed, Refused, UsageError
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Thing
from chaos_runner.targets.aws.eks import EKS, NODEGROUP, NodegroupTarget, find_nodegroups, names, read_nodegroup
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.waiting import pauses_s

_DESIRED: Final = "desired"
_MIN: Final = "min"
_KEYS: Final = {_DESIRED: "desiredSize", _MIN: "minSize"}
_FREE_S: Final = 90.0
"""How long another update of the node group is waited for: EKS makes one at a time."""
_DONE_S: Final = 40.0


class EksNodegroupScaleArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many nodes there are to be: not more than the group's maximum. Its minimum is lowered where it must be."""

    desired: int


class EksNodegroupScale(ChangeFault[NodegroupTarget, EksNodegroupScaleArguments]):
    """Scales managed node groups. Nodes that go are drained, and terminated; those that come at the undo are others.

    A cluster autoscaler may change the number again, also while this lasts: then it is left as it is at the undo. A
    node group that is being updated is refused.
    """

    target = NodegroupTarget
    arguments = EksNodegroupScaleArguments
    band = Band(word="scaled")
    kind = NODEGROUP
    undone_by = "the node group gets its former size, unless somebody else has changed it, with new nodes"
    undo_s = _FREE_S + _DONE_S + 20.0
    permissions = Permissions(
        look=(Need("eks:ListClusters", on="*"), Need("eks:ListNodegroups", on="*"),
              Need("eks:DescribeNodegroup", on="*"), Need("eks:DescribeUpdate", on="*")),
        do=(Need("eks:UpdateNodegroupConfig"),), undo=(Need("eks:UpdateNodegroupConfig"),))
    example = Example(target={"cluster": "shop", "ids": ["workers"]}, arguments={"desired": 1})

    def wanted(
        self, target: NodegroupTarget, arguments: EksNodegroupScaleArguments, setting: Setting,
    ) -> list[Wanted]:
        if arguments.desired < 0:
            raise UsageError("`desired` is a number from 0 on")
        found = find_nodegroups(target, setting.seed)
        return [Wanted.of(found, one, _values(one, arguments.desired)) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        return _sizes(read_nodegroup(at, thing))

    def write(self, order: Order) -> None:
        seen = _free(order)
        cluster, name = names(order.thing)
        if {key: _sizes(seen)[key] for key in order.values} == order.values:
            return
        said = {**seen["scalingConfig"], **{_KEYS[key]: value for key, value in order.values.items()}}
        made = order.at.ask(EKS, "update_nodegroup_config", clusterName=cluster, nodegroupName=name, scalingConfig=said)
        _wait_until_done(order, made["update"]["id"])

    def touches(self, values: Values) -> bool:
        return values.keys() <= _KEYS.keys() and all(isinstance(one, int) for one in values.values())

    def notes(self, acts: Sequence[Act]) -> list[str]:
        fewer = [act.label for act in acts if act.do["values"][_DESIRED] < act.was["values"][_DESIRED]]
        return [*super().notes(acts), *([f"nodes of {', '.join(fewer)} are terminated, and what is on them is lost"]
                                        if fewer else [])]

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        cluster, name = names(ref.thing)
        said = ",".join(f"{_KEYS[key]}={value}" for key, value in act.was["values"].items())
        return ref.command(EKS, "update-nodegroup-config", "--cluster-name", cluster, "--nodegroup-name", name,
                           "--scaling-config", said)


def _values(one: Thing, desired: int) -> dict[str, int]:
    """A minimum that is low enough stays out of it."""
    sizes = one.seen["scalingConfig"]
    if desired > sizes["maxSize"]:
        raise Refused(f"the node group {one.name} has at most {sizes['maxSize']} nodes, not {desired}")
    if one.seen["status"] not in ("ACTIVE", "DEGRADED"):
        raise Refused(f"the node group {one.name} cannot be scaled now: it is {one.seen['status']}")
    return {_DESIRED: desired, **({_MIN: desired} if desired < sizes["minSize"] else {})}


def _sizes(seen: dict[str, Any]) -> dict[str, int]:
    return {key: seen["scalingConfig"][name] for key, name in _KEYS.items()}


def _free(order: Order) -> dict[str, Any]:
    """The node group, once nobody updates it."""
    until_s, again_s = time.monotonic() + _FREE_S, pauses_s()
    while (seen := read_nodegroup(order.at, order.thing))["status"] == "UPDATING":
        if time.monotonic() > until_s:
            raise ActFailed(f"the node group {seen['nodegroupName']} is still being updated after {_FREE_S:g} s")
        time.sleep(next(again_s))
    return seen


def _wait_until_done(order: Order, update: str) -> None:
    cluster, name = names(order.thing)
    until_s, again_s = time.monotonic() + _DONE_S, pauses_s()
    while time.monotonic() < until_s:
        seen = order.at.ask(EKS, "describe_update", name=cluster, nodegroupName=name, updateId=update)["update"]
        if seen["status"] in ("Failed", "Cancelled"):
            said = "; ".join(str(one.get("errorMessage", "")) for one in seen.get("errors", ()))
            raise ActFailed(f"EKS did not scale the node group {name}: {said or seen['status']}")
        if seen["status"] == "Successful":
            return
        time.sleep(next(again_s))
