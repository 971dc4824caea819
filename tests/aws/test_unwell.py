"""An AWS that throttles, fails or does not answer keeps nobody from undoing."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from chaos_runner.targets.aws import access
from chaos_runner.targets.aws.access import Account
from tests.cli.runner import run
from tests.crash.aws.ec2 import instances
from tests.crash.aws.picturing import normalised
from tests.unwell import BROKEN, BUSY, Spoils, Words, door, often

pytestmark = pytest.mark.slow
SHARE = 0.2
_THROTTLED = (b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message>"
              b"</Error></Errors><RequestID>0</RequestID></Response>")
_WORDS: Mapping[str, Words] = MappingProxyType({
    BUSY: (503, _THROTTLED, {"Content-Type": "text/xml"}),
    BROKEN: (500, b"<html>Internal Server Error</html>", {"Content-Type": "text/html"})})
HOLDS = {"type": "probe", "name": "root is there", "tolerance": True,
         "provider": {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": "/"}}}


@contextmanager
def unwell(spoils: Spoils) -> Iterator[list[str]]:
    """The environment leads to an AWS that is unwell."""
    before = os.environ["AWS_ENDPOINT_URL"]
    with door(before, spoils, _WORDS) as (url, troubles):
        os.environ["AWS_ENDPOINT_URL"] = url
        access.account.cache_clear()
        try:
            yield troubles
        finally:
            os.environ["AWS_ENDPOINT_URL"] = before
            access.account.cache_clear()


def experiment(ids: list[str]) -> dict[str, Any]:
    method = [{"name": f"stop {one}", "fault": "aws.instance_stop", "target": {"ids": [one]}, "duration": "300ms"}
              for one in ids]
    return {"title": "unwell", "description": "AWS is", "method": method,
            "steady-state-hypothesis": {"title": "x", "probes": [HOLDS]}}


@pytest.mark.parametrize("seed", range(3))
def test_with_a_fifth_of_the_calls_failing_no_fault_is_left(at: Account, seed: int, tmp_path: Path) -> None:
    with instances(at, 3) as (_, ids):
        before = normalised(at.ask("ec2", "describe_instances", InstanceIds=ids))
        with unwell(often(SHARE, seed)) as troubles:
            ran = run(experiment(ids), tmp_path)
        assert len(troubles) > 3
        assert (ran.outcome["verdict"], ran.outcome["restored"]) == ("passed", "restored"), ran.err
        assert normalised(at.ask("ec2", "describe_instances", InstanceIds=ids)) == before
