"""`faults` and `probes`: what is on the shelf, told so that somebody can begin."""

import json
from typing import Any

import pytest
import yaml

from chaos_runner import shelf
from chaos_runner.cli.catalogue import in_yaml, question, step
from chaos_runner.experiment.arguments import complaints
from chaos_runner.experiment.loading import load_data
from tests.cli.runner import chaos_runner

_PROBE = {"name": "the window is open", "probe": "http.status", "arguments": {"url": "http://127.0.0.1"}, "equals": 200}
_STEP = {"name": "busy", "fault": "host.cpu_load", "duration": "5s"}


def experiment(probe: dict[str, Any], action: dict[str, Any]) -> dict[str, Any]:
    return {"title": "t", "description": "d", "method": [action],
            "steady-state-hypothesis": {"title": "h", "probes": [probe]}}


@pytest.mark.parametrize("name", shelf.fault_names())
def test_every_fault_has_an_example_that_is_valid(name: str) -> None:
    fault = shelf.fault(name)
    assert not complaints(fault.target, fault.example.target)
    assert not complaints(fault.arguments, fault.example.arguments)
    assert load_data(experiment(_PROBE, step(name, fault))).ok


@pytest.mark.parametrize("name", shelf.probe_names())
def test_every_probe_has_an_example_that_is_valid(name: str) -> None:
    asked = question(shelf.probe(name))
    assert load_data(experiment(asked, _STEP)).ok
    assert yaml.safe_load("\n".join(in_yaml(asked))) == [asked]


@pytest.mark.parametrize("name", shelf.fault_names())
def test_every_fault_says_how_it_comes_back(name: str) -> None:
    fault = shelf.fault(name)
    assert bool(fault.undone_by) != bool(fault.healed_by)


def test_the_page_of_a_fault_tells_arguments_defaults_needs_the_way_back_and_an_example() -> None:
    told = chaos_runner("faults", "proxy.latency").out
    for words in ("latency          a duration such as 200ms             required", "default 100%",
                  "needs     a TCP proxy", "fault: proxy.latency",
                  "way back  the toxic is removed from the proxy; read back and verified"):
        assert words in told


def test_the_page_of_a_fault_that_cannot_be_undone_says_who_heals_it() -> None:
    assert "irreversible; healed by whatever supervises" in chaos_runner("faults", "host.process_kill").out


def test_the_lists_are_grouped_by_family() -> None:
    lines = chaos_runner("faults").out.splitlines()
    assert [line.partition(":")[0] for line in lines if line[:1].isalpha()][:4] == [
        "aws", "host", "kubernetes", "proxy"]
    assert chaos_runner("probes").out.startswith("aws: How things on AWS fare")


def test_the_page_of_a_probe_tells_what_it_reads() -> None:
    assert "reads     a duration: `below: 300ms`" in chaos_runner("probes", "http.latency").out
    assert "one of the words inactive, pending, firing" in chaos_runner("probes", "prometheus.alert").out


@pytest.mark.parametrize(("words", "meant"), [
    (("faults", "proxy.latancy"), "proxy.latency"), (("faults", "latency"), "proxy.latency"),
    (("probes", "http.latencie"), "http.latency"), (("new", "host.cpuload"), "host.cpu_load")])
def test_an_unknown_name_is_an_error_that_names_the_one_that_was_meant(words: tuple[str, str], meant: str) -> None:
    ran = chaos_runner(*words)
    assert ran.exit == 2
    assert f'did you mean "{meant}"?' in ran.err


def test_one_fault_and_one_probe_are_rows_for_programs_too() -> None:
    [fault] = json.loads(chaos_runner("faults", "proxy.latency", "--json").out)["faults"]
    wanted = {"name": "jitter", "wants": "a duration such as 200ms", "unit": "s", "default": "0s"}
    assert fault["arguments"][1] == wanted
    [probe] = json.loads(chaos_runner("probes", "http.latency", "--json").out)["probes"]
    assert (probe["unit"], probe["example"]["below"]) == ("s", "300ms")
