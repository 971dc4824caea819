"""Chaos Toolkit's tolerances, and where they would be met by nothing."""

from typing import Any

import pytest

from chaos_runner.engine.judging import CannotJudge, holds
from chaos_runner.experiment.model import Tolerance
from chaos_runner.experiment.values import Values


def met(tolerance: Any, value: Any) -> bool:
    return holds(Tolerance(tolerance), value, Values())


def judge(*command: str) -> dict[str, Any]:
    """A tolerance that is a process: the words of a shell that gets the value too."""
    return {"type": "probe", "name": "judge", "provider": {"type": "process", "path": "sh",
                                                           "arguments": {"-c": " ".join(command)}}}


def test_a_word_is_one_of_two() -> None:
    assert met(["amber", "green"], "green")
    assert not met(["amber", "green"], "red")


def test_a_word_that_only_stands_between_two_others_cannot_be_judged() -> None:
    with pytest.raises(CannotJudge, match="is neither"):
        met(["amber", "green"], "broken")


def test_two_numbers_are_a_range() -> None:
    assert met([1, 3], 2)
    assert not met([1, 3], 4)


@pytest.mark.parametrize("value", ["<html>sorry</html>", "", b"", None, 5, "5"])
@pytest.mark.parametrize("nothing", [{"count": 0}, {"expect": []}])
def test_a_path_that_should_find_nothing_cannot_be_judged_by_what_is_no_json(value: Any, nothing: Any) -> None:
    with pytest.raises(CannotJudge, match=r"what is no JSON|raised"):
        met({"type": "jsonpath", "path": "$.failed[*]", **nothing}, value)


@pytest.mark.parametrize("value", [{"failed": []}, '{"failed": []}', b"[]", {}])
def test_a_path_that_should_find_nothing_is_met_where_there_is_nothing_to_find(value: Any) -> None:
    assert met({"type": "jsonpath", "path": "$.failed[*]", "count": 0}, value)


def test_a_path_may_find_the_whole_of_a_number() -> None:
    assert met({"type": "jsonpath", "path": "$", "expect": 5}, 5)


def test_a_process_approves_with_status_0_and_with_nothing_else() -> None:
    assert met(judge("exit 0"), 1)
    assert not met(judge("echo it is ill; exit 1"), 1)


def test_a_process_is_given_the_value() -> None:
    assert met(judge("test $0 = value -a $1 = 7"), 7)
    assert not met(judge("test $0 = value -a $1 = 7"), 8)


def test_a_judge_that_cannot_be_asked_says_nothing() -> None:
    with pytest.raises(CannotJudge, match="could not be asked"):
        met({"type": "probe", "provider": {"type": "process", "path": "/no/such/judge", "arguments": {}}}, 1)


def test_a_judge_that_leaves_without_a_word_says_nothing() -> None:
    provider = {"type": "python", "module": "tests.truth.steps", "func": "leave_at_once_with", "arguments": {}}
    with pytest.raises(CannotJudge, match=r"os\._exit\(0\)"):
        met({"type": "probe", "name": "judge", "provider": provider}, 1)
