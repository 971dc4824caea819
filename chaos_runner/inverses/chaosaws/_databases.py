"""RDS: databases that are stopped, and clusters whose writer is another."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from chaos_runner.errors import NoTarget
from chaos_runner.inverses.chaosaws._inverse import Arguments, Find
from chaos_runner.inverses.chaosaws._settings import Settings, Values, Wish
from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need
from chaos_runner.targets.aws.waiting import wait

STOPPING_S: Final = 900.0
"""How long a database may take to stop: it cannot be started before."""
FAILING_OVER_S: Final = 180.0
_STATE: Final = "state"
_RUNNING: Final = "available"
_STOPPED: Final = "stopped"
_TOWARDS: Final = {"starting": _RUNNING, "stopping": _STOPPED}
_WRITER: Final = "writer"


class _Database(Settings):
    """A DB instance, or a cluster, that runs or not. What it is on its way to counts."""

    def __init__(self, kind: str, word: str, read: Callable[[Account, str], dict[str, Any]]) -> None:
        self.kind = kind  # type: ignore[misc]
        self._word = word
        self._read = read

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        state = self._state(at, thing)
        return {_STATE: _TOWARDS.get(state, state)}

    def _state(self, at: Account, thing: str) -> str:
        found = self._read(at, thing)
        return str(found.get("DBInstanceStatus") or found["Status"])

    def write(self, at: Account, thing: str, values: Values) -> None:
        verb = "stop" if values[_STATE] == _STOPPED else "start"
        wait(lambda: self._state(at, thing) not in _TOWARDS, f"{self.kind} {thing} is still on its way", STOPPING_S)
        at.ask("rds", f"{verb}_db_{self._word}", **{f"DB{self._word.title()}Identifier": thing})

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        what = "db" if self._word == "instance" else "cluster"
        arn = f"arn:aws:rds:{ref.region}:{ref.account}:{what}:{ref.thing}"
        return [Need(f"rds:StartDB{self._word.title()}", on=arn)]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return ref.command("rds", f"start-db-{self._word}", f"--db-{self._word}-identifier", ref.thing)

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return unpaired(self._read(at, thing).get("TagList"))


class _Writer(Settings):
    """Which instance of a cluster writes."""

    kind = "writer of DB cluster"

    def read(self, at: Account, thing: str, keys: Collection[str]) -> dict[str, Any]:
        wait(lambda: _cluster(at, thing)["Status"] != "failing-over", f"{thing} is still failing over", FAILING_OVER_S)
        return {_WRITER: next((one["DBInstanceIdentifier"] for one in _cluster(at, thing)["DBClusterMembers"]
                               if one["IsClusterWriter"]), None)}

    def write(self, at: Account, thing: str, values: Values) -> None:
        at.ask("rds", "failover_db_cluster", DBClusterIdentifier=thing, TargetDBInstanceIdentifier=values[_WRITER])

    def needs(self, ref: Ref, was: Values) -> Sequence[Need]:
        return [Need("rds:FailoverDBCluster", on=f"arn:aws:rds:{ref.region}:{ref.account}:cluster:{ref.thing}")]

    def by_hand(self, ref: Ref, was: Values) -> str:
        return ref.command("rds", "failover-db-cluster", "--db-cluster-identifier", ref.thing,
                           "--target-db-instance-identifier", was[_WRITER])

    def tags(self, at: Account, thing: str) -> dict[str, str]:
        return unpaired(_cluster(at, thing).get("TagList"))


def _cluster(at: Account, thing: str) -> dict[str, Any]:
    found: dict[str, Any] = at.ask("rds", "describe_db_clusters", DBClusterIdentifier=thing)["DBClusters"][0]
    return found


def _instance(at: Account, thing: str) -> dict[str, Any]:
    found: dict[str, Any] = at.ask("rds", "describe_db_instances", DBInstanceIdentifier=thing)["DBInstances"][0]
    return found


INSTANCE: Final = _Database("DB instance", "instance", _instance)
CLUSTER: Final = _Database("DB cluster", "cluster", _cluster)
WRITER: Final = _Writer()


# ── what the package's actions do ───────────────────────────────────────────────────────────────────────────────────

def stopped(settings: Settings, argument: str) -> Find:
    """A database that is stopped."""
    def find(at: Account, given: Arguments) -> Iterator[Wish]:
        yield Wish(settings, given[argument], {_STATE: _STOPPED})

    return find


def failed_over(at: Account, given: Arguments) -> Iterator[Wish]:
    """Another writer. The package cannot fail over without one that is named."""
    if not given.get("target_db_instance_identifier"):
        raise NoTarget("chaosaws cannot fail over without `target_db_instance_identifier`")
    yield Wish(WRITER, given["db_cluster_identifier"], {_WRITER: given["target_db_instance_identifier"]})
