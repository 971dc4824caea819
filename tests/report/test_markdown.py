from chaos_runner.report.markdown import escaped, text
from tests.report import stories


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
