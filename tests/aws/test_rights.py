"""An identity that may tag, and not do what it wants: nothing is left behind. A lab of its own, which heeds IAM; moto
does not understand signatures of every call of Lambda, so it is tried with databases.
"""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.lab.aws.lab import Lab
from chaos_runner.lab.aws.world.databases import REPORTS
from chaos_runner.lab.aws.world.stores import PICTURES
from chaos_runner.targets.aws.access import account
from tests.aws.identities import identity
from tests.aws.labs import opened
from tests.aws.trying import prepared
from tests.crash.aws.picturing import normalised

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with opened() as lab:
        yield lab


def without(lab: Lab, *actions: str) -> AbstractContextManager[None]:
    """The environment has the keys of somebody who may do all but these, and the server heeds it."""
    return identity(lab, json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": actions, "Resource": "*"}]}))


def reports() -> Any:
    return normalised(account().ask("rds", "describe_db_instances", DBInstanceIdentifier=REPORTS))


def test_a_database_that_must_not_be_stopped_is_not_even_marked_afterwards(lab: Lab) -> None:
    before = reports()
    with without(lab, "rds:StopDBInstance"):
        [act] = prepared("aws.rds_stop", {"ids": [REPORTS]})
        with pytest.raises(Refused, match="StopDBInstance"):
            shelf.own_fault("aws.rds_stop").apply(act)
    assert reports() == before


def test_a_policy_that_must_not_be_read_is_no_target(lab: Lab) -> None:
    with without(lab, "s3:GetBucketPolicy", "s3:PutBucketPolicy"), pytest.raises(Refused, match="GetBucketPolicy"):
        prepared("aws.s3_deny", {"ids": [PICTURES]})


def test_an_undo_that_is_no_longer_allowed_fails_and_can_be_done_later(lab: Lab) -> None:
    fault, before = shelf.own_fault("aws.rds_stop"), reports()
    [act] = prepared("aws.rds_stop", {"ids": [REPORTS]})
    fault.apply(act)
    with without(lab, "rds:StartDBInstance"), pytest.raises(ActFailed, match="StartDBInstance"):
        fault.undo(act)
    fault.undo(act)
    assert reports() == before
