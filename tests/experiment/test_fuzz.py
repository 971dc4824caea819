"""Whatever a file holds: nothing raises, every complaint has a place, and what has no error is a whole experiment."""

import copy
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.findings import Finding, Severity
from chaos_runner.experiment.loading import Loaded, load_text
from chaos_runner.experiment.model import Experiment
from chaos_runner.experiment.schema import schema
from tests.examples import examples
from tests.fuzz.mutations import spots
from tests.fuzz.seeds import PYTHON, WHOLE

jsonschema: Any = pytest.importorskip("jsonschema")
VALIDATOR = jsonschema.Draft202012Validator(schema())

ODD: list[Any] = [
    None, True, False, 0, -1, 10**400, 1e308, -0.5, 1.5, float("nan"), float("inf"), date(2026, 2, 1), b"bytes",
    "", " ", "é日本", "\u202e\x1b", "30", "30s", "0s", "5%", "200%", "10Mi", "9" * 400 + "s", "9" * 400 + "Ti", "-1s",
    "${wait}", "${", "a${wait}b", "~a\0b", "a\0b", ".path", "os.path", "no.such", "exists", "(", "x" * 5000, "range",
    "jsonpath", "regex", "probe", "action", "python", "http", "proxy.cut", "host.process_kill", "tcp.connect", "slow",
    [], {}, [None], [[]], [1, 2], [2, 1], ["1s", "5%"], {"": {}}, {"ref": "act"}, {"type": "probe"}, PYTHON,
]
NAMES = ["x-mine", "nam", "Title", "ref", "use", "fault", "probe", "provider", "below", "tolerance", "every", "undo",
         "controls", "limits", "pauses", "", "é", "name", "type", "duration", "on"]


SPOTS = list(spots(WHOLE))


def delete(holder: Any, key: Any, draw: st.DrawFn) -> None:
    del holder[key]


def replace(holder: Any, key: Any, draw: st.DrawFn) -> None:
    holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))


def repeat(holder: Any, key: Any, draw: st.DrawFn) -> None:
    if isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    else:
        holder[draw(st.sampled_from(NAMES))] = copy.deepcopy(holder[key])


def rename(holder: Any, key: Any, draw: st.DrawFn) -> None:
    value = holder.pop(key)
    if isinstance(holder, dict):
        holder[draw(st.sampled_from(NAMES))] = value


def wrap(holder: Any, key: Any, draw: st.DrawFn) -> None:
    """In a few lists, or in so many that the file is too deep."""
    for _ in range(draw(st.sampled_from([1, 2, 60, 120]))):
        holder[key] = [holder[key]] if draw(st.booleans()) else {"x": holder[key]}


def exchange(holder: Any, key: Any, draw: st.DrawFn) -> None:
    """Puts something here that stands elsewhere in the file."""
    other, name = draw(st.sampled_from(SPOTS))
    holder[key] = copy.deepcopy(other[name])


CHANGES: list[Callable[[Any, Any, st.DrawFn], None]] = [delete, replace, repeat, rename, wrap, exchange]


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """The whole experiment, with one to four things wrong with it, or strange, or as good as before."""
    data = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 4))):
        places = list(spots(data))
        if places:
            draw(st.sampled_from(CHANGES))(*draw(st.sampled_from(places)), draw)
    return data


@st.composite
def scribbled(draw: st.DrawFn) -> tuple[str, str]:
    """Its text, with lines lost, doubled and misspelt, and a name for the file."""
    file, text = draw(st.sampled_from([("f.yaml", in_yaml(WHOLE)), ("f.json", in_json(WHOLE))]))
    lines = text.splitlines()
    for _ in range(draw(st.integers(1, 3))):
        number = draw(st.integers(0, len(lines) - 1))
        line = lines[number]
        column = draw(st.integers(0, len(line)))
        paw = draw(st.sampled_from(["", "\n", ": ", "- ", '"', "'", "\t", "{", "]", "é", "&a ", "*a", "0", ","]))
        lines[number : number + 1] = draw(st.sampled_from([
            [], [line, line], [line[:column]], [line[:column] + "~"], [line[:column] + paw + line[column:]],
            [line[:column] + line[column + 1:]]]))
        lines = lines or [""]
    return file, "\n".join(lines)


def in_json(data: Any) -> str:
    return json.dumps(data, indent=1, default=str)


def in_yaml(data: Any) -> str:
    return yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)


def in_c(text: str) -> Any:
    """As libyaml reads it, which takes some files that PyYAML's own scanner refuses."""
    return yaml.load(text, yaml.CSafeLoader)


def errors(loaded: Loaded) -> list[Finding]:
    return [finding for finding in loaded.findings if finding.severity is Severity.ERROR]


def sound(text: str, file: str) -> Loaded:
    """Loads it, and checks what must be true of anything loaded."""
    loaded = load_text(text.encode(errors="surrogatepass"), file)
    end = loaded.text.count("\n") + loaded.text.count("\r") + 2  # YAML's own end of the file is a line of its own
    assert all(1 <= finding.place.line <= end and finding.place.column >= 1 for finding in loaded.findings)
    assert len(set(loaded.findings)) == len(loaded.findings)
    render(loaded.findings, {file: loaded.text}, color=True).encode()
    assert (loaded.experiment is None) == bool(errors(loaded))
    if loaded.experiment:
        says_the_same_when_read_back(loaded.experiment)
        keeps_every_activity(loaded)
    return loaded


def says_the_same_when_read_back(experiment: Experiment) -> None:
    """What YAML alone can hold (dates, bytes, .nan) becomes what JSON can hold, once and for all."""
    written = msgspec.json.encode(experiment)
    again = msgspec.json.decode(written, type=Experiment)
    assert msgspec.json.encode(again) == written
    if experiment.file.endswith(".json"):
        assert again == experiment


def keeps_every_activity(loaded: Loaded) -> None:
    """Nothing that the author wrote is dropped without a word."""
    in_file = json.loads if loaded.file.endswith(".json") else in_c
    experiment, data = loaded.experiment, in_file(loaded.text)
    assert experiment
    assert len(experiment.method) == len(data["method"])
    assert len(experiment.rollbacks) == len(data.get("rollbacks") or [])
    assert len(experiment.stop_rules) == len(data.get("stop-when") or [])
    hypothesis = data.get("steady-state-hypothesis")
    assert (experiment.hypothesis is None) == (hypothesis is None)
    if experiment.hypothesis:
        assert len(experiment.hypothesis.probes) == len(hypothesis.get("probes") or [])


@pytest.mark.parametrize(("file", "text"), [("f.yaml", in_yaml(WHOLE)), ("f.json", in_json(WHOLE))])
def test_the_experiment_that_is_to_be_broken_is_whole(file: str, text: str) -> None:
    assert sound(text, file).findings == ()


@given(changed())
@examples(200)
def test_no_data_in_json_raises_and_what_loads_is_valid_for_editors(data: dict[str, Any]) -> None:
    loaded = sound(in_json(data), "f.json")
    if not loaded.findings:
        assert [error.message for error in VALIDATOR.iter_errors(json.loads(loaded.text))] == []


@given(changed())
@examples(150)
def test_no_data_in_yaml_raises(data: dict[str, Any]) -> None:
    sound(in_yaml(data), "f.yaml")


@given(scribbled())
@examples(150)
def test_no_scribbling_over_the_text_raises(scribble: tuple[str, str]) -> None:
    file, text = scribble
    sound(text, file)
