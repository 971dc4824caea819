"""What runs say of themselves while they are under way, read from journals as they grow."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos_runner.daemon.following import Follower, Following
from chaos_runner.journal.writer import Journal
from chaos_runner.ledger.occurrences import Row, State
from chaos_runner.notify.notice import Notice
from chaos_runner.run.events import Event, Sampled
from chaos_runner.testing import FakeFault, readings, run_in_memory, stop_at

ROW = Row(schedule="weekly", due="2026-11-20T11:00:00.000Z", starts="2026-11-20T11:00:00.000Z", state=State.RUNNING,
          run="R1")
PROBE = {"name": "orders are <quick>", "probe": "fake.latency", "every": "1s", "below": 10}
RULE = {"name": "too many errors", "probe": "fake.errors", "every": "1s", "above": 5}
FAULT = {"name": "slow", "fault": "fake.slow", "target": {}, "duration": "20s"}
BASELINE = 5


def told(*values: Any, rule: Sequence[Any] = (), items: Sequence[Any] = (), **probe: Any) -> list[Event]:
    """The events of a run whose probe reads these values while the fault acts."""
    data: dict[str, Any] = {
        "title": "t", "description": "d", "method": [FAULT],
        "steady-state-hypothesis": {"title": "h", "baseline": f"{BASELINE}s", "probes": [{**PROBE, **probe}]}}
    if rule:
        data["stop-when"] = [RULE]
    probes = {"fake.latency": readings(*[1] * (BASELINE + 1), *values, 1), "fake.errors": readings(*rule, 0)}
    return run_in_memory(data, faults={"fake.slow": FakeFault()}, probes=probes, items=items).events


def written(folder: Path, events: Sequence[Event]) -> Path:
    """Their journal."""
    journal = Journal.create(folder / "journal.ndjson", datetime(2026, 11, 20, 11, tzinfo=UTC))
    journal.append(events)
    journal.close()
    return folder / "journal.ndjson"


def news(folder: Path, events: Sequence[Event]) -> list[Notice]:
    return Follower(ROW, written(folder, events)).look()


def test_a_breach_is_told_in_a_sentence(tmp_path: Path) -> None:
    [found] = news(tmp_path, told(20, 30, 20))
    assert found.kind == "breach"
    assert found.notice == "weekly/2026-11-20T11:00:00.000Z/R1/breach/0"
    assert found.sentence == ('weekly (due 2026-11-20T11:00:00.000Z) breach: "orders are <quick>" is 30, and should be '
                              "below 10")


def test_what_the_author_forgives_is_no_breach(tmp_path: Path) -> None:
    assert news(tmp_path, told(20)) == []


def test_with_a_share_it_is_none_before_the_share_can_be_judged(tmp_path: Path) -> None:
    events = told(1, 1, 20, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, allow="10%")
    assert [sample.good for sample in events if isinstance(sample, Sampled)].count(False) == 1
    assert news(tmp_path, events) == []


def test_a_run_in_which_all_holds_tells_nothing(tmp_path: Path) -> None:
    assert news(tmp_path, told()) == []


def test_a_stop_rule_that_trips_is_told_while_the_run_is_under_way(tmp_path: Path) -> None:
    events = told(rule=[0, 0, 0, 0, 0, 0, 9, 9, 9])
    stopped = next(number for number, event in enumerate(events) if type(event).__name__ == "Stopped")
    [found] = news(tmp_path, events[:stopped + 1])
    assert found.kind == "stopped"
    assert "too many errors" in found.sentence


def test_a_stop_that_somebody_asked_for_is_told(tmp_path: Path) -> None:
    [found] = news(tmp_path, told(items=[stop_at(8.0, "somebody")]))
    assert (found.kind, "somebody" in found.sentence) == ("stopped", True)


def test_each_is_told_once_however_the_journal_grows(tmp_path: Path) -> None:
    lines = written(tmp_path, told(20, 20, 20, 20, 1, 20, 20)).read_bytes()
    growing = tmp_path / "growing.ndjson"
    follower, found = Follower(ROW, growing), list[Notice]()
    for end in [*range(0, len(lines), 97), len(lines)]:
        growing.write_bytes(lines[:end])
        found += follower.look()
        follower.untold = []
    assert [notice.notice for notice in found] == ["weekly/2026-11-20T11:00:00.000Z/R1/breach/0"]


def test_what_could_not_be_told_is_given_again(tmp_path: Path) -> None:
    (tmp_path / "runs" / "R1").mkdir(parents=True)
    written(tmp_path / "runs" / "R1", told(20, 20))
    following = Following(tmp_path)
    first = following.look([ROW])
    assert len(first) == 1
    assert following.look([ROW]) == first
    following.told([ROW])
    assert following.look([ROW]) == []
    following.forget([ROW])
    assert following.look([ROW]) == first


def test_a_journal_that_is_not_there_yet_or_is_none_tells_nothing(tmp_path: Path) -> None:
    assert Follower(ROW, tmp_path / "none").look() == []
    whole = written(tmp_path, told(20, 20)).read_bytes()
    for number, hostile in enumerate((b"\n", b"{}\n", b"\xff\xfe\n", b"[" * 100_000 + b"\n", whole.split(b"\n", 1)[1],
                                      whole.replace(b'{"v":1', b'{"v":2'), whole + whole,
                                      whole.replace(b'"probe":0', b'"probe":77'))):
        file = tmp_path / str(number)
        file.write_bytes(hostile)
        follower = Follower(ROW, file)
        assert len(follower.look()) <= 1
        file.write_bytes(hostile + whole)
        assert len(follower.look()) <= 1
