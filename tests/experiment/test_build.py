"""What is wrong with an experiment is said with its code, at its place; what is right becomes the nouns."""

import time
from collections.abc import Callable
from textwrap import indent
from typing import Any

import pytest
from msgspec.structs import replace

from chaos_runner.experiment.code import Code
from chaos_runner.experiment.codes import CODES
from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.loading import Loaded, load_data, load_text
from chaos_runner.experiment.model import (
    Comparison,
    Experiment,
    Limit,
    Native,
    Provider,
    RollbackStrategy,
    StepKind,
    Tolerance,
)
from chaos_runner.units import Unit

HEAD = "title: Customers can pay\ndescription: We believe so.\n"
MARK = "»"
"""Stands in an example where the complaint must point to."""


def read(text: str) -> Loaded:
    return load_text(text.encode(), "f.yaml")


def method(steps: str) -> str:
    """A file with this method."""
    return f"{HEAD}method:\n{indent(steps, '  ')}\n"


def provider(text: str) -> str:
    """A file whose one action has this provider."""
    return method(f"- {{name: step, type: action, provider: {text}}}")


def probe(text: str) -> str:
    """A file whose hypothesis has this probe."""
    return f"{HEAD}steady-state-hypothesis:\n  title: They pay\n  probes:\n    - {text}\nmethod: []\n"


def status(limit: str) -> str:
    """A file whose hypothesis reads an HTTP status."""
    return probe(f"{{probe: http.status, arguments: {{url: 'http://127.0.0.1/'}}, {limit}}}")


def seconds(limit: str) -> str:
    """A file whose hypothesis reads a duration."""
    return probe(f"{{probe: tcp.connect, arguments: {{host: h, port: 1}}, {limit}}}")


def tolerance(text: str) -> str:
    """A file with a Chaos Toolkit probe that has this tolerance."""
    return probe(f"{{name: p, type: probe, provider: {{type: process, path: 'true'}}, tolerance: {text}}}")


def sampled(more: str) -> str:
    """A file with a probe that is sampled each second, and more in its hypothesis."""
    return (f"{HEAD}method: []\nsteady-state-hypothesis:\n  title: x\n  {more}\n  probes:\n"
            "    - {probe: http.status, arguments: {url: 'http://h'}, equals: 200}\n")


def pause(more: str) -> str:
    """A file that pauses a process."""
    return method(f"- {{fault: host.process_pause, target: {{pid: 4}}, {more}}}")


def act(more: str) -> str:
    """A file with one Chaos Toolkit action."""
    return method(f"- {{name: act, type: action, provider: {{type: process, path: 'true'}}, {more}}}")


def experiment(text: str) -> Experiment:
    loaded = read(text)
    assert loaded.findings == ()
    assert loaded.experiment
    return loaded.experiment


def steps(*given: Any, **more: Any) -> Experiment:
    loaded = load_data({"title": "t", "description": "d", "method": list(given), **more})
    assert not [finding for finding in loaded.findings if finding.code.startswith("E")]
    assert loaded.experiment
    return loaded.experiment


# What is wrong

