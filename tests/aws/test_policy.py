"""The policy that `policy aws` prints is enough to plan, to run and to undo, and no more than that."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.lab.aws.lab import Lab
from tests.aws.identities import identity
from tests.aws.labs import opened
from tests.cli.runner import chaos_runner, run

pytestmark = pytest.mark.slow
PROBE = {"name": "healthy", "probe": "aws.target_health", "arguments": {"target-group": "shop-app"}, "at-least": "50%",
         "every": "1s"}


def experiment(**step: Any) -> dict[str, Any]:
    return {"title": "One app server stops", "description": "d",
            "steady-state-hypothesis": {"title": "x", "probes": [PROBE]}, "method": [{"name": "stop", **step}]}


STOP = experiment(fault="aws.instance_stop", target={"tags": {"shop": "app"}, "count": 1}, duration="2s")
DARK = experiment(fault="aws.az_blackhole", target={"tags": {"shop": "data"}, "az": "eu-central-1a"}, duration="1s")


def policy(said: dict[str, Any], folder: Path, *words: str) -> dict[str, Any]:
    file = folder / "experiment.json"
    file.write_text(json.dumps(said))
    found: dict[str, Any] = json.loads(chaos_runner("policy", "aws", str(file), *words).out)
    return found


def actions_alone(document: dict[str, Any]) -> str:
    """The same actions on everything: moto heeds no resources and no conditions."""
    return json.dumps({**document, "Statement": [
        {"Effect": "Allow", "Action": one["Action"], "Resource": "*"} for one in document["Statement"]]})


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab of its own: in the others everybody may do everything."""
    with opened() as lab:
        yield lab


@pytest.mark.parametrize("said", [STOP, DARK], ids=["stop", "blackhole"])
def test_with_exactly_that_an_experiment_runs_and_is_undone(said: dict[str, Any], lab: Lab, tmp_path: Path) -> None:
    document = policy(said, tmp_path)
    with identity(lab, actions_alone(document)):
        ran = run(said, tmp_path)
    assert (ran.outcome["verdict"], ran.outcome["restored"]) == ("passed", "restored"), ran.err


def test_who_may_only_look_can_plan_and_not_run(lab: Lab, tmp_path: Path) -> None:
    document = policy(STOP, tmp_path, "--read-only")
    with identity(lab, actions_alone(document)):
        planned = chaos_runner("plan", str(tmp_path / "experiment.json"))
        ran = run(STOP, tmp_path)
    assert "no right to ec2:StopInstances on instance" in planned.out
    assert (ran.outcome["verdict"], ran.outcome["restored"]) == ("not-started", "nothing-to-restore")
    assert "no right to ec2:StopInstances" in ran.outcome["sentence"]


def test_who_may_not_undo_may_not_begin(lab: Lab, tmp_path: Path) -> None:
    document = policy(STOP, tmp_path)
    for statement in document["Statement"]:
        statement["Action"] = [one for one in statement["Action"] if one != "ec2:StartInstances"]
    with identity(lab, actions_alone(document)):
        ran = run(STOP, tmp_path)
    assert ran.outcome["restored"] == "nothing-to-restore"
    assert "it could not be undone: no right to ec2:StartInstances" in ran.outcome["sentence"]


def test_a_policy_names_the_very_things_that_a_target_names_for_good(tmp_path: Path) -> None:
    said = experiment(fault="aws.instance_stop", target={"ids": ["i-0123456789abcdef0"], "region": "eu-west-1"},
                      duration="1s")
    (changing,) = [one for one in policy(said, tmp_path)["Statement"] if "ec2:StopInstances" in one["Action"]]
    assert changing["Resource"] == "arn:aws:ec2:eu-west-1:*:instance/i-0123456789abcdef0"


def test_a_name_that_is_an_id_is_enough(tmp_path: Path) -> None:
    said = experiment(fault="aws.s3_deny", target={"ids": ["shop-pictures"]}, duration="1s")
    (changing,) = [one for one in policy(said, tmp_path)["Statement"] if "s3:PutBucketPolicy" in one["Action"]]
    assert changing["Resource"] == "arn:aws:s3:::shop-pictures"


def test_what_we_make_may_be_deleted_only_where_it_bears_our_tag(tmp_path: Path) -> None:
    (deleting,) = [one for one in policy(DARK, tmp_path)["Statement"] if "ec2:DeleteNetworkAcl" in one["Action"]]
    assert deleting["Condition"] == {"StringLike": {"aws:ResourceTag/chaos-runner:run": "chaos-runner-*"}}
