"""A seeded sample of the crash matrix on AWS, and the laws of every fault. All of it: `make crash`.

The laws with other processes are those of the matrix, too: here they are tried on some.
"""

import random
from pathlib import Path

import pytest

from chaos_runner.laws import (
    apply_acts_and_undo_brings_back,
    prepare_changes_nothing,
    undo_is_harmless_before_apply,
)
from chaos_runner.testing import Trial, check_fault
from tests.crash.aws import AWS_SCENES
from tests.crash.matrix import By, Case, cases, play
from tests.crash.scenes import Scene

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("aws")]
SAMPLE = [case for by in By for case in random.Random(by).sample(cases(AWS_SCENES, 1, by), 3)]


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_killed_at_any_moment_the_world_is_as_before(case: Case, tmp_path: Path) -> None:
    result = play(case, tmp_path)
    assert result.restored, result.told


@pytest.mark.parametrize("name", sorted(AWS_SCENES))
def test_every_fault_keeps_the_laws_that_one_process_can_try(name: str, tmp_path: Path) -> None:
    with AWS_SCENES[name](tmp_path) as scene:
        for law in (prepare_changes_nothing, undo_is_harmless_before_apply, apply_acts_and_undo_brings_back):
            law(name, _trial(scene))


@pytest.mark.parametrize("name", random.Random(5).sample(sorted(AWS_SCENES), 4))
def test_a_fault_keeps_the_laws_with_other_processes_too(name: str, tmp_path: Path) -> None:
    with AWS_SCENES[name](tmp_path) as scene:
        check_fault(name, _trial(scene))


def _trial(scene: Scene) -> Trial:
    return Trial(target=scene.step.get("target", {}), arguments=scene.step.get("arguments", {}), picture=scene.picture)
