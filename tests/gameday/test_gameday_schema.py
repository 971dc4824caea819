"""What editors are told of game days is what the loader wants: the same keys, the same words, the same values."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner.cli.main import cli
from chaos_runner.gameday.reading import DAY_KEYS, ITEM_KEYS
from chaos_runner.gameday.schema import schema
from tests.examples import examples
from tests.gameday.samples import read
from tests.schemas import Beside

SCHEMA = schema()
BESIDE = Beside(SCHEMA, read)
errors, is_sound = BESIDE.errors, BESIDE.is_sound
FILES = sorted((Path(__file__).parents[2] / "gamedays").glob("*.yaml"))

ROLES: list[Any] = [{"lead": "Anna", "ops": None}, ["lead", "ops"], {"lead": ""}, {}, None, 5, ["lead", 5], {"lead": 5}]
ITEMS: list[Any] = [
    {"experiment": "a.yaml", "title": "A", "sealed": True, "at-most": "5m", "observe": "1m"}, {"experiment": "a.yaml"},
    {"manual": "look", "role": "lead", "at-most": "3m"}, {"ask": "well?"}, {"ask": "well?", "of": "lead"},
    {"ask": "well?", "of": ["lead", "ops"]}, {"note": "hear", "x-own": 1}, {"note": "hear", "manual": None},
    {"note": ""}, {"note": "hear", "manual": "look"}, {}, "hello", {"ask": "well?", "of": []},
    {"ask": "well?", "of": [5]}, {"manual": "look", "at-most": 5}, {"experiment": "a", "saeled": True},
    {"experiment": "a", "sealed": "yes-please"}, {"note": "hear", "observe": "1m"}, {"manual": "look", "role": 5}]
HEAD: dict[str, Any] = {"title": "a day", "roles": ROLES[0]}


@pytest.mark.slow
def test_it_is_a_schema_of_the_draft_it_names() -> None:
    BESIDE.check()


def test_every_key_that_the_loader_knows_is_in_it_and_no_other() -> None:
    assert set(SCHEMA["properties"]) == set(DAY_KEYS)
    branches = SCHEMA["$defs"]["item"]["allOf"]
    assert [set(one["then"]["properties"]) for one in branches] == [set(keys) for keys in ITEM_KEYS.values()]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_game_days_here_are_right(file: Path) -> None:
    assert errors(yaml.safe_load(file.read_text())) == []


@pytest.mark.parametrize("item", ITEMS, ids=json.dumps)
def test_an_item_that_the_loader_takes_is_right_and_one_that_it_refuses_is_wrong(item: Any) -> None:
    data = {**HEAD, "agenda": [item]}
    assert (errors(data) == []) is is_sound(data)


@pytest.mark.parametrize("roles", ROLES, ids=json.dumps)
def test_roles_that_the_loader_takes_are_right_and_others_wrong(roles: Any) -> None:
    data = {"title": "a day", "roles": roles, "agenda": [{"note": "hear"}]}
    assert (errors(data) == []) is is_sound(data)


@pytest.mark.parametrize("data", [
    {"title": "a"}, {"title": "", "agenda": [{"note": "x"}]}, {"title": "a", "agenda": []}, {"agenda": [{"note": "x"}]},
    {"title": "a", "agenda": "nothing"}, {"title": "a", "agenda": [{"note": "x"}], "owners": "me"}, []], ids=json.dumps)
def test_a_day_that_lacks_what_it_needs_is_wrong(data: Any) -> None:
    assert not is_sound(data)
    assert errors(data)


@examples(200)
@given(st.sampled_from(ROLES), st.lists(st.sampled_from(ITEMS), max_size=4))
def test_every_game_day_that_is_sound_is_right(roles: Any, agenda: list[Any]) -> None:
    data = {"title": "a day", "roles": roles, "agenda": agenda}
    assert not is_sound(data) or errors(data) == []


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(cli, ["schema", "gameday"])
    assert json.loads(result.stdout) == json.loads(json.dumps(SCHEMA))