WRONG = [
    # Keys and kinds of values
    ("E101", f"{HEAD}»steady-state-hypotesis: {{title: x}}\nmethod: []\n"),
    ("E101", act("»pause: {after: 1}")),
    ("E101", provider("{type: process, path: 'true', »argument: [x]}")),
    ("E102", "»title: t\ndescription: d\n"),
    ("E102", "»title: t\ndescription: d\nmethod: null\n"),
    ("E102", "title: »''\ndescription: d\nmethod: []\n"),
    ("E102", method("- »{type: action, provider: {type: process, path: 'true'}}")),
    ("E102", method("- {name: »' ', type: action, provider: {type: process, path: 'true'}}")),
    ("E102", method("- »{name: act, provider: {type: process, path: 'true'}}")),
    ("E102", f"{HEAD}steady-state-hypothesis: »{{probes: []}}\nmethod: []\n"),
    ("E102", f"{HEAD}steady-state-hypothesis: {{title: »''}}\nmethod: []\n"),
    ("E102", provider("»{path: 'true'}")),
    ("E102", provider("{type: python, module: »'', func: getcwd}")),
    ("E102", provider("{type: process, path: »''}")),
    ("E102", provider("»{type: http, method: POST}")),
    ("E102", act("undo: »{verify: null}")),
    ("E103", "title: »5\ndescription: d\nmethod: []\n"),
    ("E103", f"{HEAD}method: »{{}}\n"),
    ("E103", method("- »null")),
    ("E103", method("- »just a text")),
    ("E103", f"{HEAD}seed: »1.5\nmethod: []\n"),
    ("E103", f"{HEAD}tags: [a, »'']\nmethod: []\n"),
    ("E103", act("background: »'yes'")),
    ("E103", act("timeout: »'5'")),
    ("E103", tolerance("0, background: »1")),
    ("E103", provider("{type: process, path: 'true', timeout: »soon}")),
    ("E103", provider("{type: process, path: 'true', arguments: »5}")),
    ("E103", provider("{type: http, url: 'http://127.0.0.1', timeout: »[1]}")),
    ("E103", provider("{type: http, url: 'http://127.0.0.1', headers: »[a]}")),
    ("E103", pause("duration: 5s, arguments: »[a]")),
    ("E104", method("- {name: x, type: »probing, provider: {type: process, path: 'true'}}")),
    ("E104", provider("{type: »pythn, module: os, func: getcwd}")),
    ("E104", pause("duration: 5s, type: »probe")),
    ("E104", f"{HEAD}method: []\nruntime: {{rollbacks: {{strategy: »sometimes}}}}\n"),
    # Units
    ("E201", pause("duration: »30")),
    ("E201", pause("duration: »0s")),
    ("E201", pause(f"duration: »{'9' * 400}d")),
    ("E201", act("pauses: {after: »-1}")),
    ("E201", act("pauses: {after: »'5'}")),
    ("E201", act("pauses: {before: ».nan}")),
    ("E201", status("above: 1, every: »0s")),
    ("E202", status("above: 1, allow: »0.01")),
    ("E202", status("above: 1, allow: »101%")),
    ("E204", tolerance("»1.5")),
    ("E204", tolerance("»{type: regex, pattern: '('}")),
    ("E204", tolerance("»{type: range, range: [1]}")),
    ("E204", tolerance("»{type: jsonpath}")),
    ("E204", tolerance("»{type: probe}")),
    # Limits
    ("E205", seconds("below: »300")),
    ("E205", seconds("below: »5%")),
    ("E205", status("below: »soon")),
    ("E205", status("below: »true")),
    ("E205", status("below: ».inf")),
    ("E205", status(f"below: »{'9' * 400}Ti")),
    ("E205", status("between: »[1]")),
    ("E205", status("between: »[2, 1]")),
    ("E205", status("between: »[1s, 5%]")),
    ("E205", status("equals: »2026-11-20")),
    ("E206", probe("»{probe: http.status, arguments: {url: 'http://127.0.0.1/'}}")),
    ("E207", status("below: 5, »above: 1")),
    ("E208", sampled("recovers-within: »2s")),
    # What activities refer to
    ("E301", method("- {fault: »proxy.latancy, duration: 5s}")),
    ("E302", probe("{probe: »http.latancy, below: 1s}")),
    ("E303", method("- {fault: host.process_pause, target: {»pidd: 4}, duration: 5s}")),
    ("E304", method("- {fault: proxy.cut, target: »{}, duration: 5s}")),
    ("E304", method("- »{fault: proxy.cut, duration: 5s}")),
    ("E305", method("- {fault: proxy.latency, target: {proxy: db}, duration: 5s, arguments: {latency: »200}}")),
    ("E305", method("- {fault: proxy.latency, target: {proxy: »7}, duration: 5s, arguments: {latency: 2s}}")),
    ("E308", method("- »{fault: proxy.cut, target: {proxy: db}}")),
    ("E309", method("- »{name: x, type: action}")),
    ("E309", method("- {name: x, type: action, fault: proxy.cut, »provider: {type: process, path: 'true'}}")),
    ("E310", probe("{name: x, »type: action, tolerance: 0, provider: {type: process, path: 'true'}}")),
    ("E310", f"{HEAD}method: []\nrollbacks:\n  - »{{fault: proxy.cut, target: {{proxy: db}}}}\n"),
    ("E311", act("»duration: 5s")),
    ("E312", provider("{type: python, module: »no.such.module, func: f}")),
    ("E312", provider("{type: python, module: ».path, func: f}")),
    ("E313", provider("{type: python, module: os, func: »getcdw}")),
    ("E313", provider("{type: python, module: os, func: »PathLike}")),
    ("E314", provider("{type: python, module: os.path, func: join, arguments: »{b: 1}}")),
    ("E315", provider("{type: process, path: »no-such-executable}")),
    ("E315", provider('{type: process, path: »"~a\\0b"}')),
    ("E317", act("pauses: null").replace("pauses: null}", "pauses: null}\n  - {ref: »akt}")),
    ("E317", method("- {name: x, ref: »x}")),
    ("E103", act("pauses: null").replace("pauses: null}", "pauses: null}\n  - {ref: act, background: »1}")),
    ("E321", provider("{type: python, module: os, func: listdir, arguments: {path: »'${foldr}'}}")
     + "configuration: {folder: /}\n"),
    ("E318", method("- {fault: proxy.cut, target: {proxy: db}, duration: 5s, »undo: {provider: {}}}")),
    ("E322", method("- {fault: proxy.cut, target: {proxy: db}, duration: 5s, »every: 1s}")),
    ("E322", method("- {fault: host.process_kill, target: {name: x}, »every: 1s}")),
    ("E322", method("- {fault: host.process_kill, target: {name: x}, duration: 5s, »every: 5s}")),
    ("E322", method("- {fault: host.process_kill, target: {name: x}, duration: 5s, »every: 500ms}")),
    ("E322", act("»every: 5s")),
    ("E102", f"{HEAD}controls: [»{{name: c}}]\nmethod: []\n"),
    ("E103", f"{HEAD}confirm-above: »0\nmethod: []\n"),
    ("E202", f"{HEAD}limits: {{max-share: »0%}}\nmethod: []\n"),
    ("E202", f"{HEAD}limits: {{max-share: »340}}\nmethod: []\n"),
    ("E103", f"{HEAD}limits: {{max-targets: »0}}\nmethod: []\n"),
    ("E101", f"{HEAD}limits: {{»max-target: 3}}\nmethod: []\n"),
    ("E201", f"{HEAD}limits: {{max-duration: »5}}\nmethod: []\n"),
    ("E102", f"{HEAD}limits: {{contexts: »[]}}\nmethod: []\n"),
    ("E103", f"{HEAD}limits: {{contexts: [»{{}}]}}\nmethod: []\n"),
    ("E201", f"{HEAD}max-abort-latency: »0.5\nmethod: []\n"),
    ("E103", f"{HEAD}rehearse: »1\nmethod: []\n"),
    ("E319", method("- {use: »checkout-is-acepted}")),
    ("E390", status("below: »'${limit}'")),
    ("E102", f"{HEAD}configuration: {{a: {{type: probe, provider: »{{}}}}}}\nmethod: []\n"),
    ("E104", f"{HEAD}method: []\nruntime: {{hypothesis: {{strategy: »now-and-then}}}}\n"),
    ("E104", f"{HEAD}dry: »everything\nmethod: []\n"),
    ("W101", f"{HEAD}»zebra: 1\nmethod: []\n"),
    ("W101", act("»target: {pid: 1}")),
    ("W101", act("»arguments: [x]")),
    ("W101", pause("duration: 5s, »expect: 1")),
    ("W101", act("pauses: null").replace("pauses: null}", "pauses: null}\n  - {ref: act, »pauses: {after: 1}}")),
    ("W101", tolerance("0, »pauses: {after: 1}")),
    ("W301", act("»tolerance: 0")),
]


