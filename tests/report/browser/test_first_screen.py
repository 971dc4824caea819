"""The page in a real browser: what is seen without scrolling, at each width and in each mode."""

import pytest

from chaos_runner.report.last import Last, LastProbe
from chaos_runner.report.page import html
from chaos_runner.run.events import Phase
from tests import turns
from tests.report import stories
from tests.report.browser.looking import DESK, PHONE, TABLET, Looking

pytestmark = [pytest.mark.slow, turns.BROWSER]
BEFORE = Last(
    run="01JC4MAA2T9QH5R7", title="", file="", verdict="passed", restored="restored",
    started="2026-11-13T11:02:10.000Z",
    time_to_recover_s=12.0, probes=[
        LastProbe(name=stories.P99.name, phase=Phase.DURING, worst=0.355, unit="s", state="held"),
        LastProbe(name=stories.READY.name, phase=Phase.DURING, worst=0.66, unit="share", state="held")])


@pytest.mark.parametrize("name", stories.TOLD)
def test_the_first_screen_is_whole_in_one_window_of_a_desk_and_two_of_a_phone(looking: Looking, name: str) -> None:
    page = html(*stories.TOLD[name](), BEFORE)
    with looking.at(page, DESK) as desk:
        looking.keep(desk, f"{name}-desk")
        assert desk.bottom("#first-screen") <= DESK[1]
        assert desk.misdeeds == []
    with looking.at(page, PHONE) as phone:
        looking.keep(phone, f"{name}-phone")
        assert phone.bottom("#first-screen") <= 2 * PHONE[1]
        assert phone.width == PHONE[0]


@pytest.mark.parametrize("name", ["passed", "deviated", "not-restored", "not-started", "aborted"])
def test_dark_and_forced_colours_and_a_tablet_have_their_pictures(looking: Looking, name: str) -> None:
    page = html(*stories.TOLD[name](), BEFORE)
    for mode, size, dark, forced in (("desk-dark", DESK, True, False), ("phone-dark", PHONE, True, False),
                                     ("tablet", TABLET, False, False), ("tablet-dark", TABLET, True, False),
                                     ("desk-forced", DESK, False, True)):
        with looking.at(page, size, dark=dark, forced=forced) as seen:
            looking.keep(seen, f"{name}-{mode}")
            assert seen.width == size[0]
            assert seen.misdeeds == []


def test_with_scripts_off_every_word_is_there_and_no_button_that_does_nothing(looking: Looking) -> None:
    page = html(*stories.deviated())
    with looking.at(page, scripts=False) as seen:
        assert not seen.page.locator("button:visible").count()
        for word in ("p99 latency of checkout", "Restored", "T+1:00"):
            assert seen.page.get_by_text(word).first.is_visible()
        for summary in seen.page.locator(".folded > section > details > summary").all():
            summary.click()
        assert seen.page.locator("#markdown").is_visible()
        assert seen.page.locator("#log tbody tr").first.is_visible()
        looking.keep(seen, "deviated-unfolded-without-scripts")
