"""A reusable probe is written once, used anywhere, and complained of where the mistake is."""

import copy
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner import shelf
from chaos_runner.cli.main import cli
from chaos_runner.clock import FakeClock
from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.findings import Severity
from chaos_runner.experiment.loading import Loaded, load, load_text
from chaos_runner.experiment.model import (
    AnyAnswer,
    Comparison,
    Experiment,
    Limit,
    Native,
    Probe,
    Provider,
    StepKind,
    Tolerance,
)
from chaos_runner.experiment.values import Values
from chaos_runner.lint import lint
from chaos_runner.plan.build import Wishes, plan_for
from chaos_runner.redaction import Redactor
from chaos_runner.run.events import RunStarted
from tests.examples import examples
from tests.experiment.test_fuzz import CHANGES, VALIDATOR, in_json
from tests.fuzz.mutations import spots
from tests.fuzz.seeds import PYTHON

MARK = "»"
"""Stands in a file where the complaint must point to."""
PROBES = """\
# Ours.
x-shop: &shop "http://127.0.0.1:8080"

fast:
  name: checkout is fast
  probe: http.latency
  arguments: {url: *shop, timeout: 1s, headers: {a: b}}
  below: 300ms
  every: 200ms
  allow: 5%

# How many work.
working:
  probe: process.running
  at-least: 1
  every: 2s
  missing-for: 20s
there:
  type: probe
  provider: {type: python, module: os.path, func: exists, arguments: {path: /}}
  tolerance: true
open:
  probe: tcp.connect
  arguments: {port: 80}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project: probes/ours.yaml, and a folder for experiments beside it."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "ours.yaml").write_text(PROBES, encoding="utf-8")
    return tmp_path


def written(folder: Path, probes: str = "", stop: str = "", method: str = "") -> Loaded:
    """An experiment in the project, loaded."""
    file = folder / "experiments" / "f.yaml"
    file.write_text(f"title: t\ndescription: d\nsteady-state-hypothesis:\n  title: h\n  probes: [{probes}]\n"
                    f"stop-when: [{stop}]\nmethod: [{method}]\n", encoding="utf-8")
    return load(str(file))


def experiment(loaded: Loaded) -> Experiment:
    assert loaded.findings == ()
    assert loaded.experiment
    return loaded.experiment


def probe(folder: Path, text: str) -> Probe:
    hypothesis = experiment(written(folder, probes=text)).hypothesis
    assert hypothesis
    [one] = hypothesis.probes
    return one


def rule(folder: Path, text: str) -> Probe:
    [one] = experiment(written(folder, stop=text)).stop_rules
    return one


def told(loaded: Loaded) -> list[tuple[str, str, int, int]]:
    """Code, file's name, line and column of every finding."""
    return [(one.code, Path(one.place.file).name, one.place.line, one.place.column) for one in loaded.findings]


def limit(one: Probe) -> tuple[Comparison, Any]:
    assert isinstance(one.judge, Limit)
    return one.judge.comparison, one.judge.bounds[0]


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


# Using

def test_a_probe_is_used_as_it_is(folder: Path) -> None:
    one = probe(folder, "{use: fast}")
    assert (one.name, one.every_s, one.allow, limit(one)) == ("checkout is fast", 0.2, 0.05, (Comparison.BELOW, 0.3))
    assert one.call == Native("http.latency", {"url": "http://127.0.0.1:8080", "timeout": "1s", "headers": {"a": "b"}})
    assert Path(one.place.file).name == "f.yaml"


def test_what_stands_beside_use_goes_first_and_arguments_are_joined_key_by_key(folder: Path) -> None:
    one = probe(folder, "{use: fast, name: mine, arguments: {timeout: 2s, headers: {c: d}}, at-most: 1s, for: 5s}")
    assert (one.name, one.every_s, one.allow, one.held_for_s) == ("mine", 0.2, None, 5.0)
    assert limit(one) == (Comparison.AT_MOST, 1.0)
    assert one.call == Native("http.latency", {"url": "http://127.0.0.1:8080", "timeout": "2s", "headers": {"c": "d"}})


