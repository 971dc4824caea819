"""Faults on ECS and EKS."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import to_builtins

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer
from chaos_runner.errors import ActFailed, NoEffect, NoTarget, Refused, UsageError
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.ec2 import Ec2Tagging
from chaos_runner.targets.aws.ecs import TASK, cluster_of, read_machine, tasks
from chaos_runner.targets.aws.refs import Ref
from tests.aws.eks_server import CLUSTER, serving
from tests.aws.recorded import answering
from tests.aws.trying import prepared
from tests.crash.aws.containers import cluster


def desired(at: Account, name: str) -> int:
    """How many tasks the service is to run."""
    return int(at.ask("ecs", "describe_services", cluster=name, services=["checkout"])["services"][0]["desiredCount"])


# ── aws.ecs_task_stop ───────────────────────────────────────────────────────────────────────────────────────────────

def test_a_task_of_a_service_is_stopped_and_not_undone(at: Account) -> None:
    fault = shelf.own_fault("aws.ecs_task_stop")
    with cluster(at, 3) as (name, _ids):
        [act] = prepared("aws.ecs_task_stop", {"cluster": name, "service": "checkout", "count": 1})
        assert "STOPPED" in fault.apply(act).after
        assert len(list(tasks(at, name, "checkout"))) == 2
        fault.undo(act)
        assert fault.verify(act).answer is Answer.GONE
        with pytest.raises(NoTarget, match="before it was hit"):
            fault.apply(act)
        assert fault.aftermath(act, datetime.now(UTC)) == ["the service checkout runs 3 of 3 tasks"]


def test_what_a_service_started_since_is_told(at: Account) -> None:
    now = datetime.now(UTC)
    seen = [{"taskArn": f"arn:aws:ecs:eu-central-1:{at.number}:task/shop/{name}", "group": "service:checkout",
             "lastStatus": "PENDING", "createdAt": (now + timedelta(seconds=since_s)).timestamp()}
            for name, since_s in (("old", -60), ("new", 1))]
    said = {"ListTasks": {"taskArns": ["old", "new"]}, "DescribeTasks": {"tasks": seen},
            "DescribeServices": {"services": [{"runningCount": 1, "desiredCount": 2}]}}
    ref = Ref.of(at, TASK, str(seen[0]["taskArn"]))
    act = Act(target=to_builtins(ref), do={}, was={"service": "checkout"}, label="a task")
    with answering(said, "ECS"):
        told = shelf.own_fault("aws.ecs_task_stop").aftermath(act, now)
    assert [line.partition(" was made")[0] for line in told] == ["new", "the service checkout runs 1 of 2 tasks"]


def test_a_task_that_nothing_would_start_again_is_refused(at: Account) -> None:
    with cluster(at, 1) as (name, ids):
        at.ask("ecs", "start_task", cluster=name, taskDefinition=name,
               containerInstances=[read_machine(at, ids[0])["containerInstanceArn"]])
        with pytest.raises(Refused, match="belongs to no service"):
            prepared("aws.ecs_task_stop", {"cluster": name, "percent": "100%"})
        assert len(prepared("aws.ecs_task_stop", {"cluster": name, "service": "checkout"})) == 1


def test_all_tasks_of_a_service_at_once_are_noted(at: Account) -> None:
    with cluster(at, 2) as (name, _ids):
        acts = prepared("aws.ecs_task_stop", {"cluster": name, "service": "checkout"})
        assert "no task of the service checkout keeps running" in shelf.own_fault("aws.ecs_task_stop").notes(acts)
        with pytest.raises(NoTarget):
            prepared("aws.ecs_task_stop", {"cluster": name, "service": "checkuot"})


# ── aws.ecs_drain ───────────────────────────────────────────────────────────────────────────────────────────────────

def test_an_instance_that_somebody_drained_before_is_not_ours(at: Account) -> None:
    fault = shelf.own_fault("aws.ecs_drain")
    with cluster(at, 2) as (name, ids):
        at.ask("ecs", "update_container_instances_state", cluster=name, status="DRAINING",
               containerInstances=[read_machine(at, ids[0])["containerInstanceArn"]])
        [act] = prepared("aws.ecs_drain", {"cluster": name, "percent": "100%"})
        assert act.target["thing"] == ids[1]
        fault.apply(act)
        assert "chaos-runner:undo" in Ec2Tagging("instance").read(at, ids[1])
        with pytest.raises(NoEffect, match="none of them takes tasks"):
            prepared("aws.ecs_drain", {"cluster": name, "percent": "100%"})
        fault.undo(act)
        assert [read_machine(at, one)["status"] for one in ids] == ["DRAINING", "ACTIVE"]


def test_an_instance_that_left_its_cluster_meanwhile_is_gone(at: Account) -> None:
    fault = shelf.own_fault("aws.ecs_drain")
    with cluster(at, 1) as (name, ids):
        [act] = prepared("aws.ecs_drain", {"cluster": name, "ids": ids})
        fault.apply(act)
        at.ask("ecs", "deregister_container_instance", cluster=name, force=True,
               containerInstance=read_machine(at, ids[0])["containerInstanceArn"])
        fault.undo(act)
        assert fault.verify(act).answer is Answer.GONE
        assert not [key for key in Ec2Tagging("instance").read(at, ids[0]) if key.startswith("chaos-runner")]


# ── aws.ecs_scale ───────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_number_that_somebody_else_chose_meanwhile_is_left(at: Account) -> None:
    fault = shelf.own_fault("aws.ecs_scale")
    with cluster(at, 2) as (name, _ids):
        [act] = prepared("aws.ecs_scale", {"cluster": name, "ids": ["checkout"]}, {"desired": 0})
        fault.apply(act)
        assert desired(at, name) == 0
        at.ask("ecs", "update_service", cluster=name, service="checkout", desiredCount=5)
        fault.undo(act)
        assert fault.verify(act).answer is Answer.DRIFT
        assert desired(at, name) == 5


def test_service_auto_scaling_that_would_scale_back_is_noted(at: Account) -> None:
    with cluster(at, 2) as (name, _ids):
        at.ask("application-autoscaling", "register_scalable_target", ServiceNamespace="ecs", MinCapacity=2,
               MaxCapacity=5, ResourceId=f"service/{name}/checkout", ScalableDimension="ecs:service:DesiredCount")
        acts = prepared("aws.ecs_scale", {"cluster": name, "ids": ["checkout"]}, {"desired": 1})
        said = shelf.own_fault("aws.ecs_scale").notes(acts)
    assert any("between 2 and 5 tasks" in note for note in said)


def test_a_service_that_is_deleted_meanwhile_needs_no_undo(at: Account) -> None:
    fault = shelf.own_fault("aws.ecs_scale")
    with cluster(at, 1) as (name, _ids):
        [act] = prepared("aws.ecs_scale", {"cluster": name, "ids": ["checkout"]}, {"desired": 0})
        fault.apply(act)
        at.ask("ecs", "delete_service", cluster=name, service="checkout", force=True)
        fault.undo(act)
        assert fault.verify(act).answer is Answer.GONE
        at.ask("ecs", "create_service", cluster=name, serviceName="checkout", taskDefinition=name, desiredCount=1)


def test_a_service_without_a_number_is_refused(at: Account) -> None:
    with cluster(at, 1) as (name, _ids):
        at.ask("ecs", "create_service", cluster=name, serviceName="agent", taskDefinition=name,
               schedulingStrategy="DAEMON")
        with pytest.raises(Refused, match="one task on each instance"):
            prepared("aws.ecs_scale", {"cluster": name, "ids": ["agent"]}, {"desired": 0})
        with pytest.raises(UsageError):
            prepared("aws.ecs_scale", {"cluster": name, "ids": ["checkout"]}, {"desired": -1})
        with pytest.raises(NoTarget, match="did you mean 'checkout'"):
            prepared("aws.ecs_scale", {"cluster": name, "ids": ["checkuot"]}, {"desired": 0})
        at.ask("ecs", "delete_service", cluster=name, service="agent", force=True)


def test_an_arn_of_the_old_form_is_refused() -> None:
    with pytest.raises(Refused, match="old form"):
        cluster_of("arn:aws:ecs:eu-central-1:123456789012:service/checkout")


# ── aws.eks_nodegroup_scale ─────────────────────────────────────────────────────────────────────────────────────────

def test_a_node_group_gets_another_size_and_its_own_again(at: Account) -> None:
    fault = shelf.own_fault("aws.eks_nodegroup_scale")
    with serving() as there:
        before = dict(there.seen)
        [act] = prepared("aws.eks_nodegroup_scale", {"cluster": CLUSTER, "ids": [there.name]}, {"desired": 1})
        fault.apply(act)
        assert there.sizes == {"minSize": 1, "maxSize": 6, "desiredSize": 1}
        assert "chaos-runner:undo" in there.tags
        fault.undo(act)
        assert there.seen == before


def test_a_node_group_that_an_autoscaler_scaled_meanwhile_is_left(at: Account) -> None:
    fault = shelf.own_fault("aws.eks_nodegroup_scale")
    with serving() as there:
        [act] = prepared("aws.eks_nodegroup_scale", {"cluster": CLUSTER, "ids": [there.name]}, {"desired": 1})
        fault.apply(act)
        there.sizes = {**there.sizes, "desiredSize": 5}
        fault.undo(act)
        assert fault.verify(act).answer is Answer.DRIFT
        assert there.sizes == {"minSize": 2, "maxSize": 6, "desiredSize": 5}


def test_an_update_that_eks_gives_up_is_told(at: Account) -> None:
    with serving() as there:
        [act] = prepared("aws.eks_nodegroup_scale", {"cluster": CLUSTER, "ids": [there.name]}, {"desired": 1})
        there.fails = "no address is free"
        with pytest.raises(ActFailed, match="no address is free"):
            shelf.own_fault("aws.eks_nodegroup_scale").apply(act)
        shelf.own_fault("aws.eks_nodegroup_scale").undo(act)
        assert there.tags == {"team": "shop"}


def test_an_undo_waits_for_somebody_elses_update(at: Account) -> None:
    fault = shelf.own_fault("aws.eks_nodegroup_scale")
    with serving() as there:
        [act] = prepared("aws.eks_nodegroup_scale", {"cluster": CLUSTER, "ids": [there.name]}, {"desired": 1})
        fault.apply(act)
        there.others_looks = 2
        fault.undo(act)
        assert there.sizes["desiredSize"] == 3


@pytest.mark.parametrize(("size", "error"), [(7, Refused), (-1, UsageError), (3, NoEffect)])
def test_a_size_that_cannot_be_or_is_already_is_told(at: Account, size: int, error: type[Exception]) -> None:
    with serving() as there, pytest.raises(error):
        prepared("aws.eks_nodegroup_scale", {"cluster": CLUSTER, "ids": [there.name]}, {"desired": size})


def test_a_node_group_that_is_being_updated_or_gone_is_no_target(at: Account) -> None:
    target: dict[str, Any] = {"cluster": CLUSTER, "percent": "100%"}
    with serving() as there:
        [act] = prepared("aws.eks_nodegroup_scale", target, {"desired": 1})
        there.others_looks = 3
        with pytest.raises(Refused, match="UPDATING"):
            prepared("aws.eks_nodegroup_scale", target, {"desired": 1})
        there.gone = True
        with pytest.raises(NoTarget):
            prepared("aws.eks_nodegroup_scale", target, {"desired": 1})
        with pytest.raises(NoTarget, match="gone before"):
            shelf.own_fault("aws.eks_nodegroup_scale").apply(act)
