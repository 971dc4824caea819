"""An identity that may tag, and not do what it wants: nothing is left behind. A lab of its own, which heeds IAM; moto
does not understand signatures of every call of Lambda, so it is tried with databases.
"""

import json
import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from chaos_runner import shelf
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.lab.aws.lab import Lab
from chaos_runner.lab.aws.world.databases import REPORTS
from chaos_runner.lab.aws.world.stores import PICTURES
from chaos_runner.targets.aws import access
from chaos_runner.targets.aws.access import account
from tests.aws.labs import opened
from tests.aws.trying import prepared
from tests.crash.aws.picturing import normalised

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with opened() as lab:
        yield lab


@contextmanager
def without(lab: Lab, *actions: str) -> Iterator[None]:
    """The environment has the keys of somebody who may do all but these, and the server heeds it."""
    at, name = account(), f"nobody-{uuid4().hex[:8]}"
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
                                                       {"Effect": "Deny", "Action": actions, "Resource": "*"}]}
    at.ask("iam", "create_user", UserName=name)
    at.ask("iam", "put_user_policy", UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    keys = at.ask("iam", "create_access_key", UserName=name)["AccessKey"]
    before = dict(os.environ)
    os.environ.update(AWS_ACCESS_KEY_ID=keys["AccessKeyId"], AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"])
    access.account.cache_clear()
    _heed(lab, "0")
    try:
        yield
    finally:
        _heed(lab, "inf")
        os.environ.update(before)
        access.account.cache_clear()


def _heed(lab: Lab, after: str) -> None:
    """The server heeds rights after so many calls."""
    asked = urllib.request.Request(f"{lab.endpoint}/moto-api/reset-auth", data=after.encode(), method="POST",
                                   headers={"Content-Type": "text/plain"})
    urllib.request.urlopen(asked).close()


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