def test_allow_takes_the_place_of_for(folder: Path) -> None:
    (folder / "probes" / "more.yaml").write_text(
        "held: {probe: process.running, arguments: {pid: 1}, equals: 1, for: 3s}\n", encoding="utf-8")
    one = probe(folder, "{use: held, allow: 1%}")
    assert (one.allow, one.held_for_s) == (0.01, None)


def test_without_a_name_it_is_called_as_its_key(folder: Path) -> None:
    assert probe(folder, "{use: working, arguments: {pid: 1}}").name == "working"


def test_an_argument_that_is_left_out_is_for_the_user_to_give(folder: Path) -> None:
    one = probe(folder, "{use: open, arguments: {host: db, port: 5432}, below: 1s}")
    assert one.call == Native("tcp.connect", {"port": 5432, "host": "db"})


def test_a_chaos_toolkit_probe_takes_arguments_into_its_provider(folder: Path) -> None:
    one = probe(folder, "{use: there, arguments: {path: /tmp}, every: 1s}")
    assert isinstance(one.call, Provider)
    assert (one.call.spec["arguments"], one.judge, one.every_s) == ({"path": "/tmp"}, Tolerance(spec=True), 1.0)


def test_a_stop_rule_takes_over_whom_to_ask_and_how_often_and_nothing_that_judges(folder: Path) -> None:
    one = rule(folder, "{name: slow, use: fast, above: 2s, for: 3s}")
    assert (limit(one), one.held_for_s, one.allow, one.every_s) == ((Comparison.ABOVE, 2.0), 3.0, None, 0.2)
    assert one.bad_when_met
    assert rule(folder, "{use: working, arguments: {pid: 1}, below: 1}").missing_for_s == 10.0


def test_a_stop_rule_may_only_ask_for_data(folder: Path) -> None:
    assert rule(folder, "{use: working, arguments: {pid: 1}, missing-for: 3s}").judge == AnyAnswer()


def test_a_step_of_the_method_reads_it_once(folder: Path) -> None:
    [step] = experiment(written(folder, method="{use: fast, background: true, pauses: {after: 1}}")).method
    assert (step.name, step.kind, step.background) == ("checkout is fast", StepKind.PROBE, True)
    assert (step.call.__class__, step.pause_after) == (Native, 1.0)


def test_an_undo_may_be_verified_by_one(folder: Path) -> None:
    act = ("{name: a, type: action, provider: {type: process, path: 'true'}, "
           "undo: {provider: {type: process, path: 'true'}, verify: {use: there}}}")
    [step] = experiment(written(folder, method=act)).method
    assert step.undo
    assert step.undo.verify
    assert step.undo.verify.judge == Tolerance(spec=True)


def test_a_ref_may_lead_to_one_that_is_used_and_a_stop_rule_still_needs_its_condition(folder: Path) -> None:
    found = experiment(written(folder, probes="{use: fast, name: p, above: 1s}", method="{ref: p}", stop="{ref: p}"))
    assert found.method[0].name == "p"
    assert limit(found.stop_rules[0]) == (Comparison.ABOVE, 1.0)
    assert [one[0] for one in told(written(folder, probes="{use: fast, name: p}", stop="{ref: p}"))] == ["E206"]


def test_no_folder_is_asked_when_nothing_is_used(tmp_path: Path) -> None:
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "broken.yaml").write_text("a: [", encoding="utf-8")
    (tmp_path / "f.yaml").write_text("title: t\ndescription: d\nmethod: []\n", encoding="utf-8")
    loaded = load(str(tmp_path / "f.yaml"))
    assert loaded.findings == ()
    assert list(loaded.sources) == [str(tmp_path / "f.yaml")]


def test_the_nearest_folder_with_files_counts(folder: Path) -> None:
    nearer = folder / "experiments" / "probes"
    nearer.mkdir()
    (nearer / "__init__.py").touch()
    assert probe(folder, "{use: fast}").name == "checkout is fast"
    (nearer / "mine.json").write_text('{"fast": {"probe": "process.running", "equals": 1}}', encoding="utf-8")
    assert probe(folder, "{use: fast, arguments: {pid: 1}}").name == "fast"


# What is wrong

