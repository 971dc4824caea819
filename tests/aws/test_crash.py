"""A seeded sample of the crash matrix on AWS, and the laws of every fault. All of it: `make crash`."""

import random
from pathlib import Path

import pytest

from chaos_runner.testing import Trial, check_fault
from tests.crash.aws import AWS_SCENES
from tests.crash.matrix import By, Case, cases, play

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("aws")]
SAMPLE = [case for by in By for case in random.Random(by).sample(cases(AWS_SCENES, 1, by), 4)]


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_killed_at_any_moment_the_world_is_as_before(case: Case, tmp_path: Path) -> None:
    result = play(case, tmp_path)
    assert result.restored, result.told


@pytest.mark.parametrize("name", sorted(AWS_SCENES))
def test_every_fault_keeps_the_laws(name: str, tmp_path: Path) -> None:
    with AWS_SCENES[name](tmp_path) as scene:
        check_fault(name, Trial(target=scene.step.get("target", {}), arguments=scene.step.get("arguments", {}),
                                picture=scene.picture))
