"""Putting faults on AWS through their verbs, without a run."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chaos_runner import shelf
from chaos_runner.contracts import NOTHING, Act, Setting
from chaos_runner.experiment.arguments import convert
from chaos_runner.mark import Key, Mark, moment
from chaos_runner.plan.build import new_run_id

KEY = Key("a key of tests")


def setting(*, looking: bool = False, key: Key = KEY, lasts_s: float = 300.0) -> Setting:
    """Each time another run, that ends in a few minutes."""
    now = datetime.now(UTC)
    mark = Mark(run=new_run_id(now), number=0, expires=moment(now + timedelta(seconds=lasts_s)))
    return Setting(mark=mark, seed=7, configuration={}, key=key, looking=looking)


def prepared(name: str, target: Mapping[str, Any], arguments: Mapping[str, Any] = NOTHING) -> list[Act]:
    """What a fault would do."""
    fault = shelf.own_fault(name)
    return fault.prepare(convert(fault.target, dict(target)), convert(fault.arguments, dict(arguments)), setting())
