"""What is due next, of many schedules."""

from datetime import timedelta

from chaos_runner.daemon.book import Book
from chaos_runner.schedule.model import ByCron, Overlap
from chaos_runner.schedule.occurrences import following
from tests.daemon.acting import BEGIN, planned


def test_what_is_due_is_given_once_and_in_order() -> None:
    book = Book()
    book.rewrite([planned("a", every_s=60), planned("b", every_s=90)], {"a": BEGIN, "b": BEGIN})
    now = BEGIN + timedelta(seconds=180)
    found = [*book.pop(BEGIN + timedelta(seconds=90)), *book.pop(now)]
    assert [(due.occurrence.schedule, (due.occurrence.due - BEGIN).total_seconds()) for due in found] == [
        ("a", 60), ("b", 90), ("a", 120), ("b", 180)]
    assert [due.occurrence.schedule for due in book.pop(now)] == ["a"]  # what follows one in time is looked up later
    assert all(due.newest for due in found)
    assert book.pop(now) == []
    assert book.next_start == BEGIN + timedelta(seconds=240)


def test_nothing_is_due_where_there_is_nothing() -> None:
    book = Book()
    assert book.next_start is None
    assert book.pop(BEGIN) == []


def test_a_schedule_of_once_in_four_years_is_found() -> None:
    book = Book()
    leap = planned("leap", when=ByCron("0 12 29 2 *"))
    book.rewrite([leap], {"leap": BEGIN})
    assert book.next_start
    assert (book.next_start.year, book.next_start.month, book.next_start.day) == (2028, 2, 29)


def test_a_changed_schedule_goes_on_from_where_it_was() -> None:
    book = Book()
    book.rewrite([planned("a", every_s=60)], {"a": BEGIN})
    book.pop(BEGIN + timedelta(seconds=60))
    book.rewrite([planned("a", every_s=90, overlap=Overlap.REPLACE)], {"a": BEGIN})
    assert book.next_start == BEGIN + timedelta(seconds=90)


def test_it_looks_up_what_the_calendar_says() -> None:
    """The same occurrences, however few are looked up at a time."""
    often = planned("often", every_s=60)
    book = Book()
    book.rewrite([often], {"often": BEGIN})
    until = BEGIN + timedelta(hours=12)
    given = [*book.pop(until), *book.pop(until)]
    assert [due.newest for due in given[-3:]] == [False, True, True]
    told = [due.occurrence for due in given]
    after = following(often.schedule, BEGIN + timedelta(microseconds=1))
    assert told == [next(after) for _ in range(len(told))]
    assert len(told) == 720
