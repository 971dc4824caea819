"""aws.rds_failover: makes another member of a database cluster its writer."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

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
    Member,
    db_clusters,
    events_since,
    identifier,
    read_members,
    status,
)
from chaos_runner.targets.aws.rights import Need, Permissions

_NEW_WRITER_S: Final = 45.0
"""Failovers "typically take less than 35 seconds" (AWS, FailoverDBCluster)."""
_AGAIN_S: Final = 1.0
_NO_CHOICE: Final = "mysql"
"""The engine of the Multi-AZ clusters that choose their next writer themselves (AWS, FailoverDBCluster)."""


class RdsFailoverArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`to`: the member that is to write from then on. Without it the one of the lowest promotion tier; among equals one
    in another zone.
    """

    to: str = ""


class RdsFailover(AwsFault[DatabaseTarget, RdsFailoverArguments]):
    """Fails Aurora and Multi-AZ clusters over: the writer becomes a reader, all its connections are cut. `az` hits the
    clusters whose writer is in that zone. A cluster with no other available member is refused.
    """

    target = DatabaseTarget
    arguments = RdsFailoverArguments
    band = Band(word="failed over")
    kind = DATABASE
    healed_by = "RDS, which makes another member the writer; the former one stays a reader"
    permissions = Permissions(
        look=(Need("rds:DescribeDBClusters", on="*"), Need("rds:DescribeDBInstances", on="*"),
              Need("rds:DescribeEvents", on="*")),
        do=(Need("rds:FailoverDBCluster"),))
    example = Example(target={"ids": ["shop-orders"]})

    def prepare(self, target: DatabaseTarget, arguments: RdsFailoverArguments, setting: Setting) -> list[Act]:
        at = target.account()
        found = pick(at, DATABASE, target, db_clusters(at), setting.seed)
        acts = [_act(found, one, arguments.to) for one in found.things]
        self.check_allowed([ref_of(act) for act in acts], setting)
        return acts

    def apply(self, act: Act) -> Evidence:
        ref, at = ref_of(act), ref_of(act).at()
        try:
            _check_still_writes(at, act)
            chosen = {"TargetDBInstanceIdentifier": act.do["to"]} if act.do["to"] else {}
            at.ask("rds", "failover_db_cluster", DBClusterIdentifier=identifier(ref.thing), **chosen)
        except Gone as gone:
            raise NoTarget(f"{ref.label} was gone before it was hit") from gone
        new = _new_writer(at, act)
        return Evidence(grade=Grade.PROVEN if new else Grade.REPORTED, before=f"{act.was['writer']} writes",
                        after=f"read back: {new} writes" if new else "RDS has begun; the former one still writes")

    def undo(self, act: Act) -> None:
        """Nothing: whoever wants the former writer back fails over once more."""

    def verify(self, act: Act) -> Restored:
        return Restored(answer=Answer.GONE, diff=f"{act.label} is failed over: {act.was['writer']} does not become its "
                                                 "writer again by itself")

    def aftermath(self, act: Act, since: datetime) -> list[str]:
        ref, at = ref_of(act), ref_of(act).at()
        members = read_members(at, ref.thing)
        was = f"; before it was {act.was['writer']}{_in(act.was['zone'])}"
        return [*(f"the writer is {one.name}{_in(one.zone)}{was}" for one in members if one.writes),
                *(f"{one.name} is {one.state}" for one in members if one.state != AVAILABLE),
                *events_since(at, ref.thing, since)]


def _act(found: Chosen, cluster: Thing, to: str) -> Act:
    """What is done to one cluster. Raises Refused for one that cannot be failed over."""
    ref = found.ref(cluster)
    if status(cluster.seen) != AVAILABLE:
        raise Refused(f"{ref.label} is {status(cluster.seen)}: only one that is available can be failed over")
    members = read_members(found.at, cluster.thing)
    writer = next((one for one in members if one.writes), None)
    if writer is None:
        raise Refused(f"{ref.label} has no writer here: it is the secondary of a global database")
    return Act(target=to_builtins(ref), do={"to": _next(members, writer, to, cluster.seen, ref.label)},
               was={"writer": writer.name, "zone": writer.zone}, label=ref.label, group=found.group,
               where=ref.where(cluster.tags))


def _next(members: Sequence[Member], writer: Member, to: str, seen: dict[str, Any], label: str) -> str:
    """The member that is to write; "" where the engine does not let one choose."""
    able = [one for one in members if not one.writes and one.state == AVAILABLE]
    if not able:
        raise Refused(f"{label} has no other available member: without one its only writer would just restart")
    if to and to not in {one.name for one in able}:
        raise Refused(f"{label} cannot fail over to {to}: available and not the writer are "
                      f"{', '.join(one.name for one in able)}")
    if seen.get("Engine") == _NO_CHOICE:
        return _unchosen(to, label)
    return to or min(able, key=lambda one: (one.tier, one.zone == writer.zone, one.name)).name


def _unchosen(to: str, label: str) -> str:
    if to:
        raise Refused(f"{label} is a Multi-AZ cluster of MySQL, which chooses its next writer itself: leave `to` out")
    return ""


def _check_still_writes(at: Account, act: Act) -> None:
    writer = _writer(at, act)
    if writer != act.was["writer"]:
        raise Refused(f"{act.label} has changed since it was looked at: {writer or 'nobody'} writes")


def _new_writer(at: Account, act: Act) -> str:
    """Who writes now; "" when it is the former one for as long as we wait."""
    until_s = time.monotonic() + _NEW_WRITER_S
    while (writer := _writer(at, act)) in ("", act.was["writer"]):
        if time.monotonic() > until_s:
            return ""
        time.sleep(_AGAIN_S)
    return writer


def _writer(at: Account, act: Act) -> str:
    return next((one.name for one in read_members(at, ref_of(act).thing) if one.writes), "")


def _in(zone: str) -> str:
    return f" in {zone}" if zone else ""