@pytest.mark.parametrize(("code", "where", "text"), [
    ("E319", "probes", "{use: »fats}"),
    ("E319", "probes", "{use: »x-shop}"),
    ("E103", "probes", "{use: »5}"),
    ("E102", "probes", "{use: »''}"),
    ("E309", "probes", "{use: fast, »probe: tcp.connect}"),
    ("E309", "method", "{use: fast, »fault: proxy.cut}"),
    ("W101", "probes", "{use: fast, »type: probe}"),
    ("W101", "method", "{use: fast, »below: 1s}"),
    ("E101", "probes", "{use: fast, »evry: 1s}"),
    ("E206", "probes", "»{use: open, arguments: {host: h}}"),
    ("E206", "stop", "»{use: fast, for: 1s}"),
    ("E207", "probes", "{use: fast, below: 1s, »above: 2s}"),
    ("E207", "probes", "{use: fast, allow: 1%, »for: 2s}"),
    ("E205", "probes", "{use: fast, below: »300}"),
    ("E303", "probes", "{use: fast, arguments: {»uri: x}}"),
    ("E304", "probes", "{use: open, arguments: »{port: 1}, below: 1s}"),
    ("E305", "probes", "{use: fast, arguments: {timeout: »2}}"),
    ("E314", "probes", "{use: there, arguments: »{way: /}}"),
    ("E102", "probes", "{use: fast, controls: [»{name: c}]}"),
])
def test_a_mistake_of_the_using_place_is_told_there(folder: Path, code: str, where: str, text: str) -> None:
    loaded = written(folder, **{where: text.replace(MARK, "")})
    line = next(number for number, one in enumerate(loaded.text.splitlines(), 1) if text.replace(MARK, "") in one)
    column = loaded.text.splitlines()[line - 1].index(text.replace(MARK, "")) + text.index(MARK) + 1
    assert told(loaded) == [(code, "f.yaml", line, column)]


@pytest.mark.parametrize(("code", "text"), [
    ("E302", "p: {probe: »http.latancy, below: 1s}"),
    ("E305", "p: {probe: http.status, arguments: {url: u, timeout: »2}, equals: 200}"),
    ("E303", "p: {probe: http.status, arguments: {url: u, »uri: v}, equals: 200}"),
    ("E205", "p: {probe: tcp.connect, arguments: {host: h, port: 1}, below: »300}"),
    ("E207", "p: {probe: process.running, arguments: {pid: 1}, above: 0, »equals: 1}"),
    ("E309", "p: »{equals: 1}"),
    ("E102", "p: »{provider: {type: process, path: 'true'}, tolerance: 0}"),
    ("E310", "p: {»type: action, provider: {type: process, path: 'true'}, tolerance: 0}"),
    ("E312", "p: {type: probe, provider: {type: python, module: »no.such, func: f}, tolerance: 0}"),
    ("E103", "p: »just a text"),
    ("E010", "p: {probe: process.running, arguments: {pid: 1}, equals: 1}\n»p: {probe: process.running, equals: 1}"),
    ("E101", "p: {probe: process.running, arguments: {pid: 1}, equals: 1, »evry: 1s}"),
    ("W101", "p: {probe: process.running, arguments: {pid: 1}, equals: 1, »use: fast}"),
    ("W101", "p: {probe: process.running, arguments: {pid: 1}, equals: 1, »fault: proxy.cut}"),
    ("W001", "p: {probe: process.running, arguments: {pid: 1}, equals: 1, x-note: »yes}"),
])
def test_a_mistake_of_the_reusable_probe_is_told_in_its_file_and_once(folder: Path, code: str, text: str) -> None:
    (folder / "probes" / "more.yaml").write_text(text.replace(MARK, ""), encoding="utf-8")
    loaded = written(folder, probes="{use: p}, {use: p, name: q}", stop="{use: p, below: 1}")
    before = text[: text.index(MARK)]
    place = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert set(told(loaded)) == {(code, "more.yaml", *place)}
    assert len(loaded.findings) == 1
    assert text.replace(MARK, "").splitlines()[place[0] - 1] in render(loaded.findings, loaded.sources)


