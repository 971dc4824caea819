"""A game day's file: what is a mistake in it, and where."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner.gameday.loading import committed, digest_of, load, planned
from chaos_runner.gameday.model import SEALED
from tests.examples import examples
from tests.gameday.samples import read
from tests.run.samples import action, experiment, single

GOOD = "title: a day\nroles: {lead: Anna, ops: }\nagenda:\n"


def complaints(text: str) -> list[str]:
    return [f"{finding.code} {finding.place.line}:{finding.place.column}" for finding in read(text)[1]]


def test_a_question_is_for_all_roles_unless_it_names_some() -> None:
    found, _ = read(GOOD + "- ask: well?\n- {ask: sure?, of: ops}\n")
    assert found
    assert found.roles == {"lead": "Anna", "ops": ""}
    assert [item.of for item in found.agenda] == [("lead", "ops"), ("ops",)]


def test_without_roles_the_conductor_answers() -> None:
    found, _ = read("title: a\nagenda: [{ask: well?}]\n")
    assert found
    assert found.agenda[0].of == ("the conductor",)


@pytest.mark.parametrize(("text", "wanted"), [
    ("title: a\n", ["E102 1:1"]),
    ("title: ''\nagenda: [{note: x}]\n", ["E102 1:8"]),
    ("title: a\nagenda: []\n", ["E503 2:9"]),
    ("title: a\nagenda: nothing\n", ["E103 2:9", "E503 2:9"]),
    (GOOD + "- hello\n", ["E103 4:3"]),
    (GOOD + "- {}\n", ["E501 4:3"]),
    (GOOD + "- {note: a, manual: b}\n", ["E501 4:3"]),
    (GOOD + "- {note: ''}\n", ["E102 4:10"]),
    (GOOD + "- {ask: well?, of: [laed]}\n", ["E502 4:21"]),
    (GOOD + "- {ask: well?, of: []}\n", ["E502 4:20"]),
    (GOOD + "- {ask: well?, of: [5]}\n", ["E103 4:21"]),
    (GOOD + "- {manual: look, role: nobody}\n", ["E502 4:24"]),
    (GOOD + "- {manual: look, at-most: 5}\n", ["E201 4:27"]),
    (GOOD + "- {manual: look, at-most: 0s}\n", ["E201 4:27"]),
    (GOOD + "- {experiment: a, saeled: true}\n", ["E101 4:19"]),
    (GOOD + "- {experiment: a, colour: red}\n", ["W101 4:19"]),
    (GOOD + "- {experiment: a, sealed: yes-please}\n", ["E103 4:27"]),
    ("title: a\nroles: 5\nagenda: [{note: x}]\n", ["E103 2:8"]),
    ("title: a\nroles: [lead, 5]\nagenda: [{note: x}]\n", ["E103 2:15"]),
])
def test_a_mistake_has_its_code_and_its_place(text: str, wanted: list[str]) -> None:
    found, _ = read(text)
    assert complaints(text) == wanted
    assert found is None


@pytest.mark.parametrize("text", ["", "[]", "5", "title: [", "\x00", "agenda: {a: b}", "agenda: [[]]", "roles: {1: 2}"])
def test_whatever_the_file_holds_it_is_a_complaint_and_no_traceback(text: str) -> None:
    found, complaints = read(text)
    assert found is None
    assert complaints


DATA = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(
    inner, max_size=3) | st.dictionaries(st.sampled_from(["experiment", "manual", "ask", "of", "note", "x"]), inner))


@examples(200)
@given(st.fixed_dictionaries({}, optional={"title": DATA, "roles": DATA, "agenda": st.lists(DATA, max_size=4)}))
def test_whatever_stands_under_the_keys_it_is_a_game_day_or_a_complaint(data: dict[str, Any]) -> None:
    found, complaints = read(json.dumps(data))
    assert found or complaints


def written(folder: Path, item: str, **data: object) -> Path:
    asked = {**experiment(action(), probes=[single()]), "title": "the title", **data}
    (folder / "a.json").write_text(json.dumps(asked))
    file = folder / "day.yaml"
    file.write_text(f"title: a day\nagenda:\n  - {item}\n")
    return file


def test_an_experiment_is_looked_for_upwards_and_brings_its_title_and_longest_end(tmp_path: Path) -> None:
    written(tmp_path, "{note: x}")
    (tmp_path / "gamedays").mkdir()
    file = tmp_path / "gamedays" / "day.yaml"
    file.write_text("title: a day\nagenda: [{experiment: a.json}]\n")
    found = load(str(file)).day
    assert found
    assert found.agenda[0].text == "the title"
    assert found.agenda[0].at_most_s
    assert found.agenda[0].at_most_s >= found.agenda[0].longest_s > 0


def test_a_run_that_may_take_longer_than_it_has_is_an_error(tmp_path: Path) -> None:
    loaded = load(str(written(tmp_path, "{experiment: a.json, at-most: 1s}")))
    assert loaded.day is None
    assert [(one.code, one.place.line) for one in loaded.findings if one.code == "E505"] == [("E505", 3)]


@pytest.mark.parametrize("item", ["{experiment: none.json}", "{experiment: .}"])
def test_an_experiment_that_is_not_there_is_an_error_at_its_name(tmp_path: Path, item: str) -> None:
    [finding] = load(str(written(tmp_path, item))).findings
    assert (finding.code, finding.place.line, finding.place.column) == ("E504", 3, 18)


def test_an_experiment_that_is_not_valid_brings_its_own_complaints(tmp_path: Path) -> None:
    loaded = load(str(written(tmp_path, "{experiment: a.json}", method=5)))
    assert {"E504", "E103"} <= {one.code for one in loaded.findings}


def test_of_a_sealed_item_the_plan_tells_neither_title_nor_file_nor_its_time_to_the_second(tmp_path: Path) -> None:
    found = load(str(written(tmp_path, "{experiment: a.json, sealed: true, title: my own}"))).day
    assert found
    [item] = planned(found)
    assert (item.text, item.file, item.sealed) == (SEALED, "", True)
    assert item.at_most_s
    assert item.at_most_s % 60 == 0


def test_what_is_committed_for_a_sealed_item_says_nothing_to_whoever_has_only_the_experiments(tmp_path: Path) -> None:
    file = written(tmp_path, "{experiment: a.json, sealed: true}")
    found = load(str(file)).day
    assert found
    own, sealed = committed(found)
    assert own.digest == digest_of(str(file))
    assert sealed.name == SEALED
    assert sealed.digest == digest_of(str(file), str(tmp_path / "a.json")) != digest_of(str(tmp_path / "a.json"))
