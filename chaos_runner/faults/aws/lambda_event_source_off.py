"""aws.lambda_event_source_off: functions are no longer fed from a queue or a stream."""

from typing import Final

from chaos_runner.contracts import Act, Band, Example, NoArguments, Setting
from chaos_runner.errors import NoEffect, Refused
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Chosen, Thing, spoken
from chaos_runner.targets.aws.lambdas import (
    MAPPING,
    SETTLES_S,
    MappingTarget,
    find_mappings,
    read_mapping,
    settled_mapping,
)
from chaos_runner.targets.aws.rights import Need, Permissions

_STATE: Final = "state"
_ON: Final = "Enabled"
_OFF: Final = "Disabled"
_TOWARDS: Final = {"Enabling": _ON, "Creating": _ON, "Disabling": _OFF}
_UPDATING: Final = "Updating"
"""Somebody changes something else in it: whether it is on is told afterwards."""
_UPDATE: Final = Need("lambda:UpdateEventSourceMapping")


class LambdaEventSourceOff(ChangeFault[MappingTarget, NoArguments]):
    """Switches event source mappings off. What arrives waits in the queue or the stream, as long as that keeps it, and
    comes all at once when they are switched on again. Lambda takes up to a minute for either.
    """

    target = MappingTarget
    band = Band(word="not fed")
    kind = MAPPING
    undone_by = "it is switched on again, unless somebody else has done so"
    undo_s = SETTLES_S + 20.0
    permissions = Permissions(
        look=(Need("lambda:ListEventSourceMappings", on="*"), Need("lambda:GetEventSourceMapping")),
        do=(_UPDATE,), undo=(_UPDATE,))
    example = Example(target={"function": "shop-billing"})

    def wanted(self, target: MappingTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        found = find_mappings(target, setting.seed)
        on = [one for one in found.things if one.seen["State"] not in (_OFF, "Disabling")]
        if not on:
            raise NoEffect(f"{spoken(MAPPING, target)}: none of them is on")
        for one in on:
            _check_settled(found, one)
        return [Wanted.of(found, one, {_STATE: _OFF}) for one in on]

    def read(self, at: Account, thing: str) -> Values:
        state = str(read_mapping(at, thing)["State"])
        if state == _UPDATING:
            state = str(settled_mapping(at, thing)["State"])
        return {_STATE: _TOWARDS.get(state, state)}

    def write(self, order: Order) -> None:
        settled_mapping(order.at, order.thing)
        order.at.ask("lambda", "update_event_source_mapping", UUID=order.thing, Enabled=order.values[_STATE] == _ON)

    def touches(self, values: Values) -> bool:
        return dict(values) in ({_STATE: _ON}, {_STATE: _OFF})

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        return ref.command("lambda", "update-event-source-mapping", "--uuid", ref.thing, "--enabled")


def _check_settled(found: Chosen, one: Thing) -> None:
    if one.seen["State"] != _ON:
        raise Refused(f"{found.ref(one).label} is {one.seen['State'].lower()}: wait until it is not")