def test_a_misspelt_name_says_which_was_meant(folder: Path) -> None:
    [finding] = written(folder, probes="{use: wroking}").findings
    assert (finding.found, finding.help) == ("wroking", 'did you mean "working"?')
    [finding] = written(folder, probes="{use: zebra}").findings
    assert finding.help == "there are: fast, working, there, open"


def test_without_any_file_it_says_where_to_write_one(tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    [finding] = written(tmp_path, probes="{use: fast}").findings
    assert (finding.code, finding.help) == ("E319", "write it into probes/<any name>.yaml")


def test_a_name_that_two_files_give_is_refused(folder: Path) -> None:
    (folder / "probes" / "more.yml").write_text("fast: {probe: process.running}\n", encoding="utf-8")
    [finding] = written(folder, probes="{use: fast}").findings
    assert finding.code == "E320"
    assert "more.yml:1:1" in finding.message
    assert "ours.yaml:4:1" in finding.message


@pytest.mark.parametrize("text", [b"a: [", b"- a", b"", b"\xff", b"\0"])
def test_a_broken_file_is_told_when_the_name_is_not_found_elsewhere(folder: Path, text: bytes) -> None:
    (folder / "probes" / "broken.yaml").write_bytes(text)
    assert probe(folder, "{use: fast}").name == "checkout is fast"
    loaded = written(folder, probes="{use: slow}")
    assert {Path(one.place.file).name for one in loaded.findings} == {"broken.yaml", "f.yaml"}
    assert {"E319"} < {one.code for one in loaded.findings}


def test_a_file_that_cannot_be_read_is_told(folder: Path) -> None:
    (folder / "probes" / "loop.yaml").symlink_to(folder / "probes" / "loop.yaml")
    (folder / "probes" / "folder.yaml").mkdir()
    assert told(written(folder, probes="{use: slow}")) == [("E319", "f.yaml", 5, 18)]


# What is kept

def test_the_experiment_keeps_what_it_used_once_and_only_that_part_of_the_file(folder: Path) -> None:
    loaded = written(folder, probes="{use: fast}, {use: fast, name: q}", stop="{use: there, tolerance: true}")
    used = experiment(loaded).used
    assert [(one.name, Path(one.file).name) for one in used] == [("there", "ours.yaml"), ("fast", "ours.yaml")]
    assert used[1].text.startswith("fast:\n  name: checkout is fast\n")
    assert used[1].text.endswith("\n  allow: 5%")
    assert "working" not in used[1].text


def digest(found: Experiment) -> str:
    return plan_for(found, Values(), Wishes(), shelf.fault, FakeClock().now()).digest


def test_a_reusable_probe_that_changes_changes_the_digest(folder: Path) -> None:
    before = digest(experiment(written(folder, probes="{use: fast}")))
    assert before == digest(experiment(written(folder, probes="{use: fast}")))
    (folder / "probes" / "ours.yaml").write_text(PROBES.replace("300ms", "400ms"), encoding="utf-8")
    assert before != digest(experiment(written(folder, probes="{use: fast}")))


def test_a_secret_in_a_reusable_probe_reaches_no_journal(folder: Path) -> None:
    (folder / "probes" / "more.yaml").write_text(
        "p: {probe: http.status, arguments: {url: u, headers: {a: hunter2hunter2}}, equals: 200}\n", encoding="utf-8")
    values = Values(secrets={"shop": {"token": "hunter2hunter2"}})
    plan = plan_for(experiment(written(folder, probes="{use: p}")), values, Wishes(), shelf.fault, FakeClock().now())
    event = Redactor(values.sensitive()).struct(RunStarted(t=0.0, plan=plan))
    assert b"hunter2" in msgspec.json.encode(plan)
    assert b"hunter2" not in msgspec.json.encode(event)


def test_a_trap_in_a_reusable_probe_is_told_where_it_is_used(folder: Path) -> None:
    (folder / "probes" / "more.yaml").write_text(
        "p: {probe: http.latency, arguments: {url: u}, below: 1s, allow: 60%}\n", encoding="utf-8")
    found = experiment(written(folder, probes="{use: p}"))
    assert [(one.place.line, one.place.column) for one in lint(found) if one.code == "W415"] == [(5, 12)]


# Whatever a file holds

LIBRARY: dict[str, Any] = {
    "x-note": [1], "fast": {"name": "fast", "probe": "http.latency", "arguments": {"url": "u", "timeout": "1s"},
                            "below": "1s", "every": "200ms", "allow": "5%", "missing-for": "5s"},
    "there": {"type": "probe", "provider": PYTHON, "tolerance": True},
    "found": {"name": "f", "type": "probe", "provider": {"type": "process", "path": "true", "arguments": ["-x"]},
              "tolerance": {"type": "regex", "pattern": "a"}, "every": "1s", "for": "2s"}}
USING: dict[str, Any] = {
    "title": "t", "description": "d", "steady-state-hypothesis": {"title": "h", "probes": [
        {"use": "fast", "arguments": {"timeout": "2s"}, "at-most": "2s", "for": "5s"}, {"use": "there", "name": "n"},
        {"use": "found", "arguments": "-y", "tolerance": 0, "allow": "1%"}]},
    "method": [{"use": "there", "background": True}, {"ref": "n"}],
    "stop-when": [{"use": "fast", "above": "3s"}, {"use": "found", "missing-for": "5s"}]}


@st.composite
def broken(draw: st.DrawFn, whole: dict[str, Any]) -> dict[str, Any]:
    """The data, with up to three things wrong with it, or strange."""
    data = copy.deepcopy(whole)
    for _ in range(draw(st.integers(0, 3))):
        places = list(spots(data))
        if places:
            draw(st.sampled_from(CHANGES))(*draw(st.sampled_from(places)), draw)
    return data


@given(broken(LIBRARY), broken(USING))
@examples(150)
def test_no_library_and_no_use_of_it_raises_and_every_complaint_has_its_place(library: Any, using: Any) -> None:
    with TemporaryDirectory() as name:
        (Path(name) / "probes").mkdir()
        (Path(name) / "probes" / "l.json").write_text(in_json(library), encoding="utf-8", errors="surrogatepass")
        loaded = load_text(in_json(using).encode(errors="surrogatepass"), f"{name}/f.json")
    assert {one.place.file for one in loaded.findings} <= set(loaded.sources)
    assert len(set(loaded.findings)) == len(loaded.findings)
    render(loaded.findings, loaded.sources).encode()
    assert (loaded.experiment is None) == any(one.severity is Severity.ERROR for one in loaded.findings)
    if loaded.experiment:
        lint(loaded.experiment)
    if not loaded.findings:
        assert [error.message for error in VALIDATOR.iter_errors(json.loads(loaded.text))] == []


def test_the_library_that_is_to_be_broken_is_whole(tmp_path: Path) -> None:
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "l.json").write_text(in_json(LIBRARY), encoding="utf-8")
    assert load_text(in_json(USING).encode(), f"{tmp_path}/f.json").findings == ()


