import pytest

from chaos_runner.experiment.findings import Finding, Place
from chaos_runner.report import github, text
from chaos_runner.report.markdown import fitted, texts
from chaos_runner.report.notices import NoRun
from chaos_runner.report.story import Story
from tests.report import stories
from tests.report.github_runner import Command, understood
from tests.report.payloads import PAYLOADS


def commands(*subjects: Story | NoRun, root: str = "") -> list[Command]:
    """The annotations as the runner understands them: every line is one."""
    found = [understood(line) for printed in github.annotations(subjects, root) for line in printed.split("\n")]
    assert None not in found
    return [command for command in found if command]


def told(name: str) -> Story:
    return Story.of(*stories.TOLD[name]())


def test_a_run_that_passed_and_is_verified_to_be_restored_says_nothing() -> None:
    assert github.annotations([Story.of(*stories.calm())]) == []


def test_a_deviation_is_understood_from_its_annotation_alone() -> None:
    [found] = commands(told("deviated"))
    assert found.name == "error"
    assert found.properties["title"].startswith("Deviated: Checkout survives the loss")
    for words in ("p99 latency of checkout: reached 614 ms (limit below 400 ms)", "29.1 s in all",
                  '4.01 s after "add 200 ms', "kill one checkout pod → shop/checkout-7d9f-x2k (proven)",
                  "Restored: 1 of 1 undo read back and verified", "chaos-runner show 01JD8ZK3T2QH5R7"):
        assert words in found.message


def test_it_points_at_the_line_of_the_probe_or_the_step_that_mattered() -> None:
    found = commands(Story.of(*stories.placed()))
    assert [(one.properties["file"], one.properties["line"], one.properties["col"]) for one in found] == [
        ("experiments/checkout.yaml", "31", "5"), ("experiments/checkout.yaml", "12", "7")]


def test_a_path_is_told_from_the_root_of_the_repository(tmp_path: object) -> None:
    story = Story.of(*stories.placed())
    inside = {one.properties["file"] for one in commands(story, root="experiments")}
    assert inside == {"checkout.yaml"}
    assert {one.properties["file"] for one in commands(story, root=f"{tmp_path}")} == {"experiments/checkout.yaml"}


def test_what_is_not_restored_comes_first_with_its_commands() -> None:
    first, second = commands(told("not-restored"))
    assert first.properties["title"].startswith("Not restored")
    assert "chaos-runner recover 01JD8ZK3T2QH5R7\n" in first.message
    assert "curl -X DELETE" in first.message
    assert second.properties["title"].startswith("Deviated")


@pytest.mark.parametrize("name", [name for name in stories.TOLD if name != "passed"])
def test_every_run_that_is_not_green_is_an_error(name: str) -> None:
    assert commands(told(name))[0].name == "error"


def test_what_is_only_reported_to_be_restored_is_a_notice() -> None:
    assert [one.name for one in commands(told("passed"))] == ["notice"]


def test_of_more_than_ten_the_worst_are_shown_and_the_rest_are_counted() -> None:
    many = [*[told("deviated")] * 12, told("not-restored"), *[told("passed")] * 11]
    found = commands(*many)
    errors = [one for one in found if one.name == "error"]
    assert len(errors) == github.ANNOTATIONS_MOST
    assert errors[0].properties["title"].startswith("Not restored")
    assert errors[-1].properties == {"title": "5 more findings"}
    assert len(found) - len(errors) == github.ANNOTATIONS_MOST


def test_an_invalid_file_is_an_annotation_for_each_complaint_at_its_place() -> None:
    findings = (Finding(code="E101", message='unknown key "x"', place=Place("a.yaml", 3, 2), help='did you mean "y"?'),
                Finding(code="W401", message="a trap", place=Place("a.yaml", 9, 1)))
    [found] = commands(NoRun(file="a.yaml", exit=2, text="", findings=findings))
    assert found.properties == {"file": "a.yaml", "line": "3", "col": "2", "title": "Error: E101 in a.yaml"}
    assert found.message == 'unknown key "x"\ndid you mean "y"?'


def test_standard_input_has_no_line_to_point_at() -> None:
    [found] = commands(NoRun(file="-", exit=3, text="a limit does not hold"))
    assert found.properties == {"title": "Not started: -"}
    assert found.message == "a limit does not hold"


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_hostile_text_stays_the_message_of_its_own_command(payload: str) -> None:
    found = commands(Story.of(*stories.hostile(payload)), NoRun(file=payload, exit=3, text=payload))
    assert [one.name for one in found] == ["error"] * 3
    for one in found:
        assert set(one.properties) <= {"file", "line", "col", "title"}
        assert len(one.message) <= github.MESSAGE_MOST
        assert one.message == text.visible(one.message)
        one.message.encode()


@pytest.mark.parametrize("value", ["100%", "a,b:c", "%0A", "%253A", "x\ny", "::", ""])
def test_what_is_escaped_is_understood_as_it_was(value: str) -> None:
    read = understood(f"::error title={github.attribute(value)}::{github.data(value)}")
    assert read
    assert read.message == value
    assert read.properties["title"] == " ".join(value.split())


# ── the summary ─────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.slow
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_a_summary_is_never_larger_than_github_takes(payload: str) -> None:
    found = texts([Story.of(*stories.hostile(payload))] * 100, github.SUMMARY_MOST)
    assert len(found.encode()) <= github.SUMMARY_MOST


def test_a_summary_that_is_cut_says_so_and_closes_its_block() -> None:
    found = fitted("# a\n````sh\n" + "x\n" * 1000, 200)
    assert len(found.encode()) <= 200
    assert found.count("````") == 2
    assert "there is more" in found


def test_there_may_be_no_room_for_a_summary_at_all() -> None:
    assert fitted("# a\n" * 100, 10) == ""
    assert texts([told("passed")], -5) == ""


def test_several_runs_are_told_one_after_the_other() -> None:
    found = texts([told("passed"), told("deviated"), NoRun(file="x.yaml", exit=3, text="a limit does not hold")])
    assert [line for line in found.splitlines() if line.startswith("# ")] == [
        "# ✅ Passed: Checkout survives the loss of one replica while its database is slow",
        "# ❌ Deviated: Checkout survives the loss of one replica while its database is slow",
        "# ⛔ Not started: x.yaml"]


def test_a_summary_tells_what_was_done_to_whom_and_whether_it_is_back() -> None:
    found = texts([told("not-restored")])
    assert ("| add 200 ms to every reply of the orders database | shop/orders-db | ✅ proven: 2 ms → 204 ms "
            "| ❌ Not restored |") in found
    assert "⚪ cannot be undone, healed by the ReplicaSet" in found
