import pytest

from tests.report.samples import journals, page_of


@pytest.mark.parametrize("name", ["deviated", "passed"])
def test_a_sample_is_what_its_journal_makes_of_it(name: str) -> None:
    journal = next(journal for journal in journals() if journal.parent.name == name)
    page = (journal.parent / "report.html").read_text(encoding="utf-8")
    assert page == page_of(journal), "python -m tests.report.samples writes the samples anew"
    assert f">{name.capitalize()}</span>" in page
