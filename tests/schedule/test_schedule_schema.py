"""What editors are told of schedules is what the loader wants: the same keys, the same words, the same values."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner.cli.main import cli
from chaos_runner.schedule import reading
from chaos_runner.schedule.schema import schema
from tests.examples import examples
from tests.schedule.samples import read
from tests.schemas import Beside

SCHEMA = schema()
BESIDE = Beside(SCHEMA, read)
errors, is_sound = BESIDE.errors, BESIDE.is_sound
FILES = sorted((Path(__file__).parents[2] / "schedules").glob("*.yaml"))

GOOD: dict[str, Any] = {"experiment": "a.yaml", "cron": "0 10 * * *", "timezone": "Europe/Berlin"}
RANDOM = {"experiment": "a.yaml", "timezone": "UTC", "random": {"times": 2, "per": "week"}, "window": "10:00-15:00"}
GATE = {"name": "no incident", "probe": "http.status", "arguments": {"url": "http://127.0.0.1"}, "equals": 204}
HOOK = {"webhook": "https://example.org/hook", "secret": {"type": "env", "key": "KEY"}, "events": ["breach"]}

VALUES: dict[str, list[Any]] = {
    "experiment": ["a.yaml", "", 5, None], "env": ["production", ["a"]], "cron": ["0 10 * * *", "@daily", "", 5],
    "every": ["6h", "1d", "10", 60, "soon"], "starting": ["2026-01-01", "20260101", "2026-01-01T10:00", "soon", 5],
    "random": [{"times": 1, "per": "day"}, {"times": 0, "per": "day"}, {"times": 1}, "often"],
    "timezone": ["UTC", "Mars", "", 1], "dst": [{"gap": "skip"}, {"overlap": None}, {"gap": "no"}, {}, "skip"],
    "window": ["09:00-16:00", ["09:00 - 12:00", "13:00-24:00"], "9 to 4", 5, []],
    "days": ["business", "mon-fri", ["Mon", "thursday"], "MON", "moon", ["business"], 5],
    "calendar": ["2026-12-24", ["2026-12-24"], 5, []],
    "blackouts": ["2026-12-24", [{"from": "2026-12-18", "to": "2027-01-06", "why": "rest"}], [{"from": "2026-12-18"}],
                  "soon", {"from": "2026-12-18", "to": "2026-12-19"}, [5], []],
    "jitter": ["5m", "0s", 0, "a while"],
    "missed": ["record", {"run-once-within": "30m"}, {"run-once-within": None}, "later", {}],
    "overlap": ["skip", "queue-one", "kill"], "pause-after": [1, 0, True, "1"],
    "gates": [[GATE], [{**GATE, "watch": True}], [{"probe": "http.status"}], "none", []],
    "notify": [[HOOK], [{"slack": {"type": "file", "path": "/run/slack"}}], [{"slack": "https://example.org"}],
               [{**HOOK, "slack": {"type": "env", "key": "A"}}], [{**HOOK, "events": []}], [{}], []],
    "tags": [["shop"], [""], "shop"], "owner": ["team", 5], "description": ["why", []], "enabled": [True, "yes"],
    "x-own": [1, {"a": "b"}], "exprimint": ["a.yaml"],
}


@pytest.mark.slow
def test_it_is_a_schema_of_the_draft_it_names() -> None:
    BESIDE.check()


def test_every_key_that_the_loader_knows_is_in_it_and_no_other() -> None:
    assert set(SCHEMA["properties"]) == set(reading.SCHEDULE_KEYS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_schedules_here_are_right(file: Path) -> None:
    assert errors(json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))) == []


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in VALUES.items() for value in values],
                         ids=json.dumps)
def test_what_the_loader_takes_is_right_and_what_it_refuses_for_its_shape_is_wrong(key: str, value: Any) -> None:
    data = {**GOOD, key: value}
    if key in (*reading.WHENS, "starting"):
        when = {"every": "6h"} if key == "starting" else {"window": "09:00-16:00"}
        data = {"experiment": "a.yaml", "timezone": "UTC", **when, key: value}
    only_the_loader_sees = [("timezone", "Mars"), ("days", "business")]
    if is_sound(data):
        assert errors(data) == []
    elif (key, value) not in only_the_loader_sees:
        assert errors(data) != []


@examples(300)
@given(st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in VALUES.items()}))
def test_every_schedule_that_is_sound_is_right(chosen: dict[str, Any]) -> None:
    for data in ({**GOOD, **chosen}, {**RANDOM, **chosen}):
        assert not is_sound(data) or errors(data) == []


@pytest.mark.parametrize("data", [
    {**GOOD, "every": "6h"}, {**GOOD, "starting": "2026-01-01"}, {**RANDOM, "jitter": "5m"},
    {**RANDOM, "dst": {"gap": "skip"}}, {key: value for key, value in RANDOM.items() if key != "window"},
    {"experiment": "a.yaml", "timezone": "UTC"}, {"cron": "@daily", "timezone": "UTC"}, []], ids=json.dumps)
def test_keys_that_do_not_go_together_are_wrong(data: Any) -> None:
    assert not is_sound(data)
    assert errors(data)


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(cli, ["schema", "schedule"])
    assert json.loads(result.stdout) == json.loads(json.dumps(SCHEMA))
