"""Limits on places and shares, held on a cluster."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chaos_runner.cli.main import cli
from chaos_runner.targets.kubernetes.access import cluster
from chaos_runner.targets.kubernetes.kinds import POD
from chaos_runner.targets.kubernetes.objects import Pod
from tests.crash.cluster import make_workload, namespace

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("simulated")]


@pytest.fixture
def space() -> Iterator[str]:
    at = cluster()
    with namespace(at) as name:
        make_workload(at, name, replicas=3)
        while sum(pod.ready for pod in at.list(POD.path(name), Pod).items) < 3:
            pass
        yield name


def planned(folder: Path, space: str, limits: dict[str, Any], **target: Any) -> dict[str, Any]:
    file = folder / "experiment.json"
    aimed = {"namespace": space, "workload": "deployment/web", **target}
    file.write_text(json.dumps({"title": "t", "description": "d", "limits": limits, "method": [
        {"name": "kill", "fault": "kubernetes.pod_kill", "target": aimed}]}))
    found: dict[str, Any] = json.loads(CliRunner().invoke(cli, ["plan", str(file), "--json"]).stdout)
    return found


@pytest.mark.parametrize(("limits", "said"), [
    ({"namespaces": ["shop"]}, "and the experiment allows shop"),
    ({"contexts": ["staging-*"]}, "and the experiment allows staging-*"),
    ({"max-share": "34%"}, "2 of 3 pods of deployment/web = 66.7% would be hit, and the experiment allows 34%"),
    ({"max-targets": 1}, "1 (max-targets)"),
])
def test_what_is_beyond_a_limit_is_refused_with_the_numbers(
        tmp_path: Path, space: str, limits: dict[str, Any], said: str) -> None:
    (refusal,) = planned(tmp_path, space, limits, count=2)["refusals"]
    assert said in refusal


def test_what_is_within_all_limits_is_planned_with_its_share(tmp_path: Path, space: str) -> None:
    limits = {"namespaces": ["crash-*"], "contexts": ["*"], "max-share": "50%", "max-targets": 1}
    plan = planned(tmp_path, space, limits, percent="50%")
    assert plan["refusals"] == []
    assert [(share["hit"], share["of"]) for share in plan["faults"][0]["shares"]] == [(1, 3)]


def test_a_share_that_rounds_to_nothing_is_refused(tmp_path: Path, space: str) -> None:
    plan = planned(tmp_path, space, {}, percent="10%")
    assert "10 % of 3 is less than one" in plan["faults"][0]["refused"]
