"""A plan of ten thousand targets: looked up, checked against limits and rights, printed, and written."""

import time
from typing import Any, Final

import msgspec

from benchmarks.figures import Figure

TARGETS: Final = 10_000


def planning(quick: bool) -> Figure:  # noqa: FBT001 -- one switch of one command
    """One fault on 10,000 generated targets of 20,000, within limits, the best of a few times."""
    took_s = min(_surveyed_and_printed() for _ in range(2 if quick else 5))
    return Figure(what=f"plan of {TARGETS:,} generated targets: looked up, checked, printed and encoded",
                  ours=f"{took_s * 1000:.0f} ms", theirs="does not plan", found=f"{took_s:.2f} s", limit="≤ 0.5 s",
                  held=took_s <= 0.5, bounded_by="the interpreter: a few objects for each target, and their digest")


def _surveyed_and_printed() -> float:
    from chaos_runner.cli.ink import Ink
    from chaos_runner.cli.screen import lines
    from chaos_runner.clock import SystemClock
    from chaos_runner.experiment.values import Values
    from chaos_runner.plan.build import Wishes, plan_for
    from chaos_runner.plan.survey import survey
    from chaos_runner.plan.written import written
    from chaos_runner.testing import FakeFault, fake_experiment

    faults = {"fake.many": FakeFault(targets=TARGETS, of=2 * TARGETS)}
    with fake_experiment(_experiment(), faults) as (experiment, find_fault):
        began_s = time.perf_counter()
        plan = plan_for(experiment, Values(), Wishes(), find_fault, SystemClock().now())
        found = survey(plan, Values(), find_fault)
        screen, kept = "\n".join(lines(found, Ink(on=True))), msgspec.json.encode(written(found))
        took_s = time.perf_counter() - began_s
    assert "10000 of 20000 things" in screen
    assert kept.count(b'"label"') == TARGETS
    return took_s


def _experiment() -> dict[str, Any]:
    step = {"name": "hurt many", "fault": "fake.many", "target": {}, "duration": "1s"}
    return {"title": "planning", "description": "a benchmark", "method": [step],
            "limits": {"max-share": "50%", "max-targets": TARGETS}}
