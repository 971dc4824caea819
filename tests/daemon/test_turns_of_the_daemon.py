"""What the daemon makes of due times. Time and runs are in our hands; the table is real."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import time
from pathlib import Path

import pytest
from msgspec import structs

from chaos_runner.ledger import occurrences, pauses
from chaos_runner.ledger.ledger import LedgerUnreachable, open_ledger
from chaos_runner.ledger.occurrences import Row, State
from chaos_runner.ledger.pauses import Pause, Scope
from chaos_runner.recovery.phase import keep_from_starting
from chaos_runner.recovery.unfinished import JOURNAL
from chaos_runner.schedule.model import Overlap, Window
from tests.daemon.acting import BEGIN, FakeLauncher, House, act, after, later, planned
from tests.ledger.databases import database as database  # noqa: PLC0414 -- fixtures
from tests.ledger.databases import postgres as postgres  # noqa: PLC0414


@pytest.fixture
def house(tmp_path: Path, database: str) -> Iterator[House]:
    ledger = open_ledger(database)
    yield House(ledger, tmp_path)
    ledger.close()


def test_what_is_due_is_started_and_what_became_of_it_is_written_down(house: House) -> None:
    daemon = house.daemon(planned())
    later(house, daemon, 59)
    assert house.rows() == []
    later(house, daemon, 1)
    [row] = house.rows()
    assert (row.due, row.state, row.began, row.verdict) == (after(60), State.RUNNING, after(60), "")
    [run] = house.launcher.started
    assert (run.order.run, run.order.file) == (row.run, "experiments/often.yaml")
    run.end()
    later(house, daemon, 5)
    [row] = house.rows()
    assert (row.state, row.verdict, row.restored, row.ended) == (State.RAN, "passed", "restored", after(65))
    assert house.kinds == ["started", "ended"]


def test_a_row_says_that_it_runs_before_the_process_is_started(house: House, tmp_path: Path) -> None:
    """Whoever finds the table after a death must know what may have been started."""
    seen: list[State] = []

    class Looking(FakeLauncher):
        def start(self, order: object) -> object:  # type: ignore[override]
            seen.extend(row.state for row in house.rows())
            return super().start(order)  # type: ignore[arg-type]

    daemon = house.daemon(planned(), launcher=Looking(tmp_path))
    later(house, daemon, 60)
    assert seen == [State.RUNNING]


def test_two_daemons_start_each_due_time_once(house: House) -> None:
    daemons = [house.daemon(*(planned(f"s{number}") for number in range(20)), places=100) for _ in range(2)]
    for _ in range(3):
        house.clock.advance(60)
        for daemon in daemons:
            act(daemon)
        for run in house.launcher.started:
            run.end()
        for daemon in daemons:
            act(daemon)
    assert len(house.launcher.started) == 60
    assert len({run.order.run for run in house.launcher.started}) == 60
    assert {row.state for row in house.rows()} == {State.RAN}


def test_what_nobody_started_in_time_was_missed(house: House) -> None:
    first = house.daemon(planned())
    first.leave()
    house.clock.advance(300)
    later(house, house.daemon(planned()), 70)
    rows = house.rows()
    assert [(row.due, row.state) for row in rows] == [
        *((after(60 * minute), State.MISSED) for minute in range(1, 6)), (after(360), State.RUNNING)]
    assert rows[0].reason == "nobody was there to start it when it was due"
    assert house.kinds == ["missed"] * 5 + ["started"]


def test_one_that_was_missed_may_run_late_when_its_schedule_says_so(house: House) -> None:
    daily = planned(every_s=3600, missed_within_s=1800.0)
    house.daemon(daily).leave()
    house.clock.advance(3600 + 1200)
    act(house.daemon(daily))
    [row] = house.rows()
    assert (row.due, row.state, row.ends) == (after(3600), State.RUNNING, after(4800 + 30))


def test_but_not_when_it_would_be_too_late(house: House) -> None:
    daily = planned(every_s=3600, missed_within_s=600.0)
    house.daemon(daily).leave()
    house.clock.advance(3600 + 1200)
    act(house.daemon(daily))
    [row] = house.rows()
    assert row.state is State.MISSED
    assert row.reason.endswith("when it was due, and now it is too late: later than `missed` allows")


def test_what_was_due_before_a_schedule_was_enabled_was_never_missed(house: House) -> None:
    off = planned(enabled=False)
    daemon = house.daemon(off)
    later(house, daemon, 300)
    house.learn(daemon, planned())
    later(house, daemon, 30)
    assert house.rows() == []
    later(house, daemon, 30)
    assert [row.due for row in house.rows()] == [after(360)]


def test_a_clock_that_is_put_back_repeats_nothing(house: House) -> None:
    daemon = house.daemon(planned())
    later(house, daemon, 60)
    house.launcher.started[0].end()
    act(daemon)
    daemon.leave()
    house.clock = type(house.clock)(BEGIN)
    again = house.daemon(planned())
    later(house, again, 60)
    assert [row.due for row in house.rows()] == [after(60)]
    later(house, again, 60)
    assert [row.due for row in house.rows()] == [after(60), after(120)]


def test_the_calendar_skips_with_its_reason(house: House) -> None:
    daemon = house.daemon(planned(windows=(Window(time(2), time(3)),)))
    later(house, daemon, 60)
    [row] = house.rows()
    assert (row.state, row.why) == (State.SKIPPED, "window")
    assert row.reason == "outside the window 02:00-03:00"


def test_a_pause_skips_and_says_who_and_why(house: House) -> None:
    daemon = house.daemon(planned(tags=("shop",)), planned("other"))
    with house.ledger.transaction() as connection:
        pauses.pause(connection, Pause(pause="1", scope=Scope.TAG, name="shop", by="Ada", why="a sale",
                                       since=after(0), until=after(90)))
    later(house, daemon, 60)
    skipped, ran = sorted(house.rows(), key=lambda row: row.state, reverse=True)
    assert (skipped.schedule, skipped.why) == ("often", "paused")
    assert skipped.reason == f"paused until {after(90)} by Ada: a sale"
    assert ran.schedule == "other"
    later(house, daemon, 60)
    assert len(house.launcher.started) == 2


@pytest.mark.parametrize(("rule", "states"), [
    (Overlap.SKIP, [State.RUNNING, State.SKIPPED, State.SKIPPED]),
    (Overlap.QUEUE_ONE, [State.RUNNING, State.QUEUED, State.SKIPPED]),
])
def test_while_a_run_lasts_the_next_is_as_its_rule_says(house: House, rule: Overlap, states: list[State]) -> None:
    daemon = house.daemon(planned(overlap=rule))
    for _ in range(3):
        later(house, daemon, 60)
    assert [row.state for row in house.rows()] == states


def test_what_was_queued_begins_when_the_run_before_is_over(house: House) -> None:
    daemon = house.daemon(planned(overlap=Overlap.QUEUE_ONE))
    later(house, daemon, 60)
    later(house, daemon, 60)
    house.launcher.started[0].end()
    later(house, daemon, 5)
    first, second = house.rows()
    assert (first.state, second.state, second.began) == (State.RAN, State.RUNNING, after(125))


def test_one_that_is_replaced_is_undone_before_the_next_begins(house: House) -> None:
    daemon = house.daemon(planned(overlap=Overlap.REPLACE))
    later(house, daemon, 60)
    later(house, daemon, 60)
    later(house, daemon, 1)
    [run] = house.launcher.started
    assert run.stops == 1
    run.end("interrupted", exit_code=143)
    later(house, daemon, 2)
    first, second = house.rows()
    assert (first.verdict, first.reason) == ("interrupted", "the next occurrence replaces it")
    assert second.state is State.RUNNING


@pytest.mark.parametrize(("rule", "state"), [(Overlap.SKIP, State.SKIPPED), (Overlap.QUEUE_ONE, State.QUEUED)])
def test_two_experiments_are_never_on_one_target(house: House, rule: Overlap, state: State) -> None:
    daemon = house.daemon(planned("a", grounds=["proxy"]), planned("b", grounds=["proxy"], overlap=rule))
    later(house, daemon, 60)
    one, other = sorted(house.rows(), key=lambda row: row.schedule)
    assert (one.state, other.state) == (State.RUNNING, state)
    if state is State.SKIPPED:
        assert other.reason == "a may hit the same targets, and its run is not over"


def test_of_a_schedule_one_occurrence_waits_at_most_also_for_a_target(house: House) -> None:
    daemon = house.daemon(planned("a", grounds=["proxy"]), planned("b", grounds=["proxy"], overlap=Overlap.QUEUE_ONE))
    for _ in range(3):
        later(house, daemon, 60)
    assert [row.state for row in house.rows("b")] == [State.QUEUED, State.SKIPPED, State.SKIPPED]
    assert house.rows("b")[2].reason == f"the occurrence of {after(60)} waits already"


def test_on_different_targets_they_run_at_the_same_time(house: House) -> None:
    daemon = house.daemon(planned("a", grounds=["proxy"]), planned("b", grounds=["host"]))
    later(house, daemon, 60)
    assert [row.state for row in house.rows()] == [State.RUNNING] * 2


def test_the_same_target_in_another_environment_is_another(house: House) -> None:
    daemon = house.daemon(planned("a", grounds=["proxy"], env="staging"), planned("b", grounds=["proxy"], env="test"))
    later(house, daemon, 60)
    assert [row.state for row in house.rows()] == [State.RUNNING] * 2


def test_more_than_there_are_places_wait_a_minute_and_are_then_missed(house: House) -> None:
    daemon = house.daemon(*(planned(f"s{number}", every_s=3600) for number in range(3)), places=1)
    later(house, daemon, 3600)
    assert len(house.rows()) == 1
    house.launcher.started[0].end()
    later(house, daemon, 20)
    assert sorted(row.state for row in house.rows()) == [State.RAN, State.RUNNING]
    later(house, daemon, 61)
    assert sorted(row.state for row in house.rows()) == [State.MISSED, State.RAN, State.RUNNING]


def test_a_run_that_was_refused_is_skipped_with_what_it_said(house: House) -> None:
    daemon = house.daemon(planned())
    later(house, daemon, 60)
    house.launcher.started[0].end("not-started", exit_code=3, restored="nothing-to-restore", sentence="a gate said no")
    later(house, daemon, 1)
    [row] = house.rows()
    assert (row.state, row.why, row.reason) == (State.SKIPPED, "not-started", "a gate said no")


def test_a_gate_that_defers_is_asked_again_at_its_time(house: House) -> None:
    daemon = house.daemon(planned(every_s=3600))
    later(house, daemon, 3600)
    house.launcher.started[0].end("not-started", exit_code=3, sentence="a deployment", again_at=after(3900))
    later(house, daemon, 1)
    assert [(row.state, row.again) for row in house.rows()] == [(State.DEFERRED, after(3900))]
    later(house, daemon, 200)
    assert len(house.launcher.started) == 1
    later(house, daemon, 100)
    assert [row.state for row in house.rows()] == [State.RUNNING]
    assert len({run.order.run for run in house.launcher.started}) == 2


def test_but_not_when_a_run_would_not_fit_its_hours_any_more(house: House) -> None:
    daemon = house.daemon(planned(every_s=3600, windows=(Window(time(12), time(13, 2)),)))
    later(house, daemon, 3600)
    house.launcher.started[0].end("not-started", exit_code=3, sentence="a deployment", again_at=after(3700))
    later(house, daemon, 1)
    later(house, daemon, 120)
    [row] = house.rows()
    assert (row.state, row.why) == (State.SKIPPED, "does-not-fit")


def test_a_window_that_closes_stops_and_undoes(house: House) -> None:
    daemon = house.daemon(planned(every_s=3600, windows=(Window(time(12), time(13, 2)),)))
    later(house, daemon, 3600)
    later(house, daemon, 121)
    [run] = house.launcher.started
    assert (run.stops, house.rows()[0].stop) == (1, f"its hours are over since {after(3720)}")
    assert house.kinds == ["started", "stopped"]
    later(house, daemon, 1)
    assert run.stops == 1


def test_failures_in_a_row_pause_the_schedule(house: House) -> None:
    daemon = house.daemon(planned(pause_after=2))
    for _ in range(3):
        later(house, daemon, 60)
        house.launcher.started[-1].end("deviated", exit_code=1)
        later(house, daemon, 1)
    assert [row.state for row in house.rows()] == [State.RAN, State.RAN, State.SKIPPED]
    assert house.rows()[-1].reason.startswith("paused by chaos-runner: it failed 2 times in a row, last in run 01")
    assert house.kinds[-2:] == ["paused", "skipped"]


def test_in_production_the_first_is_enough(house: House) -> None:
    daemon = house.daemon(planned(production=True))
    later(house, daemon, 60)
    house.launcher.started[0].end("deviated", exit_code=1)
    later(house, daemon, 60)
    assert [row.state for row in house.rows()] == [State.RAN, State.SKIPPED]


def test_a_pause_that_somebody_lifted_does_not_come_back_by_itself(house: House) -> None:
    daemon = house.daemon(planned(production=True))
    later(house, daemon, 60)
    house.launcher.started[0].end("deviated", exit_code=1)
    later(house, daemon, 1)
    with house.ledger.transaction() as connection:
        assert pauses.lift(connection, Scope.SCHEDULE, "often", by="Ada", now=after(61)) == 1
    later(house, daemon, 59)
    house.launcher.started[1].end()
    later(house, daemon, 60)
    assert [row.state for row in house.rows()] == [State.RAN, State.RAN, State.RUNNING]


def test_what_is_not_restored_is_told_apart(house: House) -> None:
    daemon = house.daemon(planned())
    later(house, daemon, 60)
    house.launcher.started[0].end("passed", exit_code=6, restored="not-restored")
    later(house, daemon, 1)
    assert house.kinds == ["started", "ended", "not-restored"]


def test_a_process_that_leaves_nothing_never_counts_as_passed(house: House) -> None:
    daemon = house.daemon(planned())
    for code in (0, 1, 70, -9):
        later(house, daemon, 60)
        house.launcher.started[-1].leave(code)
        later(house, daemon, 0)
    assert [(row.state, row.verdict, row.exit) for row in house.rows()] == [
        (State.RAN, "error", 70), (State.RAN, "error", 1), (State.RAN, "error", 70), (State.RAN, "interrupted", 137)]


def test_a_run_that_cannot_be_started_is_told(house: House) -> None:
    house.launcher.broken = "Cannot allocate memory"
    daemon = house.daemon(planned())
    later(house, daemon, 60)
    [row] = house.rows()
    assert (row.state, row.reason) == (State.SKIPPED, "it could not be started: Cannot allocate memory")
    assert not daemon.busy


def test_a_file_that_can_no_longer_be_followed_runs_nothing(house: House) -> None:
    daemon = house.daemon(planned())
    house.learn(daemon, planned(invalid="its file cannot be followed: E103"))
    later(house, daemon, 60)
    [row] = house.rows()
    assert (row.state, row.why, row.reason) == (State.SKIPPED, "invalid", "its file cannot be followed: E103")


def test_one_that_was_taken_out_is_due_no_more(house: House) -> None:
    daemon = house.daemon(planned())
    house.learn(daemon)
    later(house, daemon, 120)
    assert house.rows() == []


def test_somebody_may_ask_for_a_run_now_of_one_that_is_off(house: House) -> None:
    daemon = house.daemon(planned(enabled=False))
    house.put(Row(schedule="often", due=after(5), starts=after(5), state=State.ASKED, asked_by="Ada on here",
                  experiment="experiments/often.yaml"))
    later(house, daemon, 6)
    [row] = house.rows()
    assert (row.state, row.asked_by) == (State.RUNNING, "Ada on here")


@pytest.mark.parametrize("known", [True, False])
def test_what_was_asked_for_and_nobody_took_up_never_runs_late(house: House, known: bool) -> None:  # noqa: FBT001
    """A schedule that no daemon knew then may be known tomorrow: nobody expects its run any more."""
    house.put(Row(schedule="often", due=after(5), starts=after(5), state=State.ASKED, asked_by="Ada on here"))
    daemon = house.daemon(planned(enabled=False)) if known else house.daemon()
    later(house, daemon, 66)
    [row] = house.rows()
    assert (row.state, row.reason) == (State.MISSED, "no daemon took it up in time")
    assert house.launcher.started == []


def test_a_gate_that_was_to_be_asked_again_while_nobody_was_at_work_is_not_asked_late(house: House) -> None:
    house.put(Row(schedule="often", due=after(0), starts=after(0), state=State.DEFERRED, again=after(600)))
    later(house, house.daemon(planned(every_s=36000)), 700)
    assert [row.state for row in house.rows()] == [State.MISSED]


def test_what_is_queued_waits_an_hour_at_most(house: House) -> None:
    daemon = house.daemon(planned(every_s=7200, overlap=Overlap.QUEUE_ONE))
    later(house, daemon, 7200)
    later(house, daemon, 7200)
    later(house, daemon, 3601)
    assert [row.state for row in house.rows()] == [State.RUNNING, State.MISSED]


def test_whoever_waits_for_a_place_when_its_daemon_dies_has_a_row_all_the_same(house: House) -> None:
    """Also when one after it is settled at once, as its hours are over by then."""
    schedules = [planned("a"), planned("b", windows=(Window(time(11), time(12, 2)),))]
    first = house.daemon(*schedules, places=1)
    later(house, first, 60)
    later(house, first, 60)
    assert [(row.schedule, row.due) for row in house.rows()] == [("a", after(60))]
    house.forget(first)
    second = house.daemon(*schedules, places=1)
    with held_by_another(folder_of(house, house.rows()[0], b"{}\n")):
        later(house, second, 10)
    assert [(row.due, row.state, row.why) for row in house.rows("b")] == [
        (after(60), State.MISSED, "late"), (after(120), State.SKIPPED, "window")]


def test_who_drains_starts_nothing_and_ends_what_runs(house: House) -> None:
    daemon = house.daemon(planned())
    later(house, daemon, 60)
    daemon.drain()
    later(house, daemon, 60)
    assert len(house.rows()) == 1
    assert daemon.busy
    house.launcher.started[0].end()
    later(house, daemon, 1)
    assert not daemon.busy


# ── a database without an answer ────────────────────────────────────────────────────────────────────────────────────

def test_while_the_database_gives_no_answer_nothing_is_started_or_forgotten(house: House) -> None:
    daemon = house.daemon(planned(every_s=3600))
    house.clock.advance(3600)
    with house.without_an_answer(), pytest.raises(LedgerUnreachable):
        act(daemon)
    assert house.launcher.started == []
    later(house, daemon, 30)
    [row] = house.rows()
    assert (row.due, row.state, row.began) == (after(3600), State.RUNNING, after(3630))
    house.launcher.started[0].end()
    with house.without_an_answer(), pytest.raises(LedgerUnreachable):
        later(house, daemon, 1)
    later(house, daemon, 60)
    assert [row.verdict for row in house.rows()] == ["passed"]
    assert house.kinds == ["started", "ended"]


def test_a_run_is_stopped_even_when_nobody_can_write_down_why(house: House) -> None:
    daemon = house.daemon(planned("a"), planned("b"))
    later(house, daemon, 60)
    with house.without_an_answer(), pytest.raises(LedgerUnreachable):
        daemon.stop_all("it has to leave")
    assert [run.stops for run in house.launcher.started] == [1, 1]
    for run in house.launcher.started:
        run.end("interrupted", exit_code=143)
    assert daemon.idle
    later(house, daemon, 1)
    assert {row.reason for row in house.rows()} == {"it has to leave"}


def test_what_could_not_be_started_for_long_was_missed(house: House) -> None:
    daemon = house.daemon(planned(every_s=3600))
    house.clock.advance(3600)
    with house.without_an_answer(), pytest.raises(LedgerUnreachable):
        act(daemon)
    later(house, daemon, 61)
    assert [row.state for row in house.rows()] == [State.MISSED]


def test_what_was_claimed_is_not_started_long_after_either(house: House) -> None:
    daemon = house.daemon(planned(every_s=3600))
    house.clock.advance(3600)
    daemon.turn()
    with house.without_an_answer(), pytest.raises(LedgerUnreachable):
        daemon.turn()
    later(house, daemon, 61)
    assert [row.state for row in house.rows()] == [State.MISSED]
    assert house.launcher.started == []


def test_who_drains_leaves_what_it_has_claimed_to_the_next(house: House) -> None:
    first = house.daemon(planned(every_s=3600))
    house.clock.advance(3600)
    first.turn()
    first.drain()
    later(house, first, 2)
    assert not first.busy
    assert house.launcher.started == []
    first.leave()
    second = house.daemon(planned(every_s=3600))
    act(second)
    [row] = house.rows()
    assert (row.state, row.daemon) == (State.RUNNING, second.name)


# ── the dead ────────────────────────────────────────────────────────────────────────────────────────────────────────

def dead_with(house: House, state: State, **more: str) -> Row:
    """A row that a daemon had when it died."""
    row = Row(schedule="often", due=after(0), starts=after(0), ends=after(30), state=state, daemon="dead", host="here",
              run="01M7YZ00000000000000000000", experiment="experiments/often.yaml")
    house.put(structs.replace(row, **more))
    return row


def folder_of(house: House, row: Row, last_line: bytes) -> Path:
    folder = house.launcher.reports / "runs" / row.run
    folder.mkdir(parents=True)
    (folder / JOURNAL).write_bytes(last_line)
    return folder


def test_what_a_dead_daemon_had_only_claimed_is_run_by_another(house: House) -> None:
    dead_with(house, State.CLAIMED)
    later(house, house.daemon(planned(every_s=3600)), 20)
    [row] = house.rows()
    assert (row.state, row.began) == (State.RUNNING, after(20))
    assert row.run != "01M7YZ00000000000000000000"


def test_unless_it_is_too_late(house: House) -> None:
    dead_with(house, State.CLAIMED)
    later(house, house.daemon(planned(every_s=3600)), 100)
    [row] = house.rows()
    assert (row.state, row.run) == (State.MISSED, "")


def test_a_run_that_left_no_trace_is_interrupted_and_never_injected_again(house: House) -> None:
    dead_with(house, State.RUNNING)
    later(house, house.daemon(planned(every_s=3600)), 1)
    [row] = house.rows()
    assert (row.state, row.verdict, row.restored) == (State.RAN, "interrupted", "nothing-to-restore")
    assert house.launcher.started == []


def test_a_run_that_lives_on_is_followed_to_its_end(house: House) -> None:
    row = dead_with(house, State.RUNNING)
    folder = folder_of(house, row, b"{}\n")
    daemon = house.daemon(planned(every_s=3600))
    with held_by_another(folder):
        later(house, daemon, 1)
        [found] = house.rows()
        assert (found.state, found.daemon) == (State.RUNNING, daemon.name)
        house.launcher.others[0].end("passed")
        later(house, daemon, 1)
        assert daemon.busy  # it has an outcome, but somebody still holds it
    later(house, daemon, 1)
    assert [row.verdict for row in house.rows()] == ["passed"]


def test_a_dead_run_is_recovered_first_and_then_told(house: House) -> None:
    row = dead_with(house, State.RUNNING)
    folder_of(house, row, b"{}\n")
    daemon = house.daemon(planned(every_s=3600))
    later(house, daemon, 1)
    [adopted] = house.launcher.others
    adopted.leave(0)
    later(house, daemon, 1)
    assert house.launcher.recovered == [f"{row.run} by the daemon {daemon.name}"]
    assert [found.state for found in house.rows()] == [State.RUNNING]
    house.launcher.others[1].end("interrupted", exit_code=143)
    later(house, daemon, 1)
    [found] = house.rows()
    assert (found.state, found.verdict, found.recovered_by) == (State.RAN, "interrupted", daemon.name)
    assert house.kinds == ["ended", "recovered"]


def test_a_row_of_a_daemon_that_lives_is_its_own(house: House) -> None:
    first, second = house.daemon(planned()), house.daemon(planned())
    later(house, first, 60)
    later(house, second, 1)
    assert [row.daemon for row in house.rows()] == [first.name]


def test_a_run_elsewhere_is_left_to_its_machine_until_it_must_be_over(house: House) -> None:
    dead_with(house, State.RUNNING, host="there")
    daemon = house.daemon(planned(every_s=36000))
    later(house, daemon, 60)
    assert [row.state for row in house.rows()] == [State.RUNNING]
    later(house, daemon, 700)
    [row] = house.rows()
    assert (row.state, row.exit, row.restored) == (State.RAN, 6, "unknown")
    assert "chaos-runner recover 01M7YZ00000000000000000000 there" in row.reason


def test_a_claim_whose_answer_was_lost_is_taken_up(house: House) -> None:
    """The database took it, and then gave no answer: the row is ours, and we do not know it."""
    daemon = house.daemon(planned(every_s=3600))
    row = dead_with(house, State.CLAIMED, daemon=daemon.name)
    later(house, daemon, 2)
    assert [(found.key, found.state) for found in house.rows()] == [(row.key, State.RUNNING)]


def test_who_was_taken_for_dead_loses_what_it_had(house: House) -> None:
    """It slept, as laptops do. Another has its row now; what it hears of its child is no longer its to write."""
    first = house.daemon(planned(every_s=3600))
    later(house, first, 3600)
    [run] = house.launcher.started
    house.forget(first)
    second = house.daemon(planned(every_s=3600))
    act(second)
    [row] = house.rows()
    assert row.verdict == "interrupted"
    run.end()
    later(house, first, 6)
    assert house.rows() == [row]
    assert not first.busy


def test_who_slept_after_its_claim_starts_nothing_that_another_has_started(house: House) -> None:
    first = house.daemon(planned(every_s=3600))
    house.clock.advance(3600)
    first.turn()
    [row] = house.rows()
    assert (row.state, row.daemon) == (State.CLAIMED, first.name)
    house.forget(first)
    second = house.daemon(planned(every_s=3600))
    act(second)
    act(first)
    [run] = house.launcher.started
    [row] = house.rows()
    assert (row.run, row.daemon) == (run.order.run, second.name)
    assert house.kinds == ["started"]


def test_a_run_that_was_taken_for_dead_before_it_began_is_refused_by_its_folder(house: House) -> None:
    """Its daemon slept between saying that it runs and starting it. Its folder is there now, and a run wants a new one.
    """
    row = dead_with(house, State.RUNNING)
    later(house, house.daemon(planned(every_s=3600)), 1)
    assert [found.verdict for found in house.rows()] == ["interrupted"]
    [left] = (house.launcher.reports / "runs" / row.run).iterdir()
    assert left.read_text().startswith("It was about to be started")


def test_who_died_as_it_kept_a_run_from_starting_leaves_that_to_the_next(house: House) -> None:
    row = dead_with(house, State.RUNNING)
    assert keep_from_starting(house.launcher.reports / "runs" / row.run)
    later(house, house.daemon(planned(every_s=3600)), 1)
    assert [found.verdict for found in house.rows()] == ["interrupted"]


def test_who_is_asked_to_stop_before_it_began_is_stopped_when_it_does(house: House) -> None:
    daemon = house.daemon(planned(every_s=3600))
    house.clock.advance(3600)
    daemon.turn()
    [row] = house.rows()
    with house.ledger.transaction() as connection:
        occurrences.ask_to_stop(connection, row, "the sale has begun")
    act(daemon)
    later(house, daemon, 1)
    [run] = house.launcher.started
    assert run.stops == 1
    assert [found.stop for found in house.rows()] == ["the sale has begun"]


@contextmanager
def held_by_another(folder: Path) -> Iterator[None]:
    """While this lasts another process holds a run, as its runner does."""
    script = ("import sys\nfrom pathlib import Path\nfrom chaos_runner.journal.lock import hold\n"
              "lock = hold(Path(sys.argv[1]))\nprint('held', flush=True)\ninput()")
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        yield
        process.communicate(b"\n")
