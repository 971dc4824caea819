"""A journal so long that a copy of the process checks its hashes."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from chaos_runner.journal.record import Chain, encode
from tests.cli.runner import chaos_runner
from tests.report.stories import long

Lines = Sequence[bytes]


@pytest.fixture(scope="module")
def lines() -> Lines:
    _, records = long(steps=10, probes=10, seconds=900)
    chain = Chain()
    return [encode(record.n, record.at, record.event, chain) for record in records]


def reported(lines: Lines, reports: Path) -> tuple[int, str]:
    """What `report` ends with, and says."""
    journal = reports / "runs" / "01LONG" / "journal.ndjson"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"\n".join([*lines, b""]))
    assert journal.stat().st_size > 1_000_000
    ran = chaos_runner("report", "01LONG", "--format", "html", "--reports", str(reports))
    return ran.exit, ran.err


def test_it_is_told_of(lines: Lines, tmp_path: Path) -> None:
    assert reported(lines, tmp_path) == (0, "")


def test_one_that_was_changed_is_refused_with_its_line(lines: Lines, tmp_path: Path) -> None:
    at = len(lines) // 2
    assert b'"good":true' in lines[at]
    changed = [*lines[:at], lines[at].replace(b'"good":true', b'"good":null'), *lines[at + 1:]]
    code, says = reported(changed, tmp_path)
    assert (code, "the chain of hashes is broken" in says) == (2, True)


def test_one_with_a_line_that_is_no_record_is_refused_with_its_line(lines: Lines, tmp_path: Path) -> None:
    code, says = reported([*lines[:-3], b"{", *lines[-3:]], tmp_path)
    assert (code, f"{len(lines) - 2}: " in says) == (2, True), says
