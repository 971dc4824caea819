"""Putting a fault to work by itself, as a run would."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from chaos_runner import shelf
from chaos_runner.contracts import Act, Setting
from chaos_runner.experiment.arguments import convert
from chaos_runner.mark import Mark, moment
from chaos_runner.plan.build import new_run_id


def prepared(name: str, target: Mapping[str, Any], arguments: Mapping[str, Any] | None = None) -> list[Act]:
    """The acts of a fault, each time of another run."""
    fault = shelf.fault(name)
    now = datetime.now(UTC)
    mark = Mark(run=new_run_id(now), number=1, expires=moment(now + timedelta(minutes=5)))
    setting = Setting(mark=mark, seed=7, configuration={})
    acts: list[Act] = fault.prepare(convert(fault.target, target), convert(fault.arguments, arguments or {}), setting)
    return acts
