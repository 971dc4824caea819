"""Faults that are a statement in a policy: on tables and buckets."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Answer, Scannable
from chaos_runner.errors import NoTarget, Refused, UsageError
from chaos_runner.mark import Mark
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.dynamodb import TABLE, TablePolicies
from chaos_runner.targets.aws.policies import Policy, mark_of, ourselves, sid_of
from chaos_runner.targets.aws.s3 import BucketPolicies
from tests.aws.trying import KEY, prepared
from tests.crash.aws.stores import bucket, table

S3, DYNAMODB = shelf.own_fault("aws.s3_deny"), shelf.own_fault("aws.dynamodb_deny")
THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "dynamodb:GetItem",
          "Resource": "*"}


@pytest.fixture
def pictures(at: Account) -> Iterator[str]:
    with bucket(at) as name:
        yield name


@pytest.fixture
def carts(at: Account) -> Iterator[str]:
    with table(at) as name:
        yield name


def statements(at: Account, name: str) -> list[Any]:
    return BucketPolicies().read(at, name).statements


def put(at: Account, table: str, *found: Any) -> None:
    at.ask("dynamodb", "put_resource_policy", ResourceArn=TABLE.arn_at(at, table),
           Policy=json.dumps({"Version": "2012-10-17", "Statement": found}))


def test_a_bucket_is_denied_until_the_run_must_be_over(at: Account, pictures: str) -> None:
    before = BucketPolicies().read(at, pictures).document
    [act] = prepared("aws.s3_deny", {"tags": {"crash": pictures}})
    S3.apply(act)
    theirs, ours = statements(at, pictures)
    assert theirs["Sid"] == "OnlyWithTls"
    ends = datetime.fromisoformat(ours["Condition"]["DateLessThan"]["aws:CurrentTime"])
    mark = mark_of(ours["Sid"])
    assert mark is not None
    assert not mark.expired(ends)
    assert 0 < (ends - datetime.now(UTC)).total_seconds() <= 300
    S3.undo(act)
    assert S3.verify(act).answer is Answer.RESTORED
    assert BucketPolicies().read(at, pictures).document == before


def test_a_table_without_a_policy_has_none_afterwards(at: Account, carts: str) -> None:
    [act] = prepared("aws.dynamodb_deny", {"ids": [carts]}, {"actions": ["dynamodb:PutItem"]})
    DYNAMODB.apply(act)
    [ours] = TablePolicies().read(at, carts).statements
    assert ours["Action"] == ["dynamodb:PutItem"]
    assert ours["Resource"] == [arn := TABLE.arn_at(at, carts), f"{arn}/index/*"]
    assert DYNAMODB.by_hand(act).endswith(f"dynamodb delete-resource-policy --resource-arn {arn}")
    DYNAMODB.undo(act)
    assert TablePolicies().read(at, carts).document is None


def test_whoever_runs_it_is_spared_whoever_is_named_is_not(at: Account, pictures: str) -> None:
    named = {"principals": ["arn:aws:iam::*:role/shop-*"]}
    [everyone] = prepared("aws.s3_deny", {"ids": [pictures]})
    [some] = prepared("aws.s3_deny", {"ids": [pictures]}, named)
    spared = everyone.do["statement"]["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert spared == ourselves(at) == [at.caller]
    assert some.do["statement"]["Condition"]["ArnLike"]["aws:PrincipalArn"] == named["principals"]


def test_what_the_undo_needs_is_never_denied(pictures: str) -> None:
    for action in ("s3:*", "s3:Put*", "s3:DeleteBucketPolicy", "s3:putbucket*"):
        with pytest.raises(Refused, match="which the undo needs"):
            prepared("aws.s3_deny", {"ids": [pictures]}, {"actions": ["s3:GetObject", action]})


def test_an_action_of_another_service_is_a_mistake(pictures: str) -> None:
    for action in ("dynamodb:PutItem", "GetObject", "s3:Get Object"):
        with pytest.raises(UsageError, match="is no action of s3"):
            prepared("aws.s3_deny", {"ids": [pictures]}, {"actions": [action]})


def test_what_others_change_in_the_policy_meanwhile_stays(at: Account, carts: str) -> None:
    put(at, carts, THEIRS)
    [act] = prepared("aws.dynamodb_deny", {"ids": [carts]})
    put(at, carts, THEIRS, {**THEIRS, "Sid": "Second"})
    DYNAMODB.apply(act)
    ours = TablePolicies().read(at, carts).denied_as(act.do["statement"]["Sid"])
    put(at, carts, {**THEIRS, "Sid": "Third"}, ours)
    DYNAMODB.undo(act)
    assert [one["Sid"] for one in TablePolicies().read(at, carts).statements] == ["Third"]


def test_a_statement_that_allows_is_left_even_under_our_name(at: Account, carts: str) -> None:
    [act] = prepared("aws.dynamodb_deny", {"ids": [carts]})
    DYNAMODB.apply(act)
    put(at, carts, {**THEIRS, "Sid": act.do["statement"]["Sid"]})
    DYNAMODB.undo(act)
    assert len(TablePolicies().read(at, carts).statements) == 1


def test_another_runs_statement_is_not_joined(at: Account, pictures: str) -> None:
    [first], [second] = prepared("aws.s3_deny", {"ids": [pictures]}), prepared("aws.s3_deny", {"ids": [pictures]})
    other = {**second.do["statement"], "Sid": sid_of(Mark(run="01OTHER", number=1, expires="20300101T000000Z"))}
    at.ask("s3", "put_bucket_policy", Bucket=pictures, Policy=json.dumps({"Version": "2012-10-17", "Statement": other}))
    with pytest.raises(Refused, match="already bears a mark of chaos-runner, chaos-runner-01OTHER-1-20300101T000000Z"):
        S3.apply(first)
    assert len(statements(at, pictures)) == 1


def test_a_policy_that_has_no_room_is_refused(at: Account, carts: str) -> None:
    put(at, carts, *({**THEIRS, "Sid": f"S{number}", "Action": ["dynamodb:GetItem"] * 40} for number in range(25)))
    with pytest.raises(Refused, match="AWS takes 20480"):
        prepared("aws.dynamodb_deny", {"ids": [carts]})


def test_a_statement_of_ours_is_found_and_removed_by_its_name_alone(at: Account, carts: str) -> None:
    [act] = prepared("aws.dynamodb_deny", {"ids": [carts]})
    DYNAMODB.apply(act)
    assert isinstance(DYNAMODB, Scannable)
    [found] = [one for one in DYNAMODB.marked(at.region) if one.act.target["thing"] == carts]
    assert found.mark.is_signed_by(KEY, "aws.dynamodb_deny", found.target)
    assert not found.doubt
    DYNAMODB.undo(found.act)
    assert TablePolicies().read(at, carts).document is None


def test_a_statement_that_never_ends_is_not_believed_to_be_ours(at: Account, carts: str) -> None:
    sid = sid_of(Mark(run="01FORGED", number=1, expires="20300101T000000Z"))
    put(at, carts, {**THEIRS, "Sid": sid, "Effect": "Deny"})
    assert isinstance(DYNAMODB, Scannable)
    [found] = [one for one in DYNAMODB.marked(at.region) if one.act.target["thing"] == carts]
    assert found.doubt == "aws.dynamodb_deny never writes such a statement"


def test_a_table_that_is_gone_needs_nothing(at: Account) -> None:
    with table(at) as name:
        [act] = prepared("aws.dynamodb_deny", {"ids": [name]})
        at.ask("dynamodb", "delete_table", TableName=name)
        with pytest.raises(NoTarget, match="was gone before it was hit"):
            DYNAMODB.apply(act)
        DYNAMODB.undo(act)
        assert DYNAMODB.verify(act).answer is Answer.GONE
        at.ask("dynamodb", "create_table", TableName=name, BillingMode="PAY_PER_REQUEST",
               KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
               AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])


def test_before_it_is_done_it_says_whom_it_hits_and_when_it_ends(pictures: str) -> None:
    note = S3.notes(prepared("aws.s3_deny", {"ids": [pictures]}))[-1]
    assert note.startswith("it is denied to all but this identity")
    assert "it ends by itself at 20" in note


@pytest.mark.parametrize("signature", ["", "0123456789abcdef0123456789abcdef"])
def test_a_mark_is_the_same_after_it_was_a_sid(signature: str) -> None:
    mark = Mark(run="01K9Z", number=12, expires="20261120T110000Z", signature=signature)
    assert sid_of(mark).isalnum()
    assert mark_of(sid_of(mark)) == mark
    assert mark_of("OnlyWithTls") is None


def test_a_statement_that_stands_in_no_list_is_kept() -> None:
    policy = Policy({"Version": "2008-10-17", "Statement": THEIRS})
    added = Policy(policy.adding({"Sid": "Ours", "Effect": "Deny"}))
    assert [one["Sid"] for one in added.statements] == ["Theirs", "Ours"]
    assert Policy(added.removing("Ours")).statements == [THEIRS]