@pytest.mark.parametrize(("code", "text"), WRONG, ids=[f"{code}-{number}" for number, (code, _) in enumerate(WRONG)])
def test_what_is_wrong_is_said_once_and_at_its_place(code: str, text: str) -> None:
    before = text[: text.index(MARK)]
    loaded = read(text.replace(MARK, ""))
    places = [(one.code, one.place.line, one.place.column) for one in loaded.findings]
    assert places == [(code, before.count("\n") + 1, len(before) - before.rfind("\n"))]
    assert loaded.ok == code.startswith("W")


GIVEN_ELSEWHERE = {"E320"}
"""Codes that need more than one file: tests/experiment/test_reusable.py."""


@pytest.mark.parametrize("code", sorted(
    {"W101", "W301", *(code for code in CODES if "E100" < code < "E400")} - GIVEN_ELSEWHERE))
def test_every_code_of_the_format_is_given_by_some_file(code: str) -> None:
    assert code in {code for code, _ in WRONG}


def test_everything_is_said_in_one_go_and_can_be_shown() -> None:
    text = f"titel: x\n{act('duration: 5s, pauses: 3')}rollbacks: [null, {{ref: nope}}]\nstop-when: 5\n"
    loaded = read(text)
    assert sorted({one.code for one in loaded.findings}) == ["E101", "E103", "E311", "E317"]
    assert len(loaded.findings) == 6
    assert "6 errors in f.yaml" in render(loaded.findings, {"f.yaml": loaded.text})