# Listing

def test_probes_lists_the_reusable_ones_beside_the_native_ones(folder: Path) -> None:
    with inside(folder / "experiments"):
        shown = CliRunner().invoke(cli, ["probes"])
        rows = json.loads(CliRunner().invoke(cli, ["probes", "--json"]).stdout)
    assert "checkout is fast (http.latency)" in shown.stdout
    assert [row["use"] for row in rows["reusable"]] == ["fast", "working", "there", "open"]
    assert rows["reusable"][2]["asks"] == "os.path.exists"
    assert (rows["reusable"][0]["arguments"], rows["reusable"][0]["line"]) == (["url", "timeout", "headers"], 4)
    assert "http.latency" in {row["probe"] for row in rows["probes"]}


def test_a_file_that_is_broken_is_told_and_the_rest_is_listed(folder: Path) -> None:
    (folder / "probes" / "broken.yaml").write_text("a: [", encoding="utf-8")
    odd = "a: 1\nb: {provider: 5}\nc: {provider: {type: [1]}}\n"
    (folder / "probes" / "odd.yaml").write_text(odd, encoding="utf-8")
    with inside(folder):
        shown = CliRunner().invoke(cli, ["probes"])
    assert shown.exit_code == 0
    assert "E007" in shown.stderr
    assert "checkout is fast" in shown.stdout
