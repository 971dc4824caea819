"""aws.ebs_detach: takes EBS volumes off their instance; undo attaches them again as the same device."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Band, Example, Restored, Setting
from chaos_runner.errors import ActFailed, Gone, Refused
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.choosing import Chosen, Thing
from chaos_runner.targets.aws.ec2 import VOLUME, VolumeTarget, find_volumes, read_instance, read_volume
from chaos_runner.targets.aws.marks import told
from chaos_runner.targets.aws.rights import Need, Permissions

_PLACE: Final = "attached"
_NOWHERE: Final = "nowhere"
_PLACE_KEYS: Final = {"instance", "device", "ends"}
_STATE_S: Final = 90.0
"""How long a volume may take to be off, and to be on again."""
_AGAIN_S: Final = 1.0
_INSTANCES: Final = "arn:aws:ec2:{region}:{account}:instance/*"
_THERE: Final = {"VolumeId": "{thing}", "InstanceId": "{instance}", "Device": "{device}"}


class EbsDetachArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`force`: off a running instance, too, whose system is not asked: what it has not written is lost, and it may need
    a reboot to see the volume again.
    """

    force: bool = False


class EbsDetach(ChangeFault[VolumeTarget, EbsDetachArguments]):
    """Detaches volumes that are attached to one instance, other than its root.

    The instance must be stopped, or `force` said: a running system that has the volume mounted would keep it for ever.
    Whether the volume is deleted with its instance is as before after the undo, too.
    """

    target = VolumeTarget
    arguments = EbsDetachArguments
    band = Band(word="detached")
    kind = VOLUME
    undone_by = "it is attached to the same instance as the same device, unless somebody attached it elsewhere"
    undo_s = 2 * _STATE_S + 20.0
    permissions = Permissions(
        look=(Need("ec2:DescribeVolumes", on="*"), Need("ec2:DescribeInstances", on="*")),
        do=(Need("ec2:DetachVolume", _THERE), Need("ec2:DetachVolume", on=_INSTANCES)),
        undo=(Need("ec2:AttachVolume", _THERE), Need("ec2:AttachVolume", on=_INSTANCES),
              Need("ec2:ModifyInstanceAttribute", on=_INSTANCES)))
    example = Example(target={"tags": {"role": "data"}, "count": 1}, arguments={"force": True})

    def wanted(self, target: VolumeTarget, arguments: EbsDetachArguments, setting: Setting) -> list[Wanted]:
        found = find_volumes(target, setting.seed)
        return [_wanted(found, one, arguments) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        seen = read_volume(at, thing)
        place = _place(at, seen)
        return {_PLACE: _NOWHERE if _is_half(place, self._former(seen)) else place}

    def write(self, order: Order) -> None:
        place = order.values[_PLACE]
        if place == _NOWHERE:
            order.at.ask("ec2", "detach_volume", VolumeId=order.thing, InstanceId=order.how["instance"],
                         Device=order.how["device"], Force=order.how.get("force", False))
        else:
            _attach(order.at, order.thing, place)

    def touches(self, values: Values) -> bool:
        place = values.get(_PLACE)
        return len(values) == 1 and (place == _NOWHERE or (isinstance(place, dict) and place.keys() == _PLACE_KEYS))

    def notes(self, acts: Sequence[Act]) -> list[str]:
        forced = [act.label for act in acts if act.do["how"].get("force")]
        lost = [f"{', '.join(forced)}: what its system has not written is lost, and it may need a reboot afterwards"]
        return [*super().notes(acts), *(lost if forced else [])]

    def undo(self, act: Act) -> None:
        """A volume whose instance was terminated meanwhile has nowhere to go back to: it is let go."""
        if _lost(act):
            self.let_go(act)
        else:
            super().undo(act)

    def verify(self, act: Act) -> Restored:
        found = super().verify(act)
        lost = _lost(act) if found.answer is Answer.NOT_RESTORED and not self.is_signed(act) else ""
        return Restored(answer=Answer.GONE, diff=lost) if lost else found

    def by_hand(self, act: Act) -> str:
        ref, place = ref_of(act), act.was["values"][_PLACE]
        return ref.command("ec2", "attach-volume", "--volume-id", ref.thing, "--instance-id", place["instance"],
                           "--device", place["device"])

    def _former(self, seen: Mapping[str, Any]) -> Any:
        """Where it was before, as our own tags on it tell."""
        said = told(unpaired(seen.get("Tags")))
        return said.was.get("values", {}).get(_PLACE) if said and said.fault == self.name else None


def _lost(act: Act) -> str:
    """Why it cannot be attached again, ever. Empty when it can."""
    ref, instance = ref_of(act), act.was["values"][_PLACE]["instance"]
    try:
        read_instance(ref.at(), instance)
    except Gone:
        return f"{instance} was terminated meanwhile: {ref.label} stays detached"
    return ""


def _wanted(found: Chosen, one: Thing, arguments: EbsDetachArguments) -> Wanted:
    place = _place(found.at, one.seen)
    if len(one.seen["Attachments"]) != 1 or place == _NOWHERE:
        raise Refused(f"volume {one.thing} is attached to {len(one.seen['Attachments'])} instances, or on its way off "
                      "one: it has to be attached to one")
    _check(read_instance(found.at, place["instance"]), one, place, arguments)
    how = {"instance": place["instance"], "device": place["device"], **({"force": True} if arguments.force else {})}
    return Wanted.of(found, one, {_PLACE: _NOWHERE}, how)


def _check(instance: Mapping[str, Any], one: Thing, place: Mapping[str, Any], arguments: EbsDetachArguments) -> None:
    state = instance["State"]["Name"]
    if place["device"] == instance.get("RootDeviceName"):
        raise Refused(f"volume {one.thing} is the root of {place['instance']}: aws.instance_stop does what is meant")
    if state != "stopped" and not (arguments.force and state == "running"):
        raise Refused(f"volume {one.thing} is attached to {place['instance']}, which is {state}: stop it first, or say "
                      "`force: true` for one that is running")


def _place(at: Account, seen: Mapping[str, Any]) -> Any:
    """Where it is attached or about to be, and whether it ends with that instance. One that is let go is nowhere."""
    there = [one for one in seen["Attachments"] if one["State"] in ("attached", "attaching")]
    if not there:
        return _NOWHERE
    thing, device = there[0]["InstanceId"], there[0]["Device"]
    return {"instance": thing, "device": device, "ends": _ends(at, thing, device)}


def _ends(at: Account, instance: str, device: str) -> bool:
    """Whether what is attached so is deleted with the instance."""
    try:
        there = read_instance(at, instance)["BlockDeviceMappings"]
    except Gone:
        return False
    return any(one["DeviceName"] == device and one["Ebs"].get("DeleteOnTermination") for one in there)


def _is_half(place: Any, former: Any) -> bool:
    """Whether it is attached where it was, and only not yet to be deleted with its instance: the undo has begun."""
    return place != former and isinstance(former, dict) and place == {**former, "ends": False}


def _attach(at: Account, thing: str, place: Mapping[str, Any]) -> None:
    """AWS attaches what is free only, and never so that it ends with the instance: that has to be said afterwards."""
    if _place(at, read_volume(at, thing)) == _NOWHERE:
        _wait(at, thing, "available")
        at.ask("ec2", "attach_volume", VolumeId=thing, InstanceId=place["instance"], Device=place["device"])
    if place["ends"]:
        _wait(at, thing, "in-use")
        at.ask("ec2", "modify_instance_attribute", InstanceId=place["instance"], BlockDeviceMappings=[
            {"DeviceName": place["device"], "Ebs": {"DeleteOnTermination": True}}])


def _wait(at: Account, thing: str, state: str) -> None:
    until_s = time.monotonic() + _STATE_S
    while (now := read_volume(at, thing))["State"] != state or any(
            one["State"] not in ("attached", "detached") for one in now["Attachments"]):
        if time.monotonic() > until_s:
            raise ActFailed(f"volume {thing} is not {state} after {_STATE_S:g} s")
        time.sleep(_AGAIN_S)
