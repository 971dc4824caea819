"""Scenes of what AWS carries out itself when it is told: commands of Systems Manager, experiments of FIS."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from chaos_runner.targets.aws import access
from chaos_runner.targets.aws.access import Account, account
from tests.aws.ssm_server import Ssm, ssm
from tests.crash.aws.ec2 import instances
from tests.crash.aws.picturing import normalised
from tests.crash.scenes import Scene

_ENDPOINT = "AWS_ENDPOINT_URL_SSM"


@contextmanager
def recorded() -> Iterator[Ssm]:
    """Systems Manager is a recorded server while the block lasts; all else is where it was."""
    with ssm() as (server, address):
        os.environ[_ENDPOINT] = address
        access.account.cache_clear()
        try:
            yield server
        finally:
            del os.environ[_ENDPOINT]
            access.account.cache_clear()


@contextmanager
def _command(_: Path) -> Iterator[Scene]:
    with recorded() as server:
        at = account()
        with instances(at, 2) as (name, ids):
            yield Scene({"target": {"tags": {"crash": name}},
                         "arguments": {"document": "AWSFIS-Run-CPU-Stress", "parameters": {"LoadPercent": 80}}},
                        lambda: normalised([server.active(), at.ask("ec2", "describe_instances", InstanceIds=ids)]),
                        (), 30.0)


@contextmanager
def template(at: Account, **more: Any) -> Iterator[str]:
    """A template of FIS of its own, for an experiment that waits."""
    made = at.ask("fis", "create_experiment_template", clientToken=uuid4().hex, description="crash", targets={},
                  roleArn=f"arn:aws:iam::{at.number}:role/fis", **{"stopConditions": [{"source": "none"}], "actions": {
                      "wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT5M"}}}, **more})
    number = str(made["experimentTemplate"]["id"])
    try:
        yield number
    finally:
        at.ask("fis", "delete_experiment_template", id=number)


def active(at: Account, number: str) -> list[str]:
    """What moto says of the experiments of a template that are not over: it moves one on when it is asked for."""
    return [one["state"]["status"] for one in at.every("fis", "list_experiments", "experiments[]")
            if one["experimentTemplateId"] == number and one["state"]["status"] not in ("stopped", "completed")]


@contextmanager
def _experiment(_: Path) -> Iterator[Scene]:
    at = account()
    with template(at) as number:
        def picture() -> Any:
            said = at.ask("fis", "get_experiment_template", id=number)["experimentTemplate"]
            return [active(at, number), {key: value for key, value in said.items() if key != "lastUpdateTime"}]

        yield Scene({"target": {"ids": [number]}}, lambda: normalised(picture()), (), 30.0)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.fis_template": _experiment,
    "aws.ssm_document": _command,
}
