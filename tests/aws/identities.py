"""Somebody with rights of their own, in a lab whose server heeds them."""

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from chaos_runner.lab.aws.lab import Lab
from chaos_runner.targets.aws import access
from chaos_runner.targets.aws.access import account


@contextmanager
def identity(lab: Lab, document: str) -> Iterator[None]:
    """The environment has the keys of somebody who may do what that policy says, and the server heeds it."""
    at, name = account(), f"somebody-{uuid4().hex[:8]}"
    at.ask("iam", "create_user", UserName=name)
    at.ask("iam", "put_user_policy", UserName=name, PolicyName="p", PolicyDocument=document)
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
    """The server asks for rights after so many calls."""
    asked = urllib.request.Request(f"{lab.endpoint}/moto-api/reset-auth", data=after.encode(), method="POST",
                                   headers={"Content-Type": "text/plain"})
    urllib.request.urlopen(asked, timeout=5).close()