def test_a_key_that_is_close_to_a_known_one_says_which() -> None:
    finding, = read(f"{HEAD}rollback: []\nmethod: []\n").findings
    assert (finding.help, finding.found) == ('did you mean "rollbacks"?', "")


def test_what_was_found_is_named_without_the_word_found() -> None:
    assert [one.found for one in read("title: 5\ndescription: [x]\nmethod: []\n").findings] == [
        "a whole number", "a list"]


def test_an_activity_that_is_referred_to_is_complained_of_once() -> None:
    text = method("- {name: act, type: action, provider: {type: process, path: no-such}}\n- {ref: act}\n- {ref: act}")
    assert [one.code for one in read(text).findings] == ["E315"]


# What the explanations say

SURROUNDED: dict[str, Callable[[str], str]] = {
    "E101": lambda text: f"{HEAD}method: []\n{text.replace('{…}', '{title: x}')}\n",
    "E201": lambda text: method(f"- fault: host.process_pause\n  target: {{pid: 4}}\n  {text}"),
    "E202": lambda text: status(f"above: 1, {text}"), "E205": seconds,
    "E207": lambda text: status(text.replace("\n", ", ")),
    "E208": sampled,
    "E204": lambda text: tolerance(text.removeprefix("tolerance: ")),
    "E206": lambda text: f"{HEAD}method: []\nsteady-state-hypothesis:\n  title: x\n  probes:\n"
                         f"{indent(text.replace('…', 'http://h'), '    ')}\n",
    "E305": lambda text: method(f"- fault: proxy.latency\n  target: {{proxy: db}}\n  duration: 5s\n  {text}"),
    "E308": lambda text: method(text.replace("latency", "cut")),
    "E322": method,
    "E321": lambda text: (
        "configuration: {folder: /}\n" + provider(f"{{type: python, module: os, func: listdir, {text}}}")),
}


WITH_EXAMPLES = [code for name, code in CODES.items() if "E100" < name < "E400" and code.example_wrong]


@pytest.mark.parametrize("code", WITH_EXAMPLES, ids=lambda code: code.code)
def test_the_wrong_example_of_an_explanation_gets_its_code_and_the_right_one_none(code: Code) -> None:
    surrounded = SURROUNDED[code.code]
    assert code.code in {one.code for one in read(surrounded(code.example_wrong)).findings}
    assert read(surrounded(code.example_right)).findings == ()


# What is right

EXAMPLE = """\
version: 1.0.0
title: Checkout stays fast while the orders database is 200 ms slower
description: We believe the cache hides a slow database from customers.
tags: [checkout, latency]
owner: team-checkout
configuration:
  shop_url: {type: env, key: SHOP_URL, default: "http://127.0.0.1:8080"}
steady-state-hypothesis:
  title: Customers can pay, quickly
  probes:
    - name: checkout answers within 300 ms
      probe: http.latency
      arguments: {url: "${shop_url}/checkout", timeout: 2s}
      below: 300ms
      every: 250ms
      allow: 1%
  baseline: 10s
  recovers-within: 15s
method:
  - name: add 200 ms to every reply of the orders database
    fault: proxy.latency
    target: {proxy: orders-db}
    arguments: {latency: 200ms, jitter: 20ms}
    duration: 30s
    background: true
  - name: stop one worker
    type: action
    provider: {type: python, module: os.path, func: exists, arguments: {path: worker}}
    expect: {status: 0}
    undo:
      provider: {type: python, module: os.path, func: isfile, arguments: {path: worker}}
      verify: {probe: process.running, arguments: {name: worker}, equals: 1}
rollbacks: []
stop-when:
  - {name: many fail, probe: http.status, arguments: {url: "${shop_url}"}, at-least: 500, for: 5s}
  - {name: gone, type: probe, provider: {type: process, path: "true"}, tolerance: 0}
seed: 7
require-proof: true
x-ticket: SHOP-1
"""


