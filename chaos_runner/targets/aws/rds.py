"""What stands in RDS: database instances, Aurora clusters with their members, and how both are tagged."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from chaos_runner.errors import Gone
from chaos_runner.targets.aws.access import Account, pairs, unpaired
from chaos_runner.targets.aws.choosing import Picked, Thing
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Kind
from chaos_runner.units import spoken_seconds

AVAILABLE: Final = "available"
_INSTANCE: Final = "db:"
_CLUSTER: Final = "cluster:"


class RdsTagging(Struct, frozen=True):
    """Tags of instances and clusters. RDS takes ARNs, and gives the tags with what it lists."""

    def read(self, at: Account, thing: str) -> dict[str, str]:
        return unpaired(at.ask("rds", "list_tags_for_resource", ResourceName=DATABASE.arn_at(at, thing))["TagList"])

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        at.ask("rds", "add_tags_to_resource", ResourceName=DATABASE.arn_at(at, thing), Tags=pairs(tags))

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        at.ask("rds", "remove_tags_from_resource", ResourceName=DATABASE.arn_at(at, thing), TagKeys=list(keys))

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:
        yield from ((one.thing, one.tags) for one in [*db_instances(at), *db_clusters(at)] if RUN in one.tags)


DATABASE: Final = Kind("database", RdsTagging(), "arn:aws:rds:{region}:{account}:{thing}",
                       ("rds:ListTagsForResource", "rds:AddTagsToResource", "rds:RemoveTagsFromResource"))
"""An instance or a cluster: "db:reports", "cluster:orders", as its ARN has it."""


class DatabaseTarget(Picked, frozen=True, kw_only=True):
    """Which databases: every key that is given must hold. `ids` may be identifiers, "db:reports" or "cluster:orders".

    `az` is the zone of an instance, and of a cluster's writer.
    """


class Member(Struct, frozen=True, kw_only=True):
    """An instance of a cluster. `tier` says in which order RDS itself would make it the writer."""

    name: str
    writes: bool
    tier: int
    state: str
    zone: str


def is_cluster(thing: str) -> bool:
    """Whether it is a cluster, and no instance."""
    return thing.startswith(_CLUSTER)


def identifier(thing: str) -> str:
    """What RDS calls it: "orders"."""
    return thing.partition(":")[2]


def db_instances(at: Account) -> list[Thing]:
    """All instances, those of clusters too."""
    return [_thing(at, f"{_INSTANCE}{one['DBInstanceIdentifier']}", one, one.get("AvailabilityZone", ""))
            for one in at.every("rds", "describe_db_instances", "DBInstances[]")]


def db_clusters(at: Account) -> list[Thing]:
    """All clusters, each in the zone of its writer."""
    zones = {one.thing: one.az for one in db_instances(at)}
    return [_thing(at, f"{_CLUSTER}{one['DBClusterIdentifier']}", one, zones.get(_writer(one), ""))
            for one in at.every("rds", "describe_db_clusters", "DBClusters[]")]


def read_database(at: Account, thing: str) -> dict[str, Any]:
    """What RDS says of it now. Raises Gone also when it is being deleted."""
    name = identifier(thing)
    if is_cluster(thing):
        seen: dict[str, Any] = at.ask("rds", "describe_db_clusters", DBClusterIdentifier=name)["DBClusters"][0]
    else:
        seen = at.ask("rds", "describe_db_instances", DBInstanceIdentifier=name)["DBInstances"][0]
    if status(seen) == "deleting":
        raise Gone(f"{thing} is being deleted")
    return seen


def status(seen: Mapping[str, Any]) -> str:
    """The state of an instance or a cluster, in RDS' word."""
    return str(seen.get("DBInstanceStatus") or seen.get("Status"))


def read_members(at: Account, thing: str) -> list[Member]:
    """A cluster's instances as they are now, the writer first. Raises Gone."""
    listed = {one["DBInstanceIdentifier"]: one for one in read_database(at, thing)["DBClusterMembers"]}
    found = [Member(name=one["DBInstanceIdentifier"], writes=in_it["IsClusterWriter"], state=status(one),
                    tier=in_it.get("PromotionTier", 1), zone=one.get("AvailabilityZone", ""))
             for one in at.every("rds", "describe_db_instances", "DBInstances[]", Filters=[
                 {"Name": "db-cluster-id", "Values": [identifier(thing)]}])
             if (in_it := listed.get(one["DBInstanceIdentifier"]))]
    return sorted(found, key=_writer_first)


def events_since(at: Account, thing: str, since: datetime) -> list[str]:
    """What RDS tells of it since then, oldest first: "+4 s Started failover to DB instance: orders-2"."""
    found = at.every("rds", "describe_events", "Events[]", SourceIdentifier=identifier(thing), StartTime=since,
                     SourceType="db-cluster" if is_cluster(thing) else "db-instance")
    return [f"+{spoken_seconds(max((one['Date'] - since).total_seconds(), 0.0))} {one['Message']}" for one in found]


def _writer(cluster: Mapping[str, Any]) -> str:
    return next((f"{_INSTANCE}{one['DBInstanceIdentifier']}" for one in cluster["DBClusterMembers"]
                 if one["IsClusterWriter"]), "")


def _writer_first(member: Member) -> tuple[bool, int, str]:
    return not member.writes, member.tier, member.name


def _thing(at: Account, thing: str, seen: dict[str, Any], zone: str) -> Thing:
    return Thing(thing=thing, seen=seen, tags=unpaired(seen.get("TagList")), name=identifier(thing), az=zone,
                 arn=DATABASE.arn_at(at, thing))
