"""The same experiments under chaoslib and under us, field by field."""

import sys

import pytest

from tests.toolkit.print_differences import IGNORED, PAGE, different, page
from tests.toolkit.scenes import POLICIES, SCENES
from tests.toolkit.seen import by

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("parity")]  # what was played for one is remembered for all
PYTHON_3_11 = pytest.mark.skipif(sys.version_info >= (3, 12), reason="chaoslib differs from us less under Python 3.12")


@pytest.mark.parametrize("name", [name for name, scene in SCENES.items() if not scene.differs])
def test_run_experiment_does_what_chaoslib_does(name: str) -> None:
    assert different(SCENES[name]) == {}


@PYTHON_3_11
@pytest.mark.parametrize("name", [name for name, scene in SCENES.items() if scene.differs])
def test_a_difference_has_a_name_and_is_still_one(name: str) -> None:
    assert SCENES[name].differs in POLICIES
    assert different(SCENES[name])


def test_nothing_that_the_caller_gave_is_changed() -> None:
    assert not [name for name, seen in by("drop-in").items() if seen.get(IGNORED)]


def test_a_green_verdict_is_given_only_where_the_steady_state_was_measured_and_something_acted() -> None:
    passed = {name for name, seen in by("runner").items() if seen.get("verdict") == "passed"}
    left_out = ("only", "skip", "fail", "dry probes", "dry act", "dry in", "dry at")
    assert not [name for name in passed if any(word in name for word in left_out)]


def test_every_policy_is_needed() -> None:
    assert {scene.differs for scene in SCENES.values()} - {""} == set(POLICIES)


@PYTHON_3_11
def test_the_page_says_what_is_seen() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text
