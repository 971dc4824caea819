"""aws.az_power: a zone loses its power: its instances stop, and nobody launches others there; undo brings all back."""

from collections.abc import Iterable, Sequence
from typing import Final

from chaos_runner.contracts import Act, Band, Evidence, Example, Marked, PartlyRead, Restored, Right, Setting
from chaos_runner.errors import ActFailed, ChaosRunnerError
from chaos_runner.faults.aws._fault import AwsFault, ref_of
from chaos_runner.faults.aws._zone import Held, OutOfReach, Stopped, ZonePart, ZoneTarget
from chaos_runner.faults.aws.instance_stop import InstanceStopArguments
from chaos_runner.targets.aws.ec2 import INSTANCE
from chaos_runner.targets.aws.rights import Need, Permissions

_PARTS: Final[tuple[ZonePart, ...]] = (Held(), OutOfReach(), Stopped())
"""In the order in which they are done."""


class AzPower(AwsFault[ZoneTarget, InstanceStopArguments]):
    """Stops the running instances of a zone, as when its power fails. Before that its Auto Scaling groups are held:
    they lose the zone's subnets, so that they launch in others only, and do not end what stands still; and the
    instances are taken out of their target groups.

    Other than in a real outage the groups still count what is stopped as theirs: they launch in other zones only when
    they are scaled out. Instances on spot or without an EBS root are refused: the tag chaos-runner:exclude spares them.
    """

    target = ZoneTarget
    arguments = InstanceStopArguments
    band = Band(word="without power")
    kind = INSTANCE
    undone_by = ("its instances are started and registered again; then its Auto Scaling groups get their subnets and "
                 "processes back")
    undo_s = max(part.undo_s for part in _PARTS)
    permissions = Permissions()
    example = Example(target={"az": "eu-central-1a", "tags": {"shop": "web"}})

    @property
    def all_permissions(self) -> Permissions:
        """What its parts need, each on its own kind of thing."""
        parts = [(part, part.all_permissions) for part in _PARTS]
        return Permissions(do=_on(parts, "do"), undo=_on(parts, "undo"), look=_on(parts, "look"))

    def prepare(self, target: ZoneTarget, arguments: InstanceStopArguments, setting: Setting) -> list[Act]:
        return [act for part in _PARTS for act in part.prepare(target, arguments, setting)]

    def apply(self, act: Act) -> Evidence:
        return _part(act).apply(act)

    def undo(self, act: Act) -> None:
        _part(act).undo(act)

    def verify(self, act: Act) -> Restored:
        return _part(act).verify(act)

    def rights(self, act: Act) -> list[Right]:
        return _part(act).rights(act)

    def by_hand(self, act: Act) -> str:
        return _part(act).by_hand(act)

    def notes(self, acts: Sequence[Act]) -> list[str]:
        mine = [(part, [act for act in acts if _part(act) is part]) for part in _PARTS]
        return list(dict.fromkeys(note for part, some in mine if some for note in part.notes(some)))

    def marked(self, where: str) -> list[Marked]:
        """What bears a mark of any part, what was done last first. Raises PartlyRead where a part cannot be read."""
        found: list[Marked] = []
        unread: list[str] = []
        for part in reversed(_PARTS):
            try:
                found += [one for one in part.marked(where) if one.fault == self.name]
            except ActFailed:
                raise
            except ChaosRunnerError as problem:
                unread.append(str(problem))
        if unread:
            raise PartlyRead(unread, found)
        return found


def _part(act: Act) -> ZonePart:
    kind = ref_of(act).kind
    return next(part for part in _PARTS if part.kind.name == kind)


def _on(parts: Iterable[tuple[ZonePart, Permissions]], verb: str) -> tuple[Need, ...]:
    """What they need for a verb, with the kind of thing where it was only said of the very thing."""
    return tuple(need if need.on else need._replace(on=part.kind.arn.replace("{thing}", "*"))
                 for part, wanted in parts for need in getattr(wanted, verb))
