"""Putting faults on AWS through their verbs, without a run."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chaos_runner import shelf
from chaos_runner.contracts import NOTHING, Act, Setting
from chaos_runner.experiment.arguments import convert
from chaos_runner.mark import Key, Mark, moment

KEY = Key("a key of tests")


def setting(*, looking: bool = False, key: Key = KEY, lasts_s: float = 300.0) -> Setting:
    """A run that ends in a few minutes."""
    mark = Mark(run="01TEST", number=0, expires=moment(datetime.now(UTC) + timedelta(seconds=lasts_s)))
    return Setting(mark=mark, seed=7, configuration={}, key=key, looking=looking)


def prepared(name: str, target: Mapping[str, Any], arguments: Mapping[str, Any] = NOTHING) -> list[Act]:
    """What a fault would do."""
    fault = shelf.own_fault(name)
    return fault.prepare(convert(fault.target, dict(target)), convert(fault.arguments, dict(arguments)), setting())
