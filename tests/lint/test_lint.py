"""Each trap is told where it is, and only there."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from msgspec.structs import replace

from chaos_runner.cli.main import cli
from chaos_runner.experiment.codes import CODES
from chaos_runner.experiment.findings import Severity
from chaos_runner.experiment.lint_codes import LINT_CODES
from chaos_runner.experiment.loading import load_data, load_text
from chaos_runner.experiment.model import Experiment
from chaos_runner.lint import lint, lint_scheduled
from tests.examples import examples
from tests.experiment.test_fuzz import changed, in_json, in_yaml

FAST = {"name": "fast", "probe": "http.latency", "arguments": {"url": "${url}/pay", "timeout": "1s"},
        "below": "300ms", "every": "200ms", "allow": "5%"}
THERE = {"name": "there", "probe": "http.status", "arguments": {"url": "${url}/", "timeout": "1s"}, "equals": 200,
         "every": "500ms"}
ONCE = {"name": "once", "type": "probe", "tolerance": {"type": "range", "range": [0, 1]},
        "provider": {"type": "python", "module": "os", "func": "getpid"}}
GONE = {"name": "gone", "probe": "http.status", "arguments": {"url": "${url}/", "timeout": "1s"}, "above": 499,
        "every": "500ms", "for": "2s"}
SLOW = {"name": "slow", "fault": "proxy.latency", "target": {"proxy": "db"}, "arguments": {"latency": "200ms"},
        "duration": "30s"}
PAUSE = {"name": "pause", "fault": "host.process_pause", "target": {"pid": 4}, "duration": "30s"}
KILL = {"name": "kill", "fault": "host.process_kill", "target": {"name": "web", "at-most": 1}}
CUT_OFF = {"name": "cut off", "fault": "host.network_partition", "target": {"to": ["10.0.0.0/8"]}, "duration": "30s"}
TOUCH = {"type": "process", "path": "sh", "arguments": ["-c", "true"]}
TIDY = {"type": "process", "path": "sh", "arguments": ["-c", "echo ${HOME}"]}
ACT = {"name": "act", "type": "action", "provider": TOUCH, "undo": {"provider": TIDY}}
TOXIC = {"name": "toxic", "type": "action", "provider": {
    "type": "python", "module": "chaostoxi.proxy.actions", "func": "disable_proxy", "arguments": {"proxy_name": "db"}}}
ENABLE = {"name": "enable", "type": "action", "provider": {
    "type": "python", "module": "chaostoxi.proxy.actions", "func": "enable_proxy", "arguments": {"proxy_name": "db"}}}
ELSE = {**ENABLE, "provider": {**ENABLE["provider"], "arguments": {"proxy_name": "other"}}}  # type: ignore[dict-item]
SOUND: dict[str, Any] = {
    "title": "Customers can pay", "description": "We believe so.",
    "configuration": {"url": {"type": "env", "key": "URL", "default": "http://10.1.2.3:8080"},
                      "toxiproxy_url": "http://127.0.0.1:8474"},
    "steady-state-hypothesis": {"title": "They pay", "probes": [FAST, THERE]}, "method": [SLOW], "stop-when": [GONE],
}


def with_(**changes: Any) -> dict[str, Any]:
    """The sound experiment, with other keys at its top. `_` stands for a hyphen."""
    return {**copy.deepcopy(SOUND), **{key.replace("_", "-"): value for key, value in changes.items()}}


def steps(*method: Any, **more: Any) -> dict[str, Any]:
    return with_(method=list(method), **more)


def probes(*given: Any, **more: Any) -> dict[str, Any]:
    return with_(steady_state_hypothesis={"title": "They pay", "probes": list(given), **more})


def stops(*rules: Any) -> dict[str, Any]:
    return with_(stop_when=list(rules))


def asks(url: str, fault: Any) -> dict[str, Any]:
    """An experiment with this fault, whose stop rule asks this URL."""
    return with_(stop_when=[{**GONE, "arguments": {"url": url}}], method=[fault])


PARTITION = {**CUT_OFF, "target": {"ports": [9090]}}
LOSS = {**CUT_OFF, "fault": "host.network_loss", "target": {"interface": "eth0", "to": ["10.1.2.3"], "ports": [8080]},
        "arguments": {"loss": "90%"}}
PROXIED = {**SLOW, "target": {"proxy": "db", "api": "http://127.0.0.1:9999"}}

SPEAKS = [
    ("W401", with_(stop_when=[])),
    ("W402", steps({**SLOW, "duration": None}, PAUSE)),
    ("W402", steps({**SLOW, "duration": None, "pauses": {"after": 5}})),
    ("W403", steps({**ACT, "undo": None})),
    ("W404", steps({**PAUSE, "target": {"name": "web"}})),
    ("W404", steps({**KILL, "target": {"command": "web", "user": "me"}})),
    ("W406", stops({**GONE, "for": "30s"})),
    ("W406", stops({**GONE, "for": None, "every": "15s"})),
    ("W406", stops({**GONE, "for": None, "allow": "1%"})),
    ("W407", stops({**GONE, "above": None, "equals": 200})),
    ("W407", stops({**GONE, "above": None, "between": [100, 399]})),
    ("W407", stops({**GONE, "above": None, "probe": "http.latency", "below": "300ms"})),
    ("W411", with_(steady_state_hypothesis=None)),
    ("W411", probes()),
    ("W412", steps({**ONCE, "tolerance": None})),
    ("W412", steps()),
    ("W413", steps(CUT_OFF)),
    ("W413", asks("http://prometheus:9090/-/healthy", PARTITION)),
    ("W413", asks("http://10.1.2.3:8080", LOSS)),
    ("W413", asks("http://localhost:8080", {**CUT_OFF, "target": {"to": ["127.0.0.1"]}})),
    ("W413", asks("http://127.0.0.1:8474/proxies/db", SLOW)),
    ("W413", asks("http://127.0.0.1:9999", PROXIED)),
    ("W413", steps({**PAUSE, "target": {"name": "web", "at-most": 1}}, steady_state_hypothesis={
        "title": "t", "probes": [FAST, {"probe": "process.running", "arguments": {"name": "web"}, "at-least": 1}]})),
    ("W413", with_(method=[CUT_OFF], stop_when=[GONE], steady_state_hypothesis={"title": "t", "probes": [
        FAST, {"probe": "tcp.connect", "arguments": {"host": "10.0.0.9", "port": 5432}, "below": "1s"}]})),
    ("W414", probes(THERE)),
    ("W414", probes(THERE, {**ONCE, "tolerance": [200, 204], "provider": {"type": "http", "url": "http://h"}})),
    ("W414", probes({"probe": "tcp.connect", "arguments": {"host": "h", "port": 5432}, "below": "1s"})),
    ("W415", probes({**FAST, "allow": "100%"})),
    ("W415", probes(FAST, {**THERE, "equals": None, "below": 600})),
    ("W415", probes(FAST, {**THERE, "equals": None, "at-least": 200})),
    ("W416", probes(FAST, {**THERE, "for": "30s"}, baseline="5s")),
    ("W416", probes(FAST, {**THERE, "every": "15s"}, baseline="80s")),
    ("W417", with_(method=[ACT], require_proof=True)),
    ("W451", probes(ONCE)),
    ("W452", probes(FAST, THERE, baseline="1s")),
    ("W452", probes(FAST, {**THERE, "every": "2s"})),
    ("W453", with_(method=[KILL], steady_state_hypothesis={"title": "t", "probes": [FAST], "recovers-within": "3s"})),
    ("W454", with_(method=[ACT], rollbacks=[{"name": "tidy", "type": "action", "provider": TIDY}])),
    ("W454", with_(method=[TOXIC], rollbacks=[ENABLE])),
    ("W455", probes({**FAST, "below": "1s"})),
    ("W455", probes({**FAST, "arguments": {"url": "${url}"}, "below": None, "between": [0, "5s"]})),
]
SILENT = [
    ("W401", with_(stop_when=[], method=[{**ONCE, "tolerance": None}])),
    ("W402", steps(KILL)),
    ("W403", steps({**ACT, "undo": None}, rollbacks=[{"name": "tidy", "type": "action", "provider": TIDY}])),
    ("W403", steps(TOXIC)),
    ("W404", steps({**PAUSE, "target": {"name": "web", "percent": "50%"}})),
    ("W404", steps(CUT_OFF)),
    ("W406", stops({**GONE, "for": "29s"})),
    ("W406", with_(method=[SLOW, SLOW], stop_when=[{**GONE, "for": "30s"}])),
    ("W406", with_(method=[SLOW, KILL], stop_when=[{**GONE, "for": "60s"}])),
    ("W407", stops({**GONE, "above": None, "equals": 503})),
    ("W407", stops({**GONE, "above": None, "tolerance": 200})),
    ("W407", stops({**GONE, "above": None, "missing-for": "3s"})),
    ("W413", asks("http://10.1.2.3:8080", {**CUT_OFF, "target": {"to": ["192.168.0.0/16", "::1", "${net}"]}})),
    ("W413", asks("http://shop:8080", {**CUT_OFF, "target": {"to": ["10.9.0.0/16"]}})),
    ("W413", asks("http://10.1.2.3:8080", PARTITION)),
    ("W413", asks("${elsewhere}", PARTITION)),
    ("W413", asks("http://[", PARTITION)),
    ("W413", steps({**PAUSE, "target": {"name": "web", "at-most": 1}}, steady_state_hypothesis={
        "title": "t", "probes": [FAST, {"probe": "process.running", "arguments": {"name": "db"}, "at-least": 1}]})),
    ("W414", probes(THERE, {**ONCE, "tolerance": {"type": "regex", "pattern": "ok", "target": "body"},
                            "provider": {"type": "http", "url": "http://h"}})),
    ("W415", probes({**FAST, "allow": "49%"}, {**THERE, "equals": None, "between": [200, 499]})),
    ("W416", probes(FAST, {**THERE, "for": "29s"})),
    ("W416", with_(method=[SLOW, ACT], steady_state_hypothesis={"title": "t", "probes": [{**FAST, "allow": None,
                                                                                          "for": "60s"}]})),
    ("W417", with_(method=[{**ACT, "expect": {"status": 0}}], require_proof=True)),
    ("W451", probes(ONCE, FAST)),
    ("W452", probes(FAST, {**THERE, "every": "1s"})),
    ("W453", with_(method=[PAUSE], steady_state_hypothesis={"title": "t", "probes": [FAST], "recovers-within": "3s"})),
    ("W454", with_(method=[TOXIC], rollbacks=[ELSE])),
    ("W455", probes({**FAST, "arguments": {"url": "${url}", "timeout": "${wait}"}, "below": "9s"})),
]


def codes(data: dict[str, Any]) -> set[str]:
    loaded = load_data(data)
    assert loaded.experiment, loaded.findings
    return {finding.code for finding in lint(loaded.experiment)}


def test_a_sound_experiment_has_no_trap() -> None:
    assert codes(SOUND) == set()


@pytest.mark.parametrize(("code", "data"), SPEAKS, ids=[f"{code}-{at}" for at, (code, _) in enumerate(SPEAKS)])
def test_a_trap_is_told(code: str, data: dict[str, Any]) -> None:
    assert code in codes(data)


@pytest.mark.parametrize(("code", "data"), SILENT, ids=[f"{code}-{at}" for at, (code, _) in enumerate(SILENT)])
def test_what_is_no_trap_is_not_told(code: str, data: dict[str, Any]) -> None:
    assert code not in codes(data)


@pytest.mark.parametrize("code", [code.code for code in LINT_CODES if code.code != "W405"])
def test_every_trap_is_told_by_some_experiment_and_has_a_severity(code: str) -> None:
    assert code in CODES
    assert code in {code for code, _ in SPEAKS}


def test_a_fixed_seed_is_a_trap_only_in_a_schedule() -> None:
    fixed, drawn = load_data(with_(seed=7)).experiment, load_data(SOUND).experiment
    assert fixed
    assert drawn
    assert lint(fixed) == lint_scheduled(drawn) == []
    [finding] = lint_scheduled(fixed)
    assert (finding.code, finding.found) == ("W405", "7")


TEXT = """\
title: t
description: d
steady-state-hypothesis:
  title: h
  baseline: 100ms
  probes:
    -
      {name: paid, probe: http.latency, arguments: {url: "http://h"}, below: 1s, allow: 60%}
