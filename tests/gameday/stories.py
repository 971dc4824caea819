"""Whole game days with their runs' folders, for the tests of the page."""

from pathlib import Path

from msgspec import structs

from chaos_runner.clock import rfc3339
from chaos_runner.gameday import events as ev
from chaos_runner.gameday.day import Day
from chaos_runner.gameday.events import Planned
from chaos_runner.gameday.model import SEALED, Kind
from chaos_runner.report.gameday import view, write_day
from tests.gameday.samples import ASK, DO, NOTE, day, planned
from tests.history.folders import run_id, written
from tests.report import stories

HIDDEN = "what nobody knows beforehand"


def played(reports: Path, hostile: str = "", *, over: bool = True, agenda: tuple[Planned, ...] = ()) -> Day:
    """A day with two runs, a no-go, a hold, more time, a skip, notes and action items; `hostile` is said all over."""
    for number, story in enumerate(("passed", "deviated")):
        written(reports, number, story)
    said = hostile or "the graph of the front end's latency is odd"
    items = agenda or (
        NOTE, structs.replace(DO, role="ops", text=said), structs.replace(ASK, text=said),
        planned(Kind.EXPERIMENT, hostile or "The shop loses a replica", file="a.yaml", observe_s=60.0),
        planned(Kind.EXPERIMENT, SEALED, sealed=True, at_most_s=180.0), DO)
    begun = day(*items).began
    at = Day.of([structs.replace(
        begun, title=said, description=said, file=said, env=said, by=said, started=rfc3339(stories.STARTED),
        roles={"lead": said, "ops": ""}, committed=(
            ev.Committed(item=None, name="day.yaml", digest="a" * 64),
            ev.Committed(item=4, name=SEALED, digest="b" * 64)))])
    at = at.after(_happened(said))
    return at.after(_end(said)) if over else at.after([ev.DayLeft(t=86700.0, why=said)])


def _happened(said: str) -> list[ev.DayEvent]:
    return [
        ev.ItemBegan(t=0.0, item=0), ev.ItemDone(t=0.0, item=0, by=said), ev.ItemBegan(t=1.0, item=1),
        ev.Noted(t=2.0, item=1, by=said, text=said), ev.Extended(t=3.0, item=1, by=said, more_s=60.0),
        ev.ItemDone(t=9.0, item=1, by=said), ev.ItemBegan(t=10.0, item=2),
        ev.Answered(t=11.0, item=2, role="lead", go=False, by=said, why=said),
        ev.Held(t=12.0, by=said, why=said), ev.WentOn(t=20.0, by=said), ev.Retried(t=21.0, item=2, by=said),
        ev.ItemBegan(t=21.0, item=2), ev.Answered(t=22.0, item=2, role="lead", go=True, by=said),
        ev.Answered(t=23.0, item=2, role="ops", go=True, by=said), ev.ItemDone(t=23.0, item=2, by=said),
        ev.ItemBegan(t=24.0, item=3), ev.RunBegan(t=25.0, item=3, run=run_id(0), by=said, changed=True),
        ev.RunOver(t=150.0, item=3, run=run_id(0), verdict="passed", restored="restored", exit=0, sentence=said),
        ev.Noted(t=151.0, item=3, by=said, text=said, action=True, owner=said),
        ev.Noted(t=152.0, item=3, by=said, text=said, action=True), ev.ItemDone(t=160.0, item=3, by=said),
        ev.ItemBegan(t=86400.0, item=4), ev.RunBegan(t=86401.0, item=4, run=run_id(1), by=said),
        ev.RunOver(t=86600.0, item=4, run=run_id(1), verdict="deviated", restored="restored", exit=1)]


def _end(said: str) -> list[ev.DayEvent]:
    return [
        ev.ItemDone(t=86610.0, item=4, by=said), ev.ItemBegan(t=86611.0, item=5),
        ev.ItemSkipped(t=86612.0, item=5, by=said, why=said),
        ev.Opened(t=86613.0, files=(
            ev.Found(item=None, name=said, title=said, committed="a" * 64, now="c" * 64),
            ev.Found(item=4, name="hidden.yaml", title=HIDDEN, committed="b" * 64, now="b" * 64),
            ev.Found(item=3, name="gone.yaml", title=said, committed="d" * 64, now=""))),
        ev.DayEnded(t=86614.0, verdict="deviated", exit=1, sentence=said, by=said, aborted=True, why=said)]


def long(reports: Path) -> Day:
    """A day with as many items as there may be, and many notes."""
    at = day(*(planned(Kind.MANUAL, f"step {number} " + "x" * 120) for number in range(200)))
    for number in range(200):
        at = at.after([ev.ItemBegan(t=60.0 * number, item=number),
                       ev.Noted(t=60.0 * number + 1, item=number, by="Ben", text="n" * 300),
                       ev.ItemDone(t=60.0 * number + 50, item=number, by="root")])
    return at


def page(at: Day, reports: Path) -> str:
    """The page, as it is written."""
    folder = reports / "gamedays" / at.began.day
    folder.mkdir(parents=True, exist_ok=True)
    assert view(at, reports, "").runs is not None
    return write_day(at, reports, folder)[0].read_text()
