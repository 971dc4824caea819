"""aws.rds_reboot: reboots database instances, with a failover to their standby if wanted."""

import time
from datetime import datetime
from typing import Final

from msgspec import Struct, to_builtins

from chaos_runner.contracts import Act, Answer, Band, Evidence, Example, Grade, Restored, Setting
from chaos_runner.errors import Gone, NoTarget, Refused
from chaos_runner.faults.aws._fault import AwsFault, ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Chosen, Thing, pick
from chaos_runner.targets.aws.rds import (
    AVAILABLE,
    DATABASE,
    DatabaseTarget,
    db_instances,
    events_since,
    identifier,
    read_database,
    status,
)
from chaos_runner.targets.aws.rights import Need, Permissions

_SEEN_S: Final = 5.0
_AGAIN_S: Final = 0.5


class RdsRebootArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`failover`: to the standby in another zone. Only Multi-AZ instances have one."""

    failover: bool = False


class RdsReboot(AwsFault[DatabaseTarget, RdsRebootArguments]):
    """Restarts the engine of database instances: all connections are cut, for a moment nobody can connect. Members of a
    cluster can be rebooted too, without `failover`: that is aws.rds_failover.
    """

    target = DatabaseTarget
    arguments = RdsRebootArguments
    band = Band(word="rebooted")
    kind = DATABASE
    healed_by = "RDS, which starts the engine again"
    permissions = Permissions(look=(Need("rds:DescribeDBInstances", on="*"), Need("rds:DescribeEvents", on="*")),
                              do=(Need("rds:RebootDBInstance"),))
    example = Example(target={"ids": ["shop-reports"]})

    def prepare(self, target: DatabaseTarget, arguments: RdsRebootArguments, setting: Setting) -> list[Act]:
        at = target.account()
        found = pick(at, DATABASE, target, db_instances(at), setting.seed)
        for one in found.things:
            _check_can_reboot(found, one, arguments)
        self.check_allowed([found.ref(one) for one in found.things], setting)
        return [Act(target=to_builtins(ref := found.ref(one)), do={"failover": arguments.failover}, label=ref.label,
                    was={"zone": one.az}, group=found.group, where=ref.where(one.tags)) for one in found.things]

    def apply(self, act: Act) -> Evidence:
        ref, at = ref_of(act), ref_of(act).at()
        try:
            said = at.ask("rds", "reboot_db_instance", DBInstanceIdentifier=identifier(ref.thing),
                          ForceFailover=act.do["failover"])
        except Gone as gone:
            raise NoTarget(f"{ref.label} was gone before it was hit") from gone
        state = _left_available(at, ref.thing, status(said["DBInstance"]))
        return Evidence(grade=Grade.REPORTED if state == AVAILABLE else Grade.PROVEN, before=AVAILABLE,
                        after=f"RDS took it, and said {state}" if state == AVAILABLE else f"read back: {state}")

    def undo(self, act: Act) -> None:
        """Nothing: it comes back by itself."""

    def verify(self, act: Act) -> Restored:
        return Restored(answer=Answer.GONE, diff=f"{act.label} was rebooted: what was in its memory does not come back")

    def aftermath(self, act: Act, since: datetime) -> list[str]:
        ref, at = ref_of(act), ref_of(act).at()
        seen = read_database(at, ref.thing)
        zone = seen.get("AvailabilityZone", "")
        moved = f", in {zone}; before it was in {act.was['zone']}" if zone != act.was["zone"] else ""
        return [f"{ref.label} is {status(seen)}{moved}", *events_since(at, ref.thing, since)]


def _check_can_reboot(found: Chosen, one: Thing, arguments: RdsRebootArguments) -> None:
    label = found.ref(one).label
    if status(one.seen) != AVAILABLE:
        raise Refused(f"{label} is {status(one.seen)}: only one that is available can be rebooted")
    if arguments.failover and not one.seen.get("MultiAZ"):
        raise Refused(f"{label} has no standby to fail over to: it is not Multi-AZ{_rather(one)}")


def _rather(one: Thing) -> str:
    cluster = one.seen.get("DBClusterIdentifier")
    return f"; for its cluster take aws.rds_failover with {{ids: [{cluster}]}}" if cluster else ""


def _left_available(at: Account, thing: str, state: str) -> str:
    """Its state once it is no longer available, or after a while."""
    until_s = time.monotonic() + _SEEN_S
    while state == AVAILABLE and time.monotonic() < until_s:
        time.sleep(_AGAIN_S)
        state = status(read_database(at, thing))
    return state