method:
  - pauses: {after: 1}
    name: pause
    fault: host.process_pause
    target: {command: web}
stop-when: [{ref: paid}]
"""


def test_a_trap_is_told_at_its_place_with_what_was_found() -> None:
    experiment = load_text(TEXT.encode(), "f.yaml").experiment
    assert experiment
    assert [(one.code, one.place.line, one.place.column, one.found) for one in lint(experiment)] == [
        ("W402", 12, 12, "host.process_pause"), ("W404", 13, 5, ""), ("W407", 14, 13, ""),
        ("W415", 8, 89, "60%"), ("W452", 5, 13, "100ms")]


def test_advice_is_told_apart_from_warnings() -> None:
    experiment = load_data(probes(FAST, baseline="500ms")).experiment
    assert experiment
    assert [finding.severity for finding in lint(experiment)] == [Severity.ADVICE]


def test_an_experiment_without_its_text_has_its_traps_at_the_top() -> None:
    experiment = load_data(with_(stop_when=[])).experiment
    assert experiment
    [finding] = lint(replace(experiment, source=""))
    assert str(finding.place) == f"{experiment.file}:1:1"


def test_validate_tells_the_traps_and_still_calls_the_file_valid(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_text(in_json(with_(stop_when=[])), encoding="utf-8")
    shown = CliRunner().invoke(cli, ["validate", str(file)])
    assert (shown.exit_code, "warning[W401]" in shown.stdout, "valid" in shown.stdout) == (0, True, True)
    told = json.loads(CliRunner().invoke(cli, ["validate", "--json", str(file)]).stdout)["findings"]
    assert [(one["code"], one["severity"]) for one in told] == [("W401", "warning")]


def test_a_file_with_errors_is_not_searched_for_traps(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_text(in_json(with_(stop_when=[], titel=1)), encoding="utf-8")
    shown = CliRunner().invoke(cli, ["validate", str(file)])
    assert (shown.exit_code, "W401" in shown.stdout) == (2, False)


@given(changed())
@examples(200)
def test_no_experiment_that_builds_makes_it_raise(data: dict[str, Any]) -> None:
    for text, file in ((in_json(data), "f.json"), (in_yaml(data), "f.yaml")):
        experiment = load_text(text.encode(errors="surrogatepass"), file).experiment
        if experiment:
            told(experiment)


def told(experiment: Experiment) -> None:
    for finding in lint_scheduled(experiment):
        assert finding.code.startswith("W4")
        assert finding.message
        assert finding.help
        assert finding.place.file == experiment.file
