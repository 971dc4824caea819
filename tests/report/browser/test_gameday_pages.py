"""A game day's page in a real browser."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests import turns
from tests.gameday.stories import long, page, played
from tests.report.browser.looking import DESK, PHONE, Looking
from tests.report.browser.payloads import PAYLOADS

pytestmark = [pytest.mark.slow, turns.BROWSER]
UNFOLD = "document.querySelectorAll('details').forEach(one => { one.open = true; })"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_it_fits_its_window_and_axe_finds_nothing(
    looking: Looking, tmp_path: Path, dark: bool, size: tuple[int, int],  # noqa: FBT001
) -> None:
    with looking.at(page(played(tmp_path), tmp_path), size, dark=dark) as seen:
        seen.page.evaluate(UNFOLD)
        looking.keep(seen, f"gameday-{size[0]}-{'dark' if dark else 'light'}")
        assert seen.width == size[0]
        assert seen.misdeeds == []
        found = Axe().run(seen.page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("number", range(0, len(PAYLOADS), 6))
def test_nothing_that_is_said_runs_or_breaks_the_layout(looking: Looking, tmp_path: Path, number: int) -> None:
    with looking.at(page(played(tmp_path, PAYLOADS[number]), tmp_path), PHONE) as seen:
        seen.page.evaluate(UNFOLD)
        assert seen.page.evaluate("window.pwned") is None
        assert seen.misdeeds == []
        assert seen.width == PHONE[0]


def test_a_long_day_fits_too(looking: Looking, tmp_path: Path) -> None:
    with looking.at(page(long(tmp_path), tmp_path), PHONE) as seen:
        assert seen.width == PHONE[0]
