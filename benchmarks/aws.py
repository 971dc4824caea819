"""Figures on an AWS of 5,000 instances, in a lab of its own.

    python -m benchmarks.aws
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.figures import Figure
from chaos_runner.errors import ChaosRunnerError
from chaos_runner.lab.aws import lab as labs
from chaos_runner.lab.aws.world.compute import IMAGE
from chaos_runner.targets.aws.access import Account, account, pairs
from chaos_runner.targets.aws.ec2 import InstanceTarget, find_instances

INSTANCES: Final = 5000
MEANT: Final = 50
_RUNS: Final = 5
_PATIENCE_S: Final = 300.0
_SHARE_MOST: Final = 0.25
_SECOND_S: Final = 0.010


def resolving() -> Figure:
    """Fifty instances by a tag, beside boto3's own list of all: the client's CPU, in turn in one process."""
    _patiently(_ours)
    _patiently(_theirs)
    ours, theirs = zip(*((_cpu_s(_ours), _cpu_s(_theirs)) for _ in range(_RUNS)), strict=True)
    a, b = median(ours), median(theirs)
    return Figure(what=f"{MEANT} instances by a tag among {INSTANCES:,}, beside boto3's list of all: CPU of the client",
                  ours=f"{a * 1000:.0f} ms", theirs=f"{b * 1000:.0f} ms", found=f"{a / b:.3f}x",
                  limit=f"≤ {_SHARE_MOST}x", held=a / b <= _SHARE_MOST, bounded_by="the answer's XML")


@contextmanager
def _remembering() -> Iterator[None]:
    """While this lasts the server answers at once what it has answered before: moto needs longer than the client is
    patient for a list of five thousand.
    """
    url = os.environ["AWS_ENDPOINT_URL"]
    with subprocess.Popen([sys.executable, "-m", "benchmarks.remembering", url], stdout=subprocess.PIPE,
                          text=True) as door:
        assert door.stdout
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{door.stdout.readline().strip()}"
        try:
            yield
        finally:
            os.environ["AWS_ENDPOINT_URL"] = url
            door.kill()


def _patiently(act: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            act()
        except (ChaosRunnerError, OSError) as problem:
            if time.monotonic() > deadline_s:
                raise TimeoutError(str(problem)) from problem
        else:
            return


def second_call(at: Account) -> Figure:
    """What a call costs the client once there is a client: time that is not waited for the server."""
    at.ask("ec2", "describe_vpcs")
    took_s = median(_cpu_s(lambda: at.ask("ec2", "describe_vpcs")) for _ in range(20))
    return Figure(what="the second call of a run to AWS: CPU of the client", ours=f"{took_s * 1000:.1f} ms", theirs="-",
                  found=f"{took_s * 1000:.1f} ms", limit=f"≤ {_SECOND_S * 1000:g} ms", held=took_s <= _SECOND_S,
                  bounded_by="botocore: signing, and parsing the answer")


def _ours() -> None:
    assert len(find_instances(InstanceTarget(tags={"bench": "meant"}), 1, ("running",)).things) == MEANT


def _theirs() -> None:
    import boto3
    from botocore.config import Config

    client = boto3.client("ec2", endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=Config(read_timeout=_PATIENCE_S))
    pages = client.get_paginator("describe_instances")
    found = [one for page in pages.paginate() for some in page["Reservations"] for one in some["Instances"]]
    assert len(found) >= INSTANCES, len(found)


def _cpu_s(act: Any) -> float:
    began_s = time.process_time()
    act()
    return time.process_time() - began_s


def _fill(at: Account) -> None:
    for number in range(INSTANCES // MEANT):
        tags = {"bench": "other" if number else "meant", "Name": f"bench-{number}"}
        at.ask("ec2", "run_instances", ImageId=IMAGE, MinCount=MEANT, MaxCount=MEANT, TagSpecifications=[
            {"ResourceType": "instance", "Tags": pairs(tags)}])


def _figures(at: Account) -> Iterator[Figure]:
    yield second_call(at)
    _fill(at)
    yield resolving()


def main() -> int:
    """Prints the figures. Exit code 1 when one is not held."""
    with tempfile.TemporaryDirectory() as name:
        lab = labs.up(Path(name) / "aws")
        os.environ.update(lab.environment)
        try:
            with _remembering():
                found = list(_figures(account()))
        finally:
            labs.down(Path(name) / "aws")
    for one in found:
        print(f"{'held' if one.held else 'NOT HELD':<9} {one.found:>9} ({one.limit})  {one.what}: {one.ours}; "
              f"{one.theirs}")
    return 0 if all(one.held for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
