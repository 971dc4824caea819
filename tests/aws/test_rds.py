"""Faults on databases."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Answer, Grade
from chaos_runner.errors import NoEffect, Refused
from chaos_runner.targets.aws.access import Account, pairs
from chaos_runner.targets.aws.rds import read_database, read_members, status
from tests.aws.trying import prepared
from tests.crash.aws.rds import cluster, database

FAILOVER, REBOOT, STOP = (shelf.own_fault(f"aws.rds_{name}") for name in ("failover", "reboot", "stop"))


@pytest.fixture
def orders(at: Account) -> Iterator[str]:
    with cluster(at) as name:
        yield name


@pytest.fixture
def reports(at: Account) -> Iterator[str]:
    with database(at) as name:
        yield name


def writer(at: Account, name: str) -> str:
    return read_members(at, f"cluster:{name}")[0].name


def test_a_failover_makes_another_member_the_writer(at: Account, orders: str) -> None:
    [act] = prepared("aws.rds_failover", {"ids": [orders]})
    evidence = FAILOVER.apply(act)
    assert writer(at, orders) == act.do["to"] != f"{orders}-1"
    assert evidence.grade is Grade.PROVEN
    assert evidence.after == f"read back: {act.do['to']} writes"


def test_a_failover_goes_to_the_member_that_is_named(at: Account, orders: str) -> None:
    [act] = prepared("aws.rds_failover", {"ids": [orders]}, {"to": f"{orders}-3"})
    FAILOVER.apply(act)
    assert writer(at, orders) == f"{orders}-3"


def test_after_a_failover_the_report_names_the_writer_and_its_zone(at: Account, orders: str) -> None:
    [act] = prepared("aws.rds_failover", {"ids": [orders]}, {"to": f"{orders}-2"})
    FAILOVER.apply(act)
    FAILOVER.undo(act)
    assert FAILOVER.aftermath(act, datetime.now(UTC))[0] == (
        f"the writer is {orders}-2 in {at.region}b; before it was {orders}-1 in {at.region}a")
    assert FAILOVER.verify(act).answer is Answer.GONE


def test_a_zone_names_the_clusters_whose_writer_is_there(at: Account, orders: str) -> None:
    assert [act.label for act in prepared("aws.rds_failover", {"az": f"{at.region}a", "tags": {"crash": orders}})] == [
        f"database cluster:{orders}"]
    with pytest.raises(Refused, match="no database"):
        prepared("aws.rds_failover", {"az": f"{at.region}b", "tags": {"crash": orders}})


def test_a_failover_to_the_writer_or_a_stranger_is_refused(orders: str) -> None:
    for to in (f"{orders}-1", "stranger"):
        with pytest.raises(Refused, match=f"cannot fail over to {to}: available and not the writer are {orders}-2"):
            prepared("aws.rds_failover", {"ids": [orders]}, {"to": to})


def test_a_cluster_with_one_member_is_not_failed_over(at: Account) -> None:
    with cluster(at, 1) as name, pytest.raises(Refused, match="no other available member"):
        prepared("aws.rds_failover", {"ids": [name]})


def test_a_cluster_that_failed_over_meanwhile_is_left_alone(at: Account, orders: str) -> None:
    [act] = prepared("aws.rds_failover", {"ids": [orders]}, {"to": f"{orders}-2"})
    at.ask("rds", "failover_db_cluster", DBClusterIdentifier=orders, TargetDBInstanceIdentifier=f"{orders}-3")
    with pytest.raises(Refused, match=f"{orders}-3 writes"):
        FAILOVER.apply(act)
    assert writer(at, orders) == f"{orders}-3"


def test_a_reboot_that_the_lab_only_takes_is_no_proof(reports: str) -> None:
    [act] = prepared("aws.rds_reboot", {"ids": [reports]})
    assert REBOOT.apply(act).grade is Grade.REPORTED
    assert REBOOT.aftermath(act, datetime.now(UTC))[0] == f"database db:{reports} is available"


def test_an_instance_without_a_standby_is_not_rebooted_with_a_failover(at: Account, reports: str, orders: str) -> None:
    with pytest.raises(Refused, match="not Multi-AZ"):
        prepared("aws.rds_reboot", {"ids": [reports]}, {"failover": True})
    with pytest.raises(Refused, match=rf"aws\.rds_failover with {{ids: \[{orders}\]}}"):
        prepared("aws.rds_reboot", {"ids": [f"{orders}-2"]}, {"failover": True})
    at.ask("rds", "modify_db_instance", DBInstanceIdentifier=reports, MultiAZ=True)
    assert prepared("aws.rds_reboot", {"ids": [reports]}, {"failover": True})[0].do == {"failover": True}


def test_a_cluster_is_stopped_and_started_again(at: Account, orders: str) -> None:
    [act] = prepared("aws.rds_stop", {"ids": [orders]})
    STOP.apply(act)
    assert status(read_database(at, f"cluster:{orders}")) == "stopped"
    assert STOP.by_hand(act).endswith(f"rds start-db-cluster --db-cluster-identifier {orders}")
    STOP.undo(act)
    assert STOP.verify(act).answer is Answer.RESTORED
    assert status(read_database(at, f"cluster:{orders}")) == "available"


def test_a_member_of_a_cluster_is_not_stopped_on_its_own(orders: str) -> None:
    with pytest.raises(Refused, match=f"no database .* is {orders}-1"):
        prepared("aws.rds_stop", {"ids": [f"{orders}-1"]})


def test_a_replica_and_what_has_one_are_not_stopped(at: Account, reports: str) -> None:
    at.ask("rds", "create_db_instance_read_replica", DBInstanceIdentifier=f"{reports}-r",
           SourceDBInstanceIdentifier=reports)
    try:
        for name in (reports, f"{reports}-r"):
            with pytest.raises(Refused, match="neither replicas nor what has replicas"):
                prepared("aws.rds_stop", {"ids": [name]})
    finally:
        at.ask("rds", "delete_db_instance", DBInstanceIdentifier=f"{reports}-r", SkipFinalSnapshot=True)


def test_a_database_that_is_stopped_already_stays_so(at: Account, reports: str) -> None:
    at.ask("rds", "stop_db_instance", DBInstanceIdentifier=reports)
    with pytest.raises(NoEffect, match="none of them runs"):
        prepared("aws.rds_stop", {"ids": [reports]})


def test_a_database_that_somebody_started_meanwhile_is_left_running(at: Account, reports: str) -> None:
    [act] = prepared("aws.rds_stop", {"ids": [reports]})
    STOP.apply(act)
    at.ask("rds", "start_db_instance", DBInstanceIdentifier=reports)
    STOP.undo(act)
    assert STOP.verify(act).answer is Answer.RESTORED


def test_a_database_that_was_deleted_meanwhile_needs_nothing(at: Account) -> None:
    with database(at) as name:
        [act] = prepared("aws.rds_stop", {"ids": [name]})
        STOP.apply(act)
        at.ask("rds", "delete_db_instance", DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        STOP.undo(act)
        assert STOP.verify(act).answer is Answer.GONE
        at.ask("rds", "create_db_instance", DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro",
               Engine="postgres", AllocatedStorage=20)


def test_a_database_under_somebody_elses_fault_is_refused(at: Account, reports: str) -> None:
    arn = read_database(at, f"db:{reports}")["DBInstanceArn"]
    at.ask("rds", "add_tags_to_resource", ResourceName=arn, Tags=pairs({"chaos-runner:run": "chaos-runner-01X-0-then"}))
    with pytest.raises(Refused, match="already bears a mark"):
        prepared("aws.rds_stop", {"ids": [reports]})
