"""What comes next in a game day, and what a word means: decided from the day alone, which is folded from its events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos_runner.gameday import events as ev
from chaos_runner.gameday.day import Day
from chaos_runner.gameday.decide import (
    AskRole,
    AskToRun,
    Begin,
    Close,
    Done,
    Refusal,
    Settle,
    Wait,
    by_itself,
    heard,
    hold_after,
    next_step,
)
from chaos_runner.gameday.words import (
    Abort,
    Extend,
    Go,
    GoOn,
    Hold,
    NoGo,
    Note,
    Retry,
    Skip,
    Unclear,
    Word,
    is_name,
    word,
)
from tests.examples import examples
from tests.gameday.samples import ASK, DO, NOTE, ROLES, RUN, begun, day, ran, refusal, says


def answered(at: Day, role: str, *, go: bool = True) -> Day:
    return at.after([ev.Answered(t=5.0, item=at.current or 0, role=role, go=go, by="Anna")])


def done(at: Day, item: int, t: float = 20.0) -> Day:
    return at.after([ev.ItemDone(t=t, item=item, by="root")])


# ── the road of a day ───────────────────────────────────────────────────────────────────────────────────────────────

def test_items_are_come_to_in_their_order_and_then_the_day_closes() -> None:
    at = day(NOTE, DO)
    assert next_step(at) == Begin(0)
    at = at.after([ev.ItemBegan(t=1.0, item=0)])
    assert next_step(at) == Done(0)
    at = done(at, 0).after([ev.ItemBegan(t=2.0, item=1)])
    assert next_step(at) == Wait(1, "do it", 62.0)
    assert next_step(done(at, 1)) == Close()


def test_each_role_is_asked_in_turn_and_only_all_goes_are_a_go() -> None:
    at = begun(ASK)
    assert next_step(at) == AskRole(0, "lead")
    at = answered(at, "lead")
    assert next_step(at) == AskRole(0, "ops")
    assert next_step(answered(at, "ops")) == Done(0)


def test_a_no_go_stops_the_day_until_it_is_asked_again() -> None:
    at = answered(begun(ASK, RUN), "lead", go=False)
    assert next_step(at) == Wait(0, "no-go from lead")
    assert "somebody said no-go" in refusal(at, "")
    again = says(at, "retry").after([ev.ItemBegan(t=101.0, item=0)])
    assert next_step(again) == AskRole(0, "lead")
    assert [answer.go for answer in again.heard] == [False]


def test_whoever_skips_a_question_skips_the_experiments_that_it_guards() -> None:
    at = says(answered(begun(ASK, RUN, DO, RUN, ASK, RUN), "lead", go=False), "skip: an incident")
    assert [item.skipped is not None for item in at.items] == [True, True, False, True, False, False]
    assert at.items[1].skipped == "no go from item 1: an incident"


def test_an_experiment_is_begun_by_a_go_and_looked_on_after_its_run() -> None:
    at = begun(RUN)
    assert next_step(at) == AskToRun(0)
    assert "say go" in refusal(at, "")
    at = at.after(ran(0, "R1"))
    assert next_step(at) == Wait(0, "look on", None)
    assert next_step(says(at, "")) == Close()


def test_a_run_whose_end_nobody_heard_is_settled_and_never_begun_again() -> None:
    at = begun(RUN).after(ran(0, "R1")[:1])
    assert next_step(at) == Settle(0, "R1")
    assert next_step(at.after([ev.DayResumed(t=50.0, by="root", host="here")])) == Settle(0, "R1")
    assert "under way" in refusal(at, "retry")
    assert "under way" in refusal(at, "skip: x")


def test_a_retry_is_the_same_item_once_more_and_keeps_its_runs() -> None:
    at = says(begun(RUN, DO).after(ran(0, "R1", "deviated", 1)), "retry")
    assert next_step(at) == Begin(0)
    at = at.after([ev.ItemBegan(t=101.0, item=0)])
    assert next_step(at) == AskToRun(0)
    at = at.after(ran(0, "R2", t=102.0))
    assert [run.run for _, run in at.runs] == ["R1", "R2"]


def test_a_retry_at_the_next_item_means_the_last_experiment() -> None:
    at = done(begun(RUN, DO).after(ran(0, "R1")), 0).after([ev.ItemBegan(t=30.0, item=1)])
    assert next_step(says(at, "retry")) == Begin(0)
    assert "nothing has been tried" in refusal(begun(DO), "retry")


@pytest.mark.parametrize(("verdict", "exit_code", "restored", "held"), [
    ("passed", 0, "restored", False), ("deviated", 1, "restored", False), ("interrupted", 130, "restored", True),
    ("deviated", 6, "not-restored", True), ("passed", 6, "unknown", True)])
def test_after_a_run_that_was_interrupted_or_left_something_nothing_goes_on_by_itself(
        verdict: str, exit_code: int, restored: str, held: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    at = begun(RUN, RUN).after(ran(0, "R1", verdict, exit_code, restored=restored))
    after = at.after(hold_after(at, 20.0))
    assert bool(after.held) is held


def test_on_hold_nothing_begins_and_no_time_goes_by() -> None:
    at = begun(DO)
    held = at.after([ev.Held(t=10.0, by="root", why="coffee")])
    assert next_step(held) == Wait(0, "on hold: coffee")
    on = says(held, "", t=40.0)
    assert next_step(on) == Wait(0, "do it", 91.0)
    assert "already" in refusal(held, "hold")


def test_extend_gives_the_item_more_time() -> None:
    assert next_step(says(begun(DO), "extend 5m")) == Wait(0, "do it", 361.0)
    assert next_step(says(begun(DO), "+30s")) == Wait(0, "do it", 91.0)
    assert "no item" in refusal(day(DO), "extend 5m")


def test_a_skip_wants_a_reason() -> None:
    assert "why" in refusal(begun(DO), "skip")
    assert says(begun(DO), "skip: no time").items[0].skipped == "no time"


def test_where_nobody_plays_questions_are_answered_and_what_people_do_is_left_out() -> None:
    asked, todo, looked = begun(ASK), begun(DO), begun(RUN).after(ran(0, "R1"))
    [answer] = by_itself(asked, next_step(asked), 9.0)
    [skipped] = by_itself(todo, next_step(todo), 9.0)
    [passed] = by_itself(looked, next_step(looked), 9.0)
    assert isinstance(answer, ev.Answered)
    assert (answer.by, answer.go) == ("--yes", True)
    assert isinstance(skipped, ev.ItemSkipped)
    assert isinstance(passed, ev.ItemDone)


# ── the fold ────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("event", [
    ev.ItemBegan(t=1.0, item=7), ev.ItemBegan(t=1.0, item=-1), ev.ItemBegan(t=-1.0, item=0),
    ev.ItemBegan(t=float("nan"), item=0), ev.ItemBegan(t=1e300, item=0)])
def test_what_cannot_have_happened_is_no_event(event: ev.DayEvent) -> None:
    at = day(DO)
    with pytest.raises((LookupError, ValueError)):
        at.after([event])


def test_nothing_happens_after_the_end_and_a_day_begins_once() -> None:
    ended = day(DO).after([ev.DayEnded(t=1.0, verdict="passed", exit=0, sentence="", by="root")])
    for at, event in ((ended, ev.DayLeft(t=2.0, why="x")), (day(DO), day(DO).began)):
        with pytest.raises(ValueError, match="day"):
            at.after([event])
    with pytest.raises(TypeError):
        Day.of([ev.DayLeft(t=0.0, why="x")])


@examples(200)
@given(st.lists(st.sampled_from(["", "hold", "retry", "skip: x", "extend 1s", "a note", "go", "no-go"]), max_size=30))
def test_whatever_is_said_no_run_is_begun_without_a_go_and_the_day_can_always_go_on(lines: list[str]) -> None:
    at, t = day(NOTE, ASK, RUN, DO, RUN), 0.0
    for line in lines:
        t += 1.0
        at = _played(at, line, t)
        assert at.under_way is None
        assert all(len(item.runs) <= item.tries or not item.began_t for item in at.items)


def _played(at: Day, line: str, t: float) -> Day:
    match next_step(at):
        case Begin(item):
            return at.after([ev.ItemBegan(t=t, item=item)])
        case Done(item):
            return at.after([ev.ItemDone(t=t, item=item, by="chaos-runner")])
        case AskRole(item, role) if line in ("go", "no-go"):
            return at.after([ev.Answered(t=t, item=item, role=role, go=line == "go", by="Anna")])
        case AskToRun(item) if line == "go":
            return at.after(ran(item, f"R{t}", t=t))
        case _:
            found = heard(at, word(line), "root", t)
            return at if isinstance(found, Refusal) else at.after(found)


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize(("line", "meant"), [
    ("", GoOn()), ("  next ", GoOn()), ("done", GoOn()), ("go", Go()), ("GO", Go()), ("go: Anna", Go("Anna")),
    ("no-go", NoGo()), ("no: too late", NoGo("too late")), ("hold", Hold()), ("hold: coffee", Hold("coffee")),
    ("extend 5m", Extend(300.0)), ("+5m", Extend(300.0)), ("extend: 90s", Extend(90.0)), ("skip", Skip()),
    ("skip: no time", Skip("no time")), ("retry", Retry()), ("abort: real incident", Abort("real incident")),
    ("a", Note(text="", action=True)), ("a: fix the alert", Note(text="fix the alert", action=True)),
    ("action: fix the alert @ben now", Note(text="fix the alert now", action=True, owner="ben")),
    ("anna: I see errors", Note(text="I see errors", by="Anna")), ("ops: red", Note(text="red", by="ops")),
    ("note: skip", Note(text="skip")), ("+1 for that", Note(text="+1 for that")),
    ("a strange thing happened", Note(text="a strange thing happened")),
    ("hold on, the graph is odd", Note(text="hold on, the graph is odd")),
    ("go home everybody", Note(text="go home everybody")), ("abort the coffee", Note(text="abort the coffee")),
    ("retry failed twice", Note(text="retry failed twice")), ("12:30: it began", Note(text="12:30: it began")),
    ("http://a/b is down", Note(text="http://a/b is down")), ("wow", Note(text="wow"))])
def test_a_command_stands_alone_or_before_a_colon_and_all_else_is_a_note(line: str, meant: Word) -> None:
    assert word(line, ROLES) == meant


@pytest.mark.parametrize("line", ["no-go", "no", "go", "abort: it is late", "+5m", "next", "", "retry", "hold", "help"])
def test_a_word_of_the_game_is_nobodys_name(line: str) -> None:
    assert not is_name(line)


@pytest.mark.parametrize("line", ["Joe", "Gopal", "Anna B.", "the one on call", "Noah"])
def test_every_other_line_may_be_a_name(line: str) -> None:
    assert is_name(line)


@pytest.mark.parametrize("line", ["skp", "abrt", "retyr", "extend", "extend soon", "extend 99d", "extend 0s"])
def test_what_is_nearly_a_command_is_asked_and_not_kept(line: str) -> None:
    assert isinstance(word(line), Unclear)


@examples(300)
@given(st.text(max_size=200))
def test_any_line_is_a_word_and_a_note_is_one_line_of_bounded_length(line: str) -> None:
    found = word(line, ROLES)
    if isinstance(found, Note):
        assert "\n" not in found.text
        assert len(word("x" * 100_000).text) <= 4000  # type: ignore[union-attr]
