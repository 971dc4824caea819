"""What the page says is what is read, sent and told."""

import re
from pathlib import Path

import msgspec
import pytest

from chaos_runner.experiment.arguments import names
from chaos_runner.experiment.notifying import CHANNEL_KEYS
from chaos_runner.experiment.project import read_project
from chaos_runner.notify.channel import way, way_names
from chaos_runner.notify.notice import CHOICES, Notice
from chaos_runner.notify.ways.webhook import body
from tests.docs.pages import blocks, inline
from tests.notify.notices import NOTICE

KEYS = sorted({*CHANNEL_KEYS, *CHOICES, *(key for name in way_names() for key in names(way(name).settings))})


def test_the_channels_on_the_page_are_some(tmp_path: Path) -> None:
    [shown] = blocks("yaml", pages=("notifications",))
    (tmp_path / "chaos.yaml").write_text(shown.text)
    project = read_project(tmp_path / "chaos.yaml")
    assert [channel.way for channel in (*project.notify, *project.environments["live"].notify)] == [
        "slack", "webhook", "slack"]


@pytest.mark.parametrize("key", KEYS)
def test_every_key_and_every_event_is_named(key: str) -> None:
    assert any(re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", code) for code in inline("notifications"))


def test_the_body_on_the_page_is_one() -> None:
    [shown] = blocks("json", pages=("notifications",))
    told = msgspec.json.decode(shown.text)
    notice = msgspec.convert({key: value for key, value in told.items() if key not in ("version", "report")}, Notice)
    assert msgspec.json.decode(body(notice, "https://chaos.example.org/reports")) == told
    assert list(msgspec.json.decode(body(NOTICE))) == list(told)
