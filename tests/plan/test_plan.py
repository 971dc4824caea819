"""What is decided before anything is touched, and what is refused then."""

from datetime import UTC, datetime
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.errors import Refused
from chaos_runner.experiment.loading import load_data
from chaos_runner.experiment.values import Values
from chaos_runner.plan.build import Wishes, plan_for
from chaos_runner.plan.model import Plan
from tests.run.samples import action

STARTED = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


def planned(*steps: dict[str, Any], title: str = "t", **configuration: Any) -> Plan:
    loaded = load_data({"title": title, "description": "d", "method": list(steps)})
    assert loaded.experiment, loaded.findings
    return plan_for(loaded.experiment, Values(configuration=configuration), Wishes(), shelf.fault, STARTED)


def test_a_pause_may_be_filled_from_the_configuration() -> None:
    assert planned(action(pauses={"before": "${wait}"}), wait=3).experiment.method[0].pause_before == 3.0


@pytest.mark.parametrize("wait", [-1, 10**400, 2**63, 1e308, True, "3s", None, [1]])
def test_a_pause_that_is_no_time_is_refused_whatever_fills_it(wait: Any) -> None:
    with pytest.raises(Refused, match="must be a number of seconds"):
        planned(action(pauses={"before": "${wait}"}), wait=wait)


def test_steps_that_add_up_to_more_than_ten_years_are_refused() -> None:
    year = {"fault": "proxy.cut", "target": {"proxy": "db"}, "duration": "366d"}
    assert planned(*[year] * 9).longest_s > 9 * 365 * 86400
    with pytest.raises(Refused, match="more than ten years are never planned"):
        planned(*[year] * 11)


def test_a_title_is_recorded_even_if_the_environment_fills_it_with_what_is_no_utf_8() -> None:
    plan = planned(title="${name}", name="caf\udce9")
    assert plan.experiment.title == "caf\\udce9"
    assert plan.digest
