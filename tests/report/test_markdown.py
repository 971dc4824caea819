import re

import pytest

from chaos_runner.report.markdown import escaped, text
from chaos_runner.report.text import visible
from tests.report import stories
from tests.report.payloads import PAYLOADS


def test_the_short_report_has_verdict_sentence_restored_table_and_reasons() -> None:
    written = text(*stories.deviated())
    assert written.startswith("# ❌ Deviated: Checkout survives")
    assert "✅ Restored: 1 of 1 undo read back and verified" in written
    assert "| ❌ p99 latency of checkout | below 400 ms | ✅ held 240 ms | ❌ deviated 614 ms" in written
    assert "- V201 p99 latency" in written


def test_a_run_that_is_not_restored_carries_its_commands() -> None:
    assert "```sh\nchaos-runner recover 01JD8ZK3T2QH5R7\n```" in text(*stories.not_restored())


def test_hostile_text_is_neither_markdown_nor_html_nor_a_link_nor_a_mention() -> None:
    assert escaped("<img>\n| [x](http://evil) @team `a` www.evil.com") == (
        "&lt;img&gt; \\| \\[x\\](http:\\//evil) &#64;\u2060team \\`a\\` www\\.evil.com")


def test_a_command_cannot_close_its_own_block() -> None:
    written = text(*stories.hostile("```\n# owned\n```\n\x1b[2J"))
    assert "\n````sh\n```\n# owned\n```\n␛[2J\n````" in written


def test_every_kind_of_run_can_be_told() -> None:
    for told in stories.TOLD.values():
        assert text(*told()).startswith("# ")


CELL = re.compile(r"(?<!\\)(?:\\\\)*[|]")
"""What ends a cell: no backslash stands before it, or an even number of them."""


def structure(written: str) -> list[str]:
    """What makes headings, rules, tables and blocks of the lines, and how many cells a row has."""
    found: list[str] = []
    fence = ""
    for line in written.split("\n"):
        ticks = line[:len(line) - len(line.lstrip("`"))]
        if len(ticks) >= 3 and (not fence or line == fence):
            fence = "" if fence else ticks
            found.append("fence")
        elif not fence and line.startswith(("#", "|", "-", ">", "+", "*", "<", "    ", "1")):
            found.append(f"{line[:3] if line[0] == '#' else line[0]} {len(CELL.findall(line))}")
    return found


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_hostile_text_changes_nothing_of_the_structure(payload: str) -> None:
    if payload.strip():  # an empty text has nothing to be written, and leaves its place out
        assert structure(text(*stories.hostile(payload))) == structure(text(*stories.hostile("quiet")))


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=list(PAYLOADS))
def test_hostile_text_is_seen_as_it_is_and_in_reasonable_room(payload: str) -> None:
    written = text(*stories.hostile(payload))
    ours = written.replace("\u2060", "")  # behind every @, so that nobody is mentioned
    assert ours == visible(ours)
    assert len(written) < 200_000
    assert "<script" not in re.sub(r"`{3,}sh\n.*?\n`{3,}", "", written, flags=re.DOTALL)
