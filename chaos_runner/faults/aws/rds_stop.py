"""aws.rds_stop: stops database instances and Aurora clusters; undo starts those again that ran."""

import time
from typing import Final

from chaos_runner.contracts import Act, Band, Example, NoArguments, Setting
from chaos_runner.errors import ActFailed, NoEffect, Refused
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Chosen, Thing, pick, spoken
from chaos_runner.targets.aws.rds import (
    AVAILABLE,
    DATABASE,
    DatabaseTarget,
    db_clusters,
    db_instances,
    identifier,
    is_cluster,
    read_database,
    status,
)
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need, Permissions

_STATE: Final = "state"
_STOPPED: Final = "stopped"
_STOPPING: Final = "stopping"
_TOWARDS: Final = {"starting": AVAILABLE, _STOPPING: _STOPPED}
_STOPPING_S: Final = 1800.0
"""How long one may take to stop: it cannot be started before. AWS speaks of minutes, and of longer for large ones."""
_AGAIN_S: Final = 2.0
_CAN_STOP: Final = ("aurora", "docdb", "neptune")


class RdsStop(ChangeFault[DatabaseTarget, NoArguments]):
    """Stops what is available: instances on their own, and clusters with all their members. AWS takes minutes to stop
    one, and minutes to start it; after seven days it starts it by itself. What AWS cannot stop is refused: replicas and
    what has them, members of a cluster, Multi-AZ SQL Server, global databases.
    """

    target = DatabaseTarget
    band = Band(word="stopped")
    kind = DATABASE
    undone_by = "it is started again once it has stopped, unless somebody else has done so"
    undo_s = _STOPPING_S + 30.0
    permissions = Permissions(
        look=(Need("rds:DescribeDBInstances", on="*"), Need("rds:DescribeDBClusters", on="*")),
        do=(Need("rds:StopDBInstance"), Need("rds:StopDBCluster")),
        undo=(Need("rds:StartDBInstance"), Need("rds:StartDBCluster")))
    example = Example(target={"ids": ["shop-reports"]})

    def permissions_on(self, ref: Ref) -> Permissions:
        """An instance takes other rights than a cluster."""
        other = "DBInstance" if is_cluster(ref.thing) else "DBCluster"
        found = self.all_permissions
        return found._replace(do=tuple(one for one in found.do if not one.action.endswith(other)),
                              undo=tuple(one for one in found.undo if not one.action.endswith(other)))

    def wanted(self, target: DatabaseTarget, arguments: NoArguments, setting: Setting) -> list[Wanted]:  # noqa: ARG002
        at = target.account()
        alone = [one for one in db_instances(at) if not one.seen.get("DBClusterIdentifier")]
        found = pick(at, DATABASE, target, [*alone, *db_clusters(at)], setting.seed)
        running = [one for one in found.things if status(one.seen) not in (_STOPPED, _STOPPING)]
        if not running:
            raise NoEffect(f"{spoken(DATABASE, target)}: none of them runs")
        for one in running:
            _check_can_stop(found, one)
        return [Wanted.of(found, one, {_STATE: _STOPPED}) for one in running]

    def read(self, at: Account, thing: str) -> Values:
        state = status(read_database(at, thing))
        return {_STATE: _TOWARDS.get(state, state)}

    def write(self, order: Order) -> None:
        """An order that was already carried out, and whose answer was lost, is not given twice."""
        if self.read(order.at, order.thing) == order.values:
            return
        if order.values[_STATE] == AVAILABLE:
            _wait_until_stopped(order.at, order.thing)
        verb = "start" if order.values[_STATE] == AVAILABLE else "stop"
        kind, key = ("cluster", "DBClusterIdentifier") if is_cluster(order.thing) else (
            "instance", "DBInstanceIdentifier")
        order.at.ask("rds", f"{verb}_db_{kind}", **{key: identifier(order.thing)})

    def touches(self, values: Values) -> bool:
        return dict(values) in ({_STATE: AVAILABLE}, {_STATE: _STOPPED})

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        kind = "cluster" if is_cluster(ref.thing) else "instance"
        return ref.command("rds", f"start-db-{kind}", f"--db-{kind}-identifier", identifier(ref.thing))


def _check_can_stop(found: Chosen, one: Thing) -> None:
    label = found.ref(one).label
    if status(one.seen) != AVAILABLE:
        raise Refused(f"{label} is {status(one.seen)}: only one that is available can be stopped")
    against = _cluster_against(one) if is_cluster(one.thing) else _instance_against(one)
    if against:
        raise Refused(f"{label} cannot be stopped: {against}")


def _instance_against(one: Thing) -> str:
    seen = one.seen
    if seen.get("ReadReplicaSourceDBInstanceIdentifier") or seen.get("ReadReplicaDBInstanceIdentifiers"):
        return "AWS stops neither replicas nor what has replicas"
    if seen.get("MultiAZ") and str(seen.get("Engine")).startswith("sqlserver"):
        return "AWS does not stop a Multi-AZ SQL Server"
    return ""


def _cluster_against(one: Thing) -> str:
    seen = one.seen
    if not str(seen.get("Engine")).startswith(_CAN_STOP):
        return "AWS stops clusters of Aurora only; this one is a Multi-AZ cluster"
    if seen.get("GlobalClusterIdentifier") or seen.get("ReadReplicaIdentifiers"):
        return "it is part of a global database, or replicated to another region"
    return "it is of Aurora Serverless v1" if seen.get("EngineMode") == "serverless" else ""


def _wait_until_stopped(at: Account, thing: str) -> None:
    until_s = time.monotonic() + _STOPPING_S
    while status(read_database(at, thing)) == _STOPPING:
        if time.monotonic() > until_s:
            raise ActFailed(f"database {thing} is still stopping after {_STOPPING_S:g} s, and cannot be started before")
        time.sleep(_AGAIN_S)
