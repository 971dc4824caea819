"""What the page and the examples say is what is read."""

import re

import pytest

from chaos_runner.gameday import reading
from chaos_runner.gameday.loading import load
from chaos_runner.gameday.words import Note, Unclear, word
from tests.docs.pages import ROOT, blocks, inline, rows
from tests.gameday.samples import read

EXAMPLES = sorted(str(file) for file in (ROOT / "gamedays").glob("*.yaml"))


def test_the_game_day_on_the_page_is_one() -> None:
    [shown] = blocks("yaml", pages=("gamedays",))
    found, findings = read(shown.text)
    assert found
    assert findings == []


KEYS = {*reading.DAY_KEYS, *(key for keys in reading.ITEM_KEYS.values() for key in keys)}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_is_named(key: str) -> None:
    assert any(re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", code) for code in inline("gamedays"))


def test_every_command_on_the_page_means_something() -> None:
    typed = [line for row in rows("gamedays") if len(row) == 2 and row[1] and row[0] not in ("typed", "key", "file")
             for line in re.findall(r"`([^`]+)`", row[0]) if ":" in line or line in ("next", "go", "retry", "help")]
    assert len(typed) >= 10
    for line in typed:
        found = word(line, {"on call": "Ben"})
        assert not isinstance(found, Unclear)
        assert not isinstance(found, Note) or found.action or found.by


@pytest.mark.parametrize("file", EXAMPLES)
def test_the_examples_are_valid(file: str) -> None:
    loaded = load(file)
    assert loaded.day
    assert loaded.findings == ()
