"""Game days in memory."""

from pathlib import Path

from chaos_runner.experiment.document import parse
from chaos_runner.experiment.fields import Found
from chaos_runner.gameday import events as ev
from chaos_runner.gameday.day import Day
from chaos_runner.gameday.decide import Refusal, heard, next_step
from chaos_runner.gameday.model import GameDay, Kind
from chaos_runner.gameday.reading import game_day
from chaos_runner.gameday.words import word

ROLES = {"lead": "Anna", "ops": ""}


def read(text: str) -> tuple[GameDay | None, Found]:
    """A game day's file."""
    return game_day(parse(text.encode(), "day.yaml"))


def planned(kind: Kind, text: str = "x", **more: object) -> ev.Planned:
    """An item."""
    return ev.Planned(kind=kind, text=text, **more)  # type: ignore[arg-type]


RUN, ASK = planned(Kind.EXPERIMENT, "the run", file="a.yaml"), planned(Kind.ASK, "well?", of=("lead", "ops"))
DO, NOTE = planned(Kind.MANUAL, "look", at_most_s=60.0), planned(Kind.NOTE, "hello")


def day(*agenda: ev.Planned, folder: Path = Path()) -> Day:
    """A day that has just begun."""
    return Day.of([ev.DayBegan(
        t=0.0, day="01DAY", title="a day", file=str(folder / "day.yaml"), env="", description="", by="root", host="h",
        started="2026-11-20T11:00:00.000Z", version="0", roles=ROLES, agenda=agenda, committed=(), attended=True)])


def begun(*agenda: ev.Planned) -> Day:
    """A day that has come to its first item."""
    return day(*agenda).after([ev.ItemBegan(t=1.0, item=0)])


def ran(number: int, run: str, verdict: str = "passed", exit_code: int = 0, *, t: float = 10.0,
        restored: str = "restored") -> list[ev.DayEvent]:
    """A run from its begin to its end."""
    return [ev.RunBegan(t=t, item=number, run=run, by="root"),
            ev.RunOver(t=t + 5, item=number, run=run, verdict=verdict, restored=restored, exit=exit_code)]


def says(at: Day, line: str, t: float = 100.0) -> Day:
    """The day after somebody typed that."""
    found = heard(at, word(line, ROLES), "root", t)
    assert not isinstance(found, Refusal), found
    return at.after(found)


def refusal(at: Day, line: str) -> str:
    """Why that means nothing now."""
    found = heard(at, word(line, ROLES), "root", 100.0)
    assert isinstance(found, Refusal)
    return found.text


def step(at: Day) -> str:
    """What comes next, in a word and its fields."""
    return str(next_step(at))
