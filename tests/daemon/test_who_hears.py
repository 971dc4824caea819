"""Who is told of what."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from sqlalchemy import select

from chaos_runner.daemon.book import Planned
from chaos_runner.daemon.telling import Telling
from chaos_runner.ledger.ledger import open_ledger
from chaos_runner.ledger.tables import OUTBOX
from chaos_runner.notify.channel import Channel
from chaos_runner.notify.notice import USUAL, Kind
from tests.notify.notices import hook, notice
from tests.schedule.samples import scheduled


def channel(owner: str, url: str, *kinds: Kind) -> Channel:
    made = hook(url, f"{owner}/webhook")
    return Channel(key=made.key, way=made.way, settings=made.settings, kinds=frozenset(kinds) or USUAL)


def planned(name: str, env: str = "", channels: Sequence[Channel] = ()) -> Planned:
    schedule = structs.replace(scheduled("every: 1h"), name=name, env=env)
    return Planned(schedule=schedule, notify=tuple(channels))


PROJECT, STAGING = channel("project", "http://a"), channel("env staging", "http://b")
OWN = channel("schedule weekly", "http://c", Kind.STARTED)


def telling(folder: Path) -> Telling:
    made = Telling(open_ledger(f"sqlite:///{folder / 'l.db'}"))
    made.learn([planned("weekly", "staging", [PROJECT, STAGING, OWN]), planned("daily", "", [PROJECT])])
    return made


def heard(made: Telling, kind: Kind, **more: str) -> list[str]:
    return [one.key.partition("/")[0] for one in made.who_hears(notice(1, kind=kind, **more))]


def test_each_channel_hears_what_it_asked_for(tmp_path: Path) -> None:
    made = telling(tmp_path)
    assert heard(made, Kind.MISSED, schedule="weekly") == ["project", "env staging"]
    assert heard(made, Kind.STARTED, schedule="weekly") == ["schedule weekly"]
    assert heard(made, Kind.MISSED, schedule="daily") == ["project"]
    assert heard(made, Kind.SKIPPED, schedule="daily") == []


def test_a_schedule_that_is_gone_is_told_of_as_before(tmp_path: Path) -> None:
    made = telling(tmp_path)
    made.learn([planned("daily", "", [PROJECT])])
    assert heard(made, Kind.ENDED, schedule="weekly") == ["project", "env staging"]
    assert set(made.channels) == {PROJECT.key, STAGING.key, OWN.key}


def test_of_a_schedule_that_nobody_knows_its_environment_is_told(tmp_path: Path) -> None:
    made = telling(tmp_path)
    assert heard(made, Kind.RECOVERED, schedule="strange", environment="staging") == ["project", "env staging"]
    assert heard(made, Kind.STARTED, schedule="strange", environment="staging") == []


def test_a_receiver_that_stands_in_two_places_is_told_once(tmp_path: Path) -> None:
    made = telling(tmp_path)
    twice = channel("schedule both", "http://a", Kind.ENDED, Kind.STARTED)
    made.learn([planned("both", "", [PROJECT, twice])])
    assert heard(made, Kind.ENDED, schedule="both") == ["project"]
    assert heard(made, Kind.STARTED, schedule="both") == ["schedule both"]


def test_what_looks_like_a_secret_or_cannot_be_written_is_not(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'l.db'}")
    made = Telling(ledger)
    made.learn([planned("weekly", "", [PROJECT])])
    hostile = "at https://hooks.slack.com/services/T0/B0/s3cr3t \ud800 \0 postgres://u:s3cr3t@db"
    with ledger.transaction() as connection:
        made.tell(connection, [notice(1, sentence=hostile)])
        body = connection.execute(select(OUTBOX.c.body)).scalar() or ""
    assert "s3cr3t" not in body
    assert msgspec.json.decode(body)["sentence"] == "at [redacted] \\ud800 \0 postgres://[redacted]@db"
    ledger.close()


def test_letters_stand_in_the_outbox_if_the_transaction_does(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'l.db'}")
    made = Telling(ledger)
    made.learn([planned("weekly", "", [PROJECT, STAGING])])
    wanted = [notice(1, kind=Kind.MISSED), notice(2, kind=Kind.STARTED)]
    with pytest.raises(RuntimeError), ledger.transaction() as connection:  # noqa: PT012 -- both, or nothing
        made.tell(connection, wanted)
        raise RuntimeError
    with ledger.transaction() as connection:
        assert connection.execute(select(OUTBOX.c.notice)).all() == []
        made.tell(connection, wanted)
        made.tell(connection, [])
    with ledger.transaction() as connection:
        rows = connection.execute(select(OUTBOX.c.notice, OUTBOX.c.channel).order_by(OUTBOX.c.channel)).all()
    assert [tuple(row) for row in rows] == [("weekly/1", STAGING.key), ("weekly/1", PROJECT.key)]
    ledger.close()
