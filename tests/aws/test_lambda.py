"""Faults on functions and on what feeds them."""

from collections.abc import Iterator

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Answer, Scannable
from chaos_runner.errors import NoEffect, NoTarget, Refused, UsageError
from chaos_runner.targets.aws.access import Account
from tests.aws.trying import prepared
from tests.crash.aws.lambdas import function, mapping

THROTTLE, TIMEOUT, OFF = (shelf.own_fault(f"aws.lambda_{name}") for name in ("throttle", "timeout", "event_source_off"))


@pytest.fixture
def billing(at: Account) -> Iterator[str]:
    with function(at) as name:
        yield name


@pytest.fixture
def fed(at: Account, billing: str) -> Iterator[str]:
    with mapping(at, billing) as made:
        yield made


def reserved(at: Account, name: str) -> object:
    return at.ask("lambda", "get_function_concurrency", FunctionName=name).get("ReservedConcurrentExecutions")


def reserve(at: Account, name: str, number: int) -> None:
    at.ask("lambda", "put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=number)


@pytest.mark.parametrize("before", [None, 50])
def test_a_throttled_function_gets_its_former_reservation_back(at: Account, billing: str, before: int | None) -> None:
    if before is not None:
        reserve(at, billing, before)
    [act] = prepared("aws.lambda_throttle", {"ids": [billing]})
    THROTTLE.apply(act)
    assert reserved(at, billing) == 0
    THROTTLE.undo(act)
    assert THROTTLE.verify(act).answer is Answer.RESTORED
    assert reserved(at, billing) == before


def test_a_function_that_is_throttled_already_stays_so(at: Account, billing: str) -> None:
    reserve(at, billing, 0)
    with pytest.raises(NoEffect, match="already has reserved 0"):
        prepared("aws.lambda_throttle", {"ids": [billing]})
    assert reserved(at, billing) == 0


def test_a_reservation_that_somebody_else_made_meanwhile_is_left(at: Account, billing: str) -> None:
    [act] = prepared("aws.lambda_throttle", {"tags": {"crash": billing}})
    THROTTLE.apply(act)
    reserve(at, billing, 7)
    THROTTLE.undo(act)
    assert THROTTLE.verify(act).answer is Answer.DRIFT
    assert reserved(at, billing) == 7


def test_a_throttled_function_is_found_by_its_tags_alone(at: Account, billing: str) -> None:
    [act] = prepared("aws.lambda_throttle", {"ids": [billing]})
    THROTTLE.apply(act)
    assert isinstance(THROTTLE, Scannable)
    [found] = [one for one in THROTTLE.marked(at.region) if one.act.target["thing"] == billing]
    THROTTLE.undo(found.act)
    assert reserved(at, billing) is None
    assert "chaos-runner:run" not in at.ask("lambda", "list_tags", Resource=f"arn:aws:lambda:{at.region}:{at.number}:"
                                            f"function:{billing}")["Tags"]


def test_one_fault_at_a_time_hits_a_function(billing: str) -> None:
    [act] = prepared("aws.lambda_throttle", {"ids": [billing]})
    THROTTLE.apply(act)
    with pytest.raises(Refused, match="already bears a mark"):
        prepared("aws.lambda_timeout", {"ids": [billing]})
    THROTTLE.undo(act)


def test_a_negative_reservation_and_an_odd_timeout_are_mistakes(billing: str) -> None:
    with pytest.raises(UsageError, match="no number of executions"):
        prepared("aws.lambda_throttle", {"ids": [billing]}, {"reserved": -1})
    for timeout in ("1500ms", "0s", "16m"):
        with pytest.raises(UsageError, match="none that Lambda has"):
            prepared("aws.lambda_timeout", {"ids": [billing]}, {"timeout": timeout})


def test_a_function_gets_its_former_timeout_back(at: Account, billing: str) -> None:
    [act] = prepared("aws.lambda_timeout", {"ids": [billing]}, {"timeout": "2s"})
    TIMEOUT.apply(act)
    assert at.ask("lambda", "get_function_configuration", FunctionName=billing)["Timeout"] == 2
    assert TIMEOUT.by_hand(act).endswith(f"update-function-configuration --function-name {billing} --timeout 30")
    TIMEOUT.undo(act)
    assert TIMEOUT.verify(act).answer is Answer.RESTORED


def test_who_calls_a_published_version_is_said_to_be_spared(at: Account, billing: str) -> None:
    at.ask("lambda", "publish_version", FunctionName=billing)
    at.ask("lambda", "create_alias", FunctionName=billing, Name="live", FunctionVersion="1")
    notes = TIMEOUT.notes(prepared("aws.lambda_timeout", {"ids": [billing]}))
    assert f"live of function {billing}" in notes[-1]


def test_a_function_that_is_deleted_meanwhile_is_no_target(at: Account) -> None:
    with function(at) as name:
        [act] = prepared("aws.lambda_timeout", {"ids": [name]})
        at.ask("lambda", "delete_function", FunctionName=name)
        with pytest.raises(NoTarget, match="was gone before"):
            TIMEOUT.apply(act)
        TIMEOUT.undo(act)
        assert TIMEOUT.verify(act).answer is Answer.GONE
        at.ask("lambda", "create_function", FunctionName=name, Runtime="python3.12", Handler="x.y",
               Role=at.ask("iam", "get_role", RoleName=name)["Role"]["Arn"], Code={"ZipFile": b"x"})


def test_a_function_is_not_fed_until_it_is_fed_again(at: Account, billing: str, fed: str) -> None:
    [act] = prepared("aws.lambda_event_source_off", {"function": billing})
    assert act.label == f"event source mapping {fed} ({billing} to {billing})"
    OFF.apply(act)
    assert at.ask("lambda", "get_event_source_mapping", UUID=fed)["State"] == "Disabled"
    OFF.undo(act)
    assert OFF.verify(act).answer is Answer.RESTORED
    assert at.ask("lambda", "get_event_source_mapping", UUID=fed)["State"] == "Enabled"


def test_a_mapping_that_is_off_already_stays_so(at: Account, fed: str) -> None:
    at.ask("lambda", "update_event_source_mapping", UUID=fed, Enabled=False)
    with pytest.raises(NoEffect, match="none of them is on"):
        prepared("aws.lambda_event_source_off", {"ids": [fed]})


def test_without_a_word_of_which_mapping_nothing_is_chosen(fed: str) -> None:
    with pytest.raises(UsageError, match="which event source mapping"):
        prepared("aws.lambda_event_source_off", {})
