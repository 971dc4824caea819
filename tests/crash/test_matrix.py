"""A seeded sample of the crash matrix. All of it: `make crash`."""

import random
from pathlib import Path

import pytest

from chaos_runner import shelf
from tests.crash.aws import AWS_SCENES
from tests.crash.cluster import CLUSTER_SCENES
from tests.crash.matrix import By, Case, cases, play
from tests.crash.moments import Moment
from tests.crash.scenes import NETWORK_SCENES, SCENES

pytestmark = pytest.mark.slow
SAMPLE = random.Random(7).sample(cases(SCENES, 1, By.WATCHDOG), 18)
WITHOUT = random.Random(8).sample(cases(SCENES, 1, By.RECOVER), 10)


def test_every_reversible_fault_on_the_shelf_has_a_scene() -> None:
    reversible = {name for name in shelf.fault_names() if not shelf.fault(name).healed_by}
    on_a_real_node = {"kubernetes.service_latency"}  # a proxy must really run: tests/kubernetes
    platforms = NETWORK_SCENES.keys() | CLUSTER_SCENES.keys() | AWS_SCENES.keys()
    assert reversible == SCENES.keys() | platforms | on_a_real_node


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_killed_at_any_moment_the_watchdog_restores(case: Case, tmp_path: Path) -> None:
    result = play(case, tmp_path)
    assert result.restored, result.told


@pytest.mark.parametrize("case", WITHOUT, ids=str)
def test_with_the_watchdog_killed_too_recover_restores(case: Case, tmp_path: Path) -> None:
    result = play(case, tmp_path)
    assert result.restored, result.told


def test_the_matrix_bites_when_an_act_comes_before_its_record(tmp_path: Path) -> None:
    hasty = Case("host.process_pause", Moment.AFTER_APPLY)
    assert not play(hasty, tmp_path, "--act-first").restored
