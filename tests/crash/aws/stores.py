"""Scenes in DynamoDB and S3."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

from chaos_runner.lab.aws.world.stores import make_bucket, make_table, only_with_tls
from chaos_runner.targets.aws.access import Account, account
from chaos_runner.targets.aws.dynamodb import TablePolicies
from chaos_runner.targets.aws.s3 import BucketPolicies
from tests.crash.scenes import Scene


@contextmanager
def table(at: Account) -> Iterator[str]:
    """A table of its own, which has no policy."""
    name = f"crash-{uuid4().hex[:8]}"
    make_table(at, name, {"crash": name})
    try:
        yield name
    finally:
        at.ask("dynamodb", "delete_table", TableName=name)


@contextmanager
def bucket(at: Account) -> Iterator[str]:
    """A bucket of its own, whose policy already says something."""
    name = f"crash-{uuid4().hex[:8]}"
    make_bucket(at, name, {"crash": name})
    policy = {"Version": "2012-10-17", "Id": "theirs", "Statement": [only_with_tls(name)]}
    at.ask("s3", "put_bucket_policy", Bucket=name, Policy=json.dumps(policy))
    try:
        yield name
    finally:
        at.ask("s3", "delete_bucket", Bucket=name)


@contextmanager
def _table(_: Path) -> Iterator[Scene]:
    at = account()
    with table(at) as name:
        yield Scene({"target": {"ids": [name]}}, lambda: TablePolicies().read(at, name).document, (), 30.0)


@contextmanager
def _bucket(_: Path) -> Iterator[Scene]:
    at = account()
    with bucket(at) as name:
        yield Scene({"target": {"ids": [name]}}, lambda: BucketPolicies().read(at, name).document, (), 30.0)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.dynamodb_deny": _table,
    "aws.s3_deny": _bucket,
}
