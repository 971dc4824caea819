from xml.etree.ElementTree import Element, fromstring

import pytest

from chaos_runner.report import text
from chaos_runner.report.junit import RESTORED, suites, xml
from chaos_runner.report.notices import NoRun
from chaos_runner.report.story import Story
from tests.report import stories
from tests.report.ant_schema import complaints
from tests.report.ant_schema import suites as each_suite
from tests.report.payloads import PAYLOADS


def suite(name: str) -> Element:
    found = fromstring(xml(*stories.TOLD[name]())).find("testsuite")  # noqa: S314 -- our own
    assert found is not None
    return found


def outcomes(name: str) -> dict[str, str]:
    return {case.attrib["name"]: case[0].tag if len(case) else "passed" for case in suite(name).iter("testcase")}


def test_there_is_a_case_per_probe_and_phase_one_for_the_verdict_and_one_for_the_undo() -> None:
    assert len(outcomes("passed")) == 3 * 3 + 2
    assert set(outcomes("passed").values()) == {"passed"}


def test_a_deviation_is_a_failure_of_its_probe_in_its_phase() -> None:
    found = outcomes("deviated")
    assert [name for name, outcome in found.items() if outcome == "failure"] == [
        "verdict", "p99 latency of checkout, during the fault"]


def test_what_was_not_started_is_skipped() -> None:
    found = outcomes("not-started")
    assert found["verdict"] == "skipped"
    assert found["ready share of checkout, during the fault"] == "skipped"
    assert found["p99 latency of checkout, before the fault"] == "failure"


def test_something_left_behind_is_a_failure_with_the_commands_in_it() -> None:
    failure = next(case[0] for case in suite("not-restored").iter("testcase") if case.attrib["name"] == RESTORED)
    assert failure.tag == "failure"
    assert failure.text
    assert "curl -X DELETE" in failure.text


def test_a_run_that_proved_nothing_is_never_all_green() -> None:
    assert outcomes("nothing")["verdict"] == "error"
    assert outcomes("cut-off")["verdict"] == "error"


@pytest.mark.parametrize("name", stories.TOLD)
def test_the_counts_of_a_suite_are_those_of_its_cases(name: str) -> None:
    found = suite(name)
    counted = list(outcomes(name).values())
    assert found.attrib["tests"] == str(len(list(found.iter("testcase"))))
    assert [found.attrib[key] for key in ("failures", "errors", "skipped")] == [
        str(counted.count(outcome)) for outcome in ("failure", "error", "skipped")]


def test_run_targets_and_verdict_are_properties() -> None:
    properties = {entry.attrib["name"]: entry.attrib["value"] for entry in suite("deviated").iter("property")}
    assert properties["run"] == "01JD8ZK3T2QH5R7"
    assert properties["targets"] == "shop/checkout-7d9f-x2k, shop/orders-db"
    assert properties["verdict"] == "deviated"


# ── the schema that most readers follow ─────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("name", stories.TOLD)
def test_every_kind_of_run_is_valid_by_ant_s_schema(name: str) -> None:
    assert complaints(xml(*stories.TOLD[name]())) == []


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_hostile_text_still_makes_valid_xml(payload: str) -> None:
    document = suites([Story.of(*stories.hostile(payload)), NoRun(file=payload, exit=2, text=payload)])
    assert complaints(document) == []
    assert len(document) < 400_000
    assert document == text.visible(document)


def test_several_experiments_are_suites_of_one_document() -> None:
    document = suites([Story.of(*stories.passed()), Story.of(*stories.deviated()),
                       NoRun(file="refused.yaml", exit=3, text="a limit does not hold"),
                       NoRun(file="", exit=2, text="no such file")])
    assert complaints(document) == []
    found = [(suite.attrib["name"][:8], suite.attrib["failures"], suite.attrib["errors"], suite.attrib["skipped"])
             for suite in each_suite(document)]
    assert found == [("Checkout", "0", "0", "0"), ("Checkout", "2", "0", "0"), ("refused.", "0", "0", "1"),
                     ("several ", "0", "1", "0")]


def test_the_text_of_a_failure_tells_all_that_its_message_tells() -> None:
    for name in stories.TOLD:
        for case in suite(name).iter("testcase"):
            for outcome in case:
                assert outcome.text
                assert outcome.attrib["message"].partition(": ")[2][:60] in " ".join(outcome.text.split())


def test_two_probes_that_are_called_alike_are_two_cases() -> None:
    names = [case.attrib["name"] for case in each_suite(xml(*stories.alike()))[0].iter("testcase")]
    assert len(set(names)) == len(names)
    assert f"{stories.ONCE.name}, before the fault (2)" in names
