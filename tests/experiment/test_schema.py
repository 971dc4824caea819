"""What editors are told of experiment files is what the loader wants: the same keys, the same words, the same units."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from chaos_runner import shelf, units
from chaos_runner.cli.main import cli
from chaos_runner.experiment import activities, build, judges, providers
from chaos_runner.experiment.arguments import names
from chaos_runner.experiment.loading import load_data
from chaos_runner.experiment.model import Comparison, RollbackStrategy
from chaos_runner.experiment.schema import schema
from chaos_runner.experiment.schema_values import PATTERNS, Schema
from chaos_runner.units import NoUnit, Unit
from tests.examples import examples

jsonschema: Any = pytest.importorskip("jsonschema")
SCHEMA = schema()
DEFS = SCHEMA["$defs"]
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))

HEAD: dict[str, Any] = {"title": "t", "description": "d", "method": []}
PROCESS = {"type": "process", "path": "true"}
ACTION = {"name": "a", "type": "action", "provider": PROCESS}
PROBE = {"name": "p", "type": "probe", "provider": PROCESS, "tolerance": 0}
CONNECT = {"probe": "tcp.connect", "arguments": {"host": "h", "port": 1}}
CUT = {"fault": "proxy.cut", "target": {"proxy": "db"}, "duration": "5s"}
SLOW = {**CUT, "fault": "proxy.latency", "arguments": {"latency": "200ms"}}


def method(*steps: Any) -> dict[str, Any]:
    return {**HEAD, "method": list(steps)}


def probes(*found: Any) -> dict[str, Any]:
    return {**HEAD, "steady-state-hypothesis": {"title": "h", "probes": list(found)}}


RIGHT = [
    HEAD, {**HEAD, "x-mine": {"anything": [None]}}, {**HEAD, "rollbacks": None, "steady-state-hypothesis": None},
    {**HEAD, "controls": [], "limits": {}, "rehearse": False, "gates": None}, {**HEAD, "tags": ["a"], "seed": 7},
    {**HEAD, "runtime": {"rollbacks": {"strategy": "deviated"}, "hypothesis": {"strategy": "default"}}},
    {**HEAD, "rollbacks": [ACTION]}, {**HEAD, "stop-when": [{**CONNECT, "above": "2s", "for": "5s"}]},
    method(CUT), method({**CUT, "type": "action", "name": "cut", "background": True, "undo": None, "x-a": 1}),
    method({**SLOW, "arguments": {"latency": "${late}", "jitter": " 1m 30s", "stream": "upstream", "toxicity": "5%"}}),
    method({**SLOW, "arguments": {"latency": "200ms", "stream": "${stream}"}}),
    method(ACTION, {"ref": "a", "background": True}), method({**ACTION, "pauses": {"before": "${w}", "after": 0.5}}),
    method({**ACTION, "pauses": {"before": "5s", "after": None}, "expect": {"status": 0}, "timeout": 3}),
    method({**ACTION, "undo": {"provider": PROCESS, "verify": {**CONNECT, "below": "1s"}}}),
    method({**ACTION, "undo": {"provider": PROCESS, "verify": {"type": "probe", "provider": PROCESS, "tolerance": 0}}}),
    method({**ACTION, "provider": {"type": "python", "module": "os", "func": "getcwd", "arguments": None}}),
    method({**ACTION, "provider": {"type": "http", "url": "${u}", "timeout": [1, 2], "headers": {"a": "b"}}}),
    method({"probe": "process.running", "arguments": {"pid": 4}}), method({"probe": "process.running"}),
    probes(PROBE), probes({**PROBE, "tolerance": [1, 2]}, {**CONNECT, "below": "1s", "every": "200ms", "allow": "1%"}),
    probes({**PROBE, "tolerance": {"type": "regex", "pattern": "a+"}}, {**CONNECT, "below": 0}),
    probes({**PROBE, "tolerance": {"type": "probe", "name": "t", "provider": PROCESS}}),
    probes({**PROBE, "tolerance": None, "above": "5%"}, {**CONNECT, "between": [0, "1s"]}),
    probes({**PROBE, "tolerance": None, "equals": {"status": 0}}),
]
WRONG = [
    [], {}, {**HEAD, "title": ""}, {**HEAD, "title": None}, {"title": "t", "description": "d"}, {**HEAD, "metod": []},
    {**HEAD, "controls": [{"name": "c"}]}, {**HEAD, "confirm-above": 0}, {**HEAD, "seed": "7"}, {**HEAD, "tags": [""]},
    {**HEAD, "rollbacks": [CUT]}, {**HEAD, "runtime": {"rollbacks": {"strategy": "sometimes"}}}, method(None),
    method({"name": "a"}), method({**ACTION, "fault": "proxy.cut"}), method({**ACTION, "name": None}),
    method({**ACTION, "type": None}), method({**ACTION, "duration": "5s"}),
    method({**ACTION, "pauses": {"after": "5"}}),
    method({**CUT, "fault": "proxy.cutt"}), method({**CUT, "target": None}), method({**CUT, "target": {"proxi": "db"}}),
    method({**CUT, "duration": 5}), method({**CUT, "type": "probe"}), method({**CUT, "undo": {"provider": PROCESS}}),
    method({**SLOW, "arguments": {"latency": 200}}), method({**SLOW, "arguments": {"latency": "5%"}}),
    method({**SLOW, "arguments": {}}), method({**SLOW, "arguments": {"latency": "1s", "stream": "sideways"}}),
    method({**SLOW, "arguments": {"latency": "1s", "toxicity": "101%"}}), method({**ACTION, "background": "yes"}),
    method({**ACTION, "provider": {"type": "process"}}), method({**ACTION, "provider": {"type": "pythn"}}),
    method({**ACTION, "provider": {**PROCESS, "timeout": 0}}), method({**ACTION, "provider": {**PROCESS, "arg": 1}}),
    method({**ACTION, "undo": {}}), method({"ref": ""}), method({"ref": "a", "pauses": {"after": 1}}),
    probes({**PROBE, "tolerance": 1.5}), probes({**PROBE, "tolerance": None}), probes({**PROBE, "below": 1}),
    probes({**PROBE, "type": "action"}), probes({**PROBE, "tolerance": {"type": "regexp"}}), probes(CUT),
    probes({**CONNECT, "below": 300}), probes({**CONNECT, "below": "5%"}), probes({**CONNECT, "between": ["1s"]}),
    probes({"probe": "tcp.connect", "below": "1s"}), probes({**CONNECT, "below": "1s", "allow": 0.01}),
]


def keys_of(part: Schema) -> set[str]:
    return set(part["properties"])


def itself(name: str) -> Schema:
    """What an activity is when it is no ref and uses no reusable probe."""
    found = DEFS[name]["else"]["else"]
    first: Schema = found if "properties" in found or "$ref" in found else found["allOf"][0]
    return DEFS[first["$ref"].rpartition("/")[2]] if "$ref" in first else first


def errors(data: Any) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(data)]


@pytest.mark.slow
def test_it_is_a_schema_of_the_draft_it_names() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(("part", "keys"), [
    (SCHEMA, build.EXPERIMENT_KEYS), (DEFS["hypothesis"], build.HYPOTHESIS_KEYS), (DEFS["undo"], activities.UNDO_KEYS),
    (itself("probe"), activities.PROBE_KEYS), (itself("verify"), activities.PROBE_KEYS),
    (itself("step"), activities.STEP_KEYS), (DEFS["ref"], activities.REF_KEYS),
    (DEFS["probe-in-use"], activities.USE_KEYS["probe"]), (DEFS["step-in-use"], activities.USE_KEYS["activity"]),
    (SCHEMA["properties"]["runtime"], build.RUNTIME_KEYS),
    (itself("step")["properties"]["pauses"], activities.PAUSES_KEYS),
])
def test_every_key_that_the_loader_knows_is_in_the_schema_and_no_other(part: Schema, keys: Iterable[str]) -> None:
    assert keys_of(part) == set(keys)


def test_every_type_of_provider_has_its_keys() -> None:
    branches = {one["if"]["properties"]["type"]["const"]: one["then"] for one in DEFS["provider"]["allOf"]}
    assert {kind: keys_of(then) for kind, then in branches.items()} == {
        kind: set(keys) for kind, keys in providers.PROVIDER_KEYS.items()}


def test_every_word_that_the_loader_takes_is_offered() -> None:
    runtime = SCHEMA["properties"]["runtime"]["properties"]
    strategies = runtime["rollbacks"]["properties"]["strategy"]["enum"]
    assert strategies == [*RollbackStrategy, None]
    tolerances = {one["if"]["properties"]["type"]["const"] for one in DEFS["tolerance"]["anyOf"][1]["allOf"]}
    assert tolerances == set(judges.TOLERANCES)
    assert keys_of(itself("probe")) >= {comparison.value for comparison in Comparison}


@pytest.mark.parametrize("name", shelf.fault_names())
def test_every_fault_has_its_target_and_arguments_and_says_what_it_does(name: str) -> None:
    fault = shelf.fault(name)
    assert keys_of(DEFS[f"target-of-{name}"]) == set(names(fault.target))
    assert keys_of(DEFS[f"arguments-of-{name}"]) == set(names(fault.arguments))
    said = {one["const"]: one["description"] for one in itself("step")["properties"]["fault"]["oneOf"]}
    assert said[name]


@pytest.mark.parametrize("name", shelf.probe_names())
def test_every_probe_has_its_arguments_and_says_what_it_reads(name: str) -> None:
    assert keys_of(DEFS[f"arguments-of-probe-{name}"]) == set(names(shelf.probe(name).arguments))
    for part in ("probe", "step"):
        said = {one["const"]: one["description"] for one in itself(part)["properties"]["probe"]["oneOf"]}
        assert said[name] == shelf.probe(name).says


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.name)
def test_the_numbered_experiments_are_right(file: Path) -> None:
    assert errors(yaml.safe_load(file.read_text())) == []


@pytest.mark.parametrize("data", RIGHT, ids=json.dumps)
def test_what_loads_without_a_complaint_is_right(data: dict[str, Any]) -> None:
    assert [finding.message for finding in load_data(data).findings] == []
    assert errors(data) == []


@pytest.mark.parametrize("data", WRONG, ids=json.dumps)
def test_what_is_complained_of_is_wrong(data: Any) -> None:
    assert load_data(data).findings
    assert errors(data)


def reads(parse: Any, text: str) -> bool:
    try:
        parse(text)
    except NoUnit:
        return False
    return True


NEARLY = st.from_regex(r"\A\s?[0-9]{0,3}\.?[0-9]{0,2}\s?(us|ms|s|m|h|d|%|Ki|MiB|B|k|x)?\s?(\d\s?m?s)?\n?\Z")


@given(NEARLY | st.text("0123456789.smhdu% \nkKMGTiB-", max_size=8))
@examples(400)
@example("100.0%")
@example("100.1%")
@example("0099%")
@example("1m30s\n")
def test_the_patterns_take_exactly_what_the_units_take(text: str) -> None:
    for unit, parse in ((Unit.SECONDS, units.seconds), (Unit.SHARE, units.share), (Unit.BYTES, units.size_bytes)):
        assert bool(re.search(PATTERNS[unit], text)) == reads(parse, text), unit


def test_an_argument_of_time_may_be_a_name_and_a_duration_of_the_format_may_not() -> None:
    late = DEFS["arguments-of-proxy.latency"]["properties"]["latency"]
    assert jsonschema.Draft202012Validator(late).is_valid("${late}")
    assert not jsonschema.Draft202012Validator(itself("step")["properties"]["duration"]).is_valid("${late}")
    assert load_data(method({**CUT, "duration": "${late}"})).findings[0].code == "E201"


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(cli, ["schema"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json.loads(json.dumps(SCHEMA))
