"""A target that says nasty things gets them shown, and nothing else."""

import pytest

from chaos_runner.report.page import html
from tests import turns
from tests.report import stories
from tests.report.browser.looking import PHONE, Looking
from tests.report.browser.payloads import PAYLOADS

pytestmark = [pytest.mark.slow, turns.BROWSER]
UNFOLD = "document.querySelectorAll('details').forEach(one => { one.open = true; })"


@pytest.mark.parametrize("number", range(len(PAYLOADS)))
def test_no_payload_runs_and_none_breaks_the_layout(looking: Looking, number: int) -> None:
    with looking.at(html(*stories.hostile(PAYLOADS[number])), PHONE) as seen:
        seen.page.evaluate(UNFOLD)
        assert seen.page.evaluate("window.pwned") is None
        assert seen.misdeeds == []
        assert seen.width == PHONE[0]
        assert seen.page.locator("#verdict").is_visible()
        assert seen.page.locator("footer").is_visible()
        if number in (0, 27, 42, 48):
            looking.keep(seen, f"hostile-{number}")
