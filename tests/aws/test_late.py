"""What moto does at once and AWS does not: databases that are still stopping, policies that are read late."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act
from chaos_runner.errors import ActFailed
from chaos_runner.targets.aws.access import account
from chaos_runner.targets.aws.dynamodb import TABLE
from chaos_runner.targets.aws.policies import sid_of
from chaos_runner.targets.aws.rds import DATABASE
from chaos_runner.targets.aws.refs import Ref
from tests.aws.recorded import Answers, answering
from tests.aws.trying import setting

WHO = ("<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/us</Arn><UserId>u"
       "</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
TAGS = ("<ListTagsForResourceResponse><ListTagsForResourceResult><TagList/></ListTagsForResourceResult>"
        "</ListTagsForResourceResponse>")
START = "<StartDBInstanceResponse><StartDBInstanceResult/></StartDBInstanceResponse>"
ONE: Answers = {"GetCallerIdentity": WHO}


def one_after_the_other(*answers: Any) -> Callable[[], Any]:
    """These answers, and the last one for ever."""
    rest: Iterator[Any] = iter(answers[:-1])
    return lambda: next(rest, answers[-1])


def instance(state: str) -> str:
    return ("<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceIdentifier>"
            f"reports</DBInstanceIdentifier><DBInstanceStatus>{state}</DBInstanceStatus></DBInstance></DBInstances>"
            "</DescribeDBInstancesResult></DescribeDBInstancesResponse>")


def stopped() -> Act:
    return Act(target=built(Ref.of(account(), DATABASE, "db:reports")), was={"values": {"state": "available"}},
               do={"mark": str(setting().mark), "values": {"state": "stopped"}}, label="reports")


def built(ref: Ref) -> dict[str, Any]:
    return {name: getattr(ref, name) for name in ref.__struct_fields__}


@pytest.mark.slow
def test_a_database_that_is_still_stopping_is_started_once_it_has_stopped() -> None:
    states = one_after_the_other(*map(instance, ("stopping", "stopping", "stopping", "stopped", "starting")))
    with answering({**ONE, "DescribeDBInstances": states, "ListTagsForResource": TAGS,
                    "StartDBInstance": START}) as asked:
        shelf.own_fault("aws.rds_stop").undo(stopped())
    assert asked[-4:] == ["DescribeDBInstances", "StartDBInstance", "DescribeDBInstances", "ListTagsForResource"]


def denied() -> Act:
    mark = setting().mark
    statement = {"Sid": sid_of(mark), "Effect": "Deny", "Principal": "*", "Action": ["dynamodb:GetItem"],
                 "Resource": ["*"], "Condition": {}}
    return Act(target=built(Ref.of(account(), TABLE, "carts")), do={"statement": statement}, was={}, label="carts")


def said(revision: str, *statements: Any) -> dict[str, str]:
    return {"Policy": json.dumps({"Version": "2012-10-17", "Statement": statements}), "RevisionId": revision}


NONE = (400, {"__type": "PolicyNotFoundException", "message": "none, or another one"})


def test_a_statement_that_shows_late_is_waited_for() -> None:
    fault = shelf.own_fault("aws.dynamodb_deny")
    answers: Answers = {**ONE, "PutResourcePolicy": {"RevisionId": "1"}, "GetResourcePolicy": NONE}
    with answering(answers) as asked:
        act = denied()
        answers["GetResourcePolicy"] = one_after_the_other(NONE, NONE, NONE, said("1", act.do["statement"]))
        assert fault.apply(act).after == "read back: denied are dynamodb:GetItem"
    assert asked.count("PutResourcePolicy") == 1


def test_a_policy_that_somebody_writes_at_the_same_moment_is_read_again() -> None:
    theirs = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "dynamodb:Scan", "Resource": "*"}
    answers: Answers = {**ONE, "PutResourcePolicy": one_after_the_other(NONE, {"RevisionId": "3"})}
    with answering(answers) as asked:
        act = denied()
        ours = act.do["statement"]
        answers["GetResourcePolicy"] = one_after_the_other(NONE, NONE, said("2", theirs), said("3", theirs, ours))
        shelf.own_fault("aws.dynamodb_deny").apply(act)
    assert asked.count("PutResourcePolicy") == 2


@pytest.mark.slow
def test_an_undo_looks_twice_for_what_was_written_a_moment_ago() -> None:
    with answering(answers := {**ONE, "DeleteResourcePolicy": {"RevisionId": "1"}}) as asked:
        act = denied()
        ours = said("1", act.do["statement"])
        answers["GetResourcePolicy"] = one_after_the_other(NONE, NONE, ours, ours, NONE)
        shelf.own_fault("aws.dynamodb_deny").undo(act)
    assert asked.count("DeleteResourcePolicy") == 1


def test_an_undo_that_is_not_allowed_says_so() -> None:
    forbidden = (400, {"__type": "AccessDeniedException", "message": "not you"})
    with answering(answers := {**ONE, "DeleteResourcePolicy": forbidden}):
        act = denied()
        answers["GetResourcePolicy"] = said("1", act.do["statement"])
        with pytest.raises(ActFailed, match="not you"):
            shelf.own_fault("aws.dynamodb_deny").undo(act)