def test_the_example_of_the_format_loads() -> None:
    read_back = experiment(EXAMPLE)
    assert (read_back.owner, read_back.tags, read_back.seed) == ("team-checkout", ("checkout", "latency"), 7)
    assert read_back.safeguards.require_proof
    assert [step.key for step in read_back.steps] == ["m0", "m1"]
    assert read_back.configuration["shop_url"]["key"] == "SHOP_URL"


def test_a_native_probe_has_its_times_in_seconds() -> None:
    hypothesis = experiment(EXAMPLE).hypothesis
    assert hypothesis
    assert (hypothesis.baseline_s, hypothesis.recovers_within_s) == (10.0, 15.0)
    read_back, = hypothesis.probes
    assert (read_back.every_s, read_back.allow, read_back.unit) == (0.25, 0.01, Unit.SECONDS)
    assert read_back.judge == Limit(comparison=Comparison.BELOW, bounds=(0.3,), unit=Unit.SECONDS)


def test_a_native_fault_keeps_its_arguments_as_written() -> None:
    slow = experiment(EXAMPLE).method[0]
    assert slow.call == Native("proxy.latency", {"latency": "200ms", "jitter": "20ms"}, {"proxy": "orders-db"})
    assert (slow.is_fault, slow.duration_s, slow.background) == (True, 30.0, True)


def test_an_action_has_its_undo_and_what_verifies_it() -> None:
    stop = experiment(EXAMPLE).method[1]
    assert (stop.kind, stop.expect) == (StepKind.ACTION, {"status": 0})
    assert stop.undo
    assert stop.undo.call.spec["func"] == "isfile"
    assert stop.undo.verify
    assert stop.undo.verify.call == Native("process.running", {"name": "worker"})


def test_a_condition_stops_when_it_is_met_and_a_tolerance_when_it_is_not() -> None:
    many, gone = experiment(EXAMPLE).stop_rules
    assert (many.bad_when_met, many.held_for_s, many.every_s) == (True, 5.0, 1.0)
    assert (gone.bad_when_met, gone.judge, gone.every_s) == (False, Tolerance(0), 1.0)


def test_null_where_a_mapping_or_a_list_may_stand_counts_as_absent() -> None:
    empty = experiment(f"{HEAD}method: []\nrollbacks: null\nsteady-state-hypothesis: null\nconfiguration: null\n"
                       "secrets: ~\ntags:\nstop-when: null\nruntime: null\ncontrols: null\nseed: null\n")
    assert empty == replace(experiment(f"{HEAD}method: []\n"), source=empty.source)


NULLS = ["pauses: null", "pauses: {before: null}", "undo: null", "duration: null", "ref: null", "fault: null",
         "controls: null", "background: null", "tolerance: null", "timeout: null"]


@pytest.mark.parametrize("null", NULLS)
def test_a_null_in_an_activity_counts_as_absent(null: str) -> None:
    step, = experiment(act(null)).method
    assert (step.pause_before, step.pause_after, step.undo, step.duration_s) == (0.0, 0.0, None, None)


def test_a_ref_is_the_activity_it_names_in_a_place_of_its_own() -> None:
    text = tolerance("0, x-note: 1").replace("method: []", "method:\n  - {ref: p, background: true}\n  - {ref: p}")
    first, second = experiment(text).method
    assert (first.name, first.kind, first.background) == ("p", StepKind.PROBE, True)
    assert (second.key, second.background, second.call) == ("m1", False, first.call)
    assert first.place.line == 8


