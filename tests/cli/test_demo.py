"""The main job on the embedded target, as a newcomer sees it; and the numbered experiments beside it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from chaos_runner.lab.shop import shop
from tests import turns
from tests.cli.runner import COMMAND, chaos_runner

pytestmark = [pytest.mark.slow, turns.SHOP]
EXPERIMENTS = Path(__file__).parent.parent.parent / "experiments"


def test_the_demo_turns_out_as_told(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "demo", "--json", "--reports", str(tmp_path / "reports")], capture_output=True,
                          text=True, timeout=120, check=False, env={**os.environ, "XDG_STATE_HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    runs = json.loads(done.stdout)["runs"]
    assert [run["verdict"] for run in runs] == ["passed", "deviated", "interrupted"]
    assert {run["restored"] for run in runs} == {"restored"}
    assert "The watchdog undid the fault" in done.stderr
    assert shop.status(tmp_path / "chaos-runner" / "shop") == {}


def test_every_numbered_experiment_is_valid() -> None:
    files = sorted(map(str, EXPERIMENTS.glob("*.yaml")))
    assert chaos_runner("validate", *files).exit == 0


def test_a_service_that_dies_is_survived(tmp_path: Path) -> None:
    with shop.running(tmp_path / "shop") as opened:
        ran = chaos_runner("run", str(EXPERIMENTS / "03-one-orders-service-dies.yaml"), "--json",
                           "--var", f"shop_url={opened.url}", "--reports", str(tmp_path / "reports"))
    assert (ran.exit, ran.outcome["verdict"], ran.outcome["restored"]) == (0, "passed", "nothing-to-restore")
    assert "supervises" in ran.outcome["faults"][0]["irreversible"]
