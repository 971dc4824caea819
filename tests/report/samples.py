"""The samples in reports/samples: pages made from the journals that are kept beside them.

`python -m tests.report.samples` writes the pages anew; the tests compare.
"""

from collections.abc import Iterator
from pathlib import Path

from chaos_runner.journal.reader import read
from chaos_runner.report.last import last_before
from chaos_runner.report.page import html

SAMPLES = Path(__file__).parent.parent.parent / "reports" / "samples"


def journals() -> Iterator[Path]:
    """The journal of every sample."""
    yield from sorted(SAMPLES.glob("*/journal.ndjson"))


def page_of(journal: Path) -> str:
    """The page that this journal makes."""
    run, records = read(journal)
    return html(run, records, last_before(run, journal.parent))


if __name__ == "__main__":
    for kept in journals():
        (kept.parent / "report.html").write_text(page_of(kept), encoding="utf-8")
