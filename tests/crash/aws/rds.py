"""Scenes in RDS."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

from chaos_runner.targets.aws.access import Account, account, pairs
from tests.crash.aws.picturing import normalised
from tests.crash.scenes import Scene


@contextmanager
def database(at: Account) -> Iterator[str]:
    """An instance of its own."""
    name = f"crash-{uuid4().hex[:8]}"
    at.ask("rds", "create_db_instance", DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="postgres",
           AllocatedStorage=20, MasterUsername="shop", MasterUserPassword="not-secret", Tags=pairs({"crash": name}))
    try:
        yield name
    finally:
        at.ask("rds", "delete_db_instance", DBInstanceIdentifier=name, SkipFinalSnapshot=True)


@contextmanager
def cluster(at: Account, members: int = 3) -> Iterator[str]:
    """An Aurora cluster of its own; its members are named NAME-1, NAME-2, ... and the first one writes."""
    name = f"crash-{uuid4().hex[:8]}"
    at.ask("rds", "create_db_cluster", DBClusterIdentifier=name, Engine="aurora-postgresql", MasterUsername="shop",
           MasterUserPassword="not-secret", Tags=pairs({"crash": name}))
    for number, zone in zip(range(1, members + 1), "abc", strict=False):
        at.ask("rds", "create_db_instance", DBInstanceIdentifier=f"{name}-{number}", DBClusterIdentifier=name,
               DBInstanceClass="db.r6g.large", Engine="aurora-postgresql", AvailabilityZone=f"{at.region}{zone}")
    try:
        yield name
    finally:
        for number in range(1, members + 1):
            at.ask("rds", "delete_db_instance", DBInstanceIdentifier=f"{name}-{number}", SkipFinalSnapshot=True)
        at.ask("rds", "delete_db_cluster", DBClusterIdentifier=name, SkipFinalSnapshot=True)


@contextmanager
def _stopped(_: Path) -> Iterator[Scene]:
    at = account()
    with database(at) as name:
        yield Scene({"target": {"tags": {"crash": name}}},
                    lambda: normalised(at.ask("rds", "describe_db_instances", DBInstanceIdentifier=name)), (), 30.0)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.rds_stop": _stopped,
}