def test_of_two_activities_with_one_name_a_ref_means_the_one_of_the_hypothesis_as_in_chaos_toolkit() -> None:
    one = {"type": "probe", "name": "p", "provider": {"type": "process", "path": "true", "arguments": ["in method"]}}
    two = {**one, "provider": {"type": "process", "path": "true"}, "tolerance": 0}
    loaded = steps(one, {"ref": "p"}, **{"steady-state-hypothesis": {"title": "t", "probes": [two]}})
    assert loaded.method[1].call == Provider({"type": "process", "path": "true"})


def test_pauses_are_seconds_durations_or_one_name() -> None:
    first, second = experiment(act("pauses: {before: 1, after: 1500ms}").replace(
        "1500ms}}", "1500ms}}\n  - {name: b, type: action, provider: {type: process, path: 'true'}, "
        "pauses: {before: '${wait}'}}")).method
    assert (first.pause_before, first.pause_after) == (1.0, 1.5)
    assert (second.pause_before, second.pause_after) == ("${wait}", 0.0)


def test_an_argument_that_is_a_name_is_believed_until_it_is_filled() -> None:
    text = "- {fault: proxy.latency, target: {proxy: '${db}'}, arguments: {latency: '${late}'}, duration: 5s}"
    step, = experiment(method(text)).method
    assert step.call == Native("proxy.latency", {"latency": "${late}"}, {"proxy": "${db}"})


@pytest.mark.parametrize(("text", "bounds", "unit"), [
    ("below: 5", (5,), Unit.COUNT), ("equals: 1G", ("1G",), Unit.COUNT), ("equals: true", (True,), Unit.COUNT),
    ("equals: {a: [1]}", ({"a": [1]},), Unit.COUNT), ("above: 5%", (0.05,), Unit.SHARE),
    ("between: [0, 2s]", (0, 2.0), Unit.SECONDS), ("at-most: 10Mi", (10 * 2**20,), Unit.BYTES),
])
def test_a_limit_has_the_unit_it_is_written_with(text: str, bounds: tuple[Any, ...], unit: Unit) -> None:
    hypothesis = experiment(status(text)).hypothesis
    assert hypothesis
    judge = hypothesis.probes[0].judge
    assert isinstance(judge, Limit)
    assert (judge.bounds, judge.unit) == (bounds, unit)


def test_a_healed_fault_may_be_the_last_step_without_a_duration() -> None:
    assert experiment(method("- {fault: host.process_kill, target: {pid: 4}}")).method


@pytest.mark.parametrize("strategy", RollbackStrategy)
def test_the_strategy_of_the_rollbacks_may_stand_in_the_file(strategy: RollbackStrategy) -> None:
    text = f"{HEAD}method: []\nruntime: {{rollbacks: {{strategy: {strategy.value}}}}}\n"
    assert experiment(text).rollback_strategy is strategy


@pytest.mark.parametrize("spec", [
    "{type: process, path: 'true', arguments: '-x | cat', timeout: 3}",
    "{type: process, path: 'true', arguments: {-x: 1}}",
    "{type: http, url: '${url}/x', method: post, headers: {A: '${b}'}, timeout: [1, 2], verify_tls: false}",
    "{type: http, url: 'http://127.0.0.1', timeout: '${wait}', max_retries: 3}",
    "{type: python, module: os, func: getcwd, secrets: [aws], arguments: null}",
])
def test_a_chaos_toolkit_provider_is_kept_as_chaoslib_reads_it(spec: str) -> None:
    call = experiment(provider(spec)).method[0].call
    assert isinstance(call, Provider)
    assert call.kind in spec
    assert "arguments" not in call.spec or call.spec["arguments"] is not None


def test_a_limit_larger_than_any_number_that_can_be_drawn_is_refused() -> None:
    assert [finding.code for finding in read(status(f"below: {10**400}")).findings] == ["E205"]
    assert [finding.code for finding in read(status(f"equals: {10**400}")).findings] == ["E205"]


@pytest.mark.slow
def test_thousands_of_misspelt_keys_are_complained_of_in_a_moment() -> None:
    text = HEAD + "method: []\n" + "\n".join(f"titel{number}: no" for number in range(14_000))
    began_s = time.process_time()
    assert len(read(text).findings) >= 14_000
    assert time.process_time() - began_s < 5.0
