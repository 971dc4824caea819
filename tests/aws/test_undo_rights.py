"""A fault whose undo would not be allowed is refused before anything is done. In a lab of its own, which heeds IAM."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest

from chaos_runner import shelf
from chaos_runner.errors import Refused
from chaos_runner.targets.aws import access
from chaos_runner.targets.aws.access import account
from tests.aws.labs import opened
from tests.aws.trying import prepared
from tests.crash.aws.ec2 import volume

LOOKING = ["ec2:Describe*", "sts:GetCallerIdentity", "iam:Simulate*"]
DOING = ["ec2:CreateTags", "ec2:DetachVolume", "ec2:StopInstances"]
pytestmark = pytest.mark.slow


@contextmanager
def allowed(actions: list[str]) -> Iterator[None]:
    """From here on it is a user who may do no more than this."""
    at = account()
    at.ask("iam", "create_user", UserName="runner")
    at.ask("iam", "put_user_policy", UserName="runner", PolicyName="may", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
    key = at.ask("iam", "create_access_key", UserName="runner")["AccessKey"]
    before = dict(os.environ)
    os.environ.update(AWS_ACCESS_KEY_ID=key["AccessKeyId"], AWS_SECRET_ACCESS_KEY=key["SecretAccessKey"])
    access.account.cache_clear()
    _enforce_after(0)
    try:
        yield
    finally:
        _enforce_after(10**9)
        os.environ.update(before)
        access.account.cache_clear()
        at.ask("iam", "delete_access_key", UserName="runner", AccessKeyId=key["AccessKeyId"])
        at.ask("iam", "delete_user_policy", UserName="runner", PolicyName="may")
        at.ask("iam", "delete_user", UserName="runner")


def test_what_could_not_be_undone_is_refused() -> None:
    with opened():
        at = account()
        with volume(at) as (instance, made):
            with allowed([*LOOKING, *DOING]), pytest.raises(Refused) as refused:
                prepared("aws.ebs_detach", {"ids": [made]})
            with allowed([*LOOKING, *DOING, "ec2:DeleteTags", "ec2:AttachVolume"]):
                [act] = prepared("aws.ebs_detach", {"ids": [made]})
                rights = shelf.fault("aws.ebs_detach").rights(act)
            with allowed([*LOOKING, "ec2:DeleteTags", "ec2:AttachVolume"]), pytest.raises(Refused) as lacking:
                prepared("aws.ebs_detach", {"ids": [made]})
    assert "it could not be undone" in str(refused.value)
    assert f"no right to ec2:AttachVolume on volume {made}" in str(refused.value)
    assert not [right.lacks for right in rights if right.lacks]
    assert "no right to ec2:DetachVolume" in str(lacking.value)
    assert "could not be undone" not in str(lacking.value)
    assert instance


def _enforce_after(calls: int) -> None:
    """After so many calls more moto asks IAM."""
    asked = Request(f"{os.environ['AWS_ENDPOINT_URL']}/moto-api/reset-auth", data=str(calls).encode(), method="POST",
                    headers={"Content-Type": "text/plain"})
    with urlopen(asked, timeout=10):
        pass
