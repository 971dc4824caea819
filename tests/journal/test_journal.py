"""The journal: what it promises to whoever reads it after a crash."""

import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from chaos_runner.errors import NotDurable
from chaos_runner.journal.reader import JournalUnreadable, read, read_run
from chaos_runner.journal.record import Chain, encode
from chaos_runner.journal.writer import Journal
from chaos_runner.plan.model import Plan
from chaos_runner.report.folders import write_reports
from chaos_runner.run import events as ev
from chaos_runner.run.events import Event, Verdict
from chaos_runner.testing import FakeFault, readings, run_in_memory
from tests.run.samples import experiment, fault

STARTED = datetime(2026, 11, 20, 11, 0, tzinfo=UTC)


def a_run() -> list[Event]:
    run = run_in_memory(experiment(fault()), faults={"fake.pause": FakeFault()}, probes={"fake.errors": readings(0)})
    return run.events


def written(path: Path, events: list[Event]) -> Path:
    journal = Journal.create(path, STARTED)
    for event in events:
        journal.append([event])
    journal.close()
    return path


def test_what_is_read_back_is_what_was_written(tmp_path: Path) -> None:
    events = a_run()
    _, records = read(written(tmp_path / "journal.ndjson", events))
    assert [record.event for record in records] == events
    assert [record.n for record in records] == list(range(len(events)))
    assert records[-1].at == "2026-11-20T11:00:19.000Z"


def test_a_run_folded_from_its_journal_is_the_run_that_was(tmp_path: Path) -> None:
    run = read_run(written(tmp_path / "journal.ndjson", a_run()))
    assert run.ended
    assert run.ended.verdict is Verdict.PASSED
    assert [entry.label for entry in run.entries.values()] == ["thing-0"]


def test_every_length_that_a_crash_may_leave_can_be_read(tmp_path: Path) -> None:
    whole = written(tmp_path / "journal.ndjson", a_run()).read_bytes()
    lines = whole.count(b"\n")
    for length in range(whole.index(b"\n") + 1, len(whole), 97):
        cut = tmp_path / f"cut-{length}"
        cut.write_bytes(whole[:length])
        _, records = read(cut)
        assert len(records) == whole[:length].count(b"\n") <= lines


def test_a_journal_that_was_changed_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.ndjson", a_run())
    path.write_bytes(path.read_bytes().replace(b'"passed"', b'"PASSED"'))
    with pytest.raises(JournalUnreadable, match="chain of hashes is broken"):
        read(path)


def test_a_journal_that_lost_a_line_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.ndjson", a_run())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3] + lines[4:]))
    with pytest.raises(JournalUnreadable, match=":4: "):
        read(path)


def test_a_journal_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.ndjson", a_run())
    path.write_bytes(path.read_bytes().replace(b'{"v":1,', b'{"v":99,'))
    with pytest.raises(JournalUnreadable, match=r"version 99.*use that version or a later one"):
        read(path)


@pytest.mark.parametrize("line", [b"{}", b'{"v":1,"n":\xf3}', b"\xff\xfe", b"[" * 100_000])
def test_a_line_that_is_no_record_is_refused(line: bytes, tmp_path: Path) -> None:
    digest = sha256(line).hexdigest().encode()
    for number, text in enumerate((line, line + b',"hash":"' + digest + b'"}')):
        (tmp_path / f"{number}").write_bytes(text + b"\n")
        with pytest.raises(JournalUnreadable, match=":1: "):
            read(tmp_path / f"{number}")


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("milk, bread\n")
    with pytest.raises(JournalUnreadable):
        read(tmp_path / "notes.txt")
    with pytest.raises(JournalUnreadable, match="No such file"):
        read(tmp_path / "nothing")


def test_two_runs_never_write_one_journal(tmp_path: Path) -> None:
    written(tmp_path / "journal.ndjson", [])
    with pytest.raises(NotDurable, match="exists"):
        Journal.create(tmp_path / "journal.ndjson", STARTED)


def test_only_durable_events_are_forced_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", forced.append)
    journal = Journal.create(tmp_path / "journal.ndjson", STARTED)
    journal.append([ev.Sampled(t=1, probe=0, phase=ev.Phase.BEFORE, good=True)])
    assert not forced
    journal.append([ev.Prepared(t=1, step="m0", acts=[]), ev.StepBegan(t=1, step="m1")])
    assert len(forced) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_before_anything_is_done(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal.ndjson", STARTED)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._lines._file)
    with pytest.raises(NotDurable, match="No space left"):
        journal.append([ev.Prepared(t=1, step="m0", acts=[])])


def forged(kind: str, events: list[Event]) -> list[Event]:
    """The events with one that cannot have happened, in a journal whose hashes add up."""
    started, *rest = events
    assert isinstance(started, ev.RunStarted)
    plans: dict[str, dict[str, Any]] = {
        "no moment": {"started": "yesterday"}, "no end": {"longest_s": 1e300}, "no card": {"cards": {}},
        "no zone": {"expires": "2026-11-20T11:00:00"}}
    strays: dict[str, Event] = {
        "no step": ev.StepBegan(t=1.0, step="m9"), "no entry": ev.Undone(t=1.0, entry="m0.7"),
        "no probe": ev.Sampled(t=1.0, probe=99, phase=ev.Phase.BEFORE, good=True), "a second plan": started,
        "no time": ev.StageBegan(t=1e300, stage=ev.Stage.BEFORE), "no index": ev.Checked(t=1.0, step="mx", targets=[])}
    if kind in plans:
        plan: Plan = structs.replace(started.plan, **plans[kind])
        return [ev.RunStarted(t=0.0, plan=plan), *rest]
    return [started, strays[kind], *rest] if kind in strays else rest


@pytest.mark.parametrize(("kind", "line"), [
    ("no moment", 1), ("no end", 1), ("no card", 1), ("no zone", 1), ("no plan", 1), ("no step", 2), ("no entry", 2),
    ("no probe", 2), ("a second plan", 2), ("no index", 2), ("no time", 2)])
def test_a_journal_that_adds_up_and_tells_nonsense_is_refused_with_its_line(
        kind: str, line: int, tmp_path: Path) -> None:
    lines, chain = [], Chain()
    for number, event in enumerate(forged(kind, a_run())):
        lines.append(encode(number, "2026-11-20T11:00:00.000Z", event, chain) + b"\n")
    (tmp_path / "journal.ndjson").write_bytes(b"".join(lines))
    with pytest.raises(JournalUnreadable, match=f":{line}: "):
        read_run(tmp_path / "journal.ndjson")


def test_the_reports_of_a_journal_without_a_line_are_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.ndjson").touch()
    with pytest.raises(JournalUnreadable, match="no whole line"):
        write_reports(tmp_path)
