"""The pages about many runs in a real browser, at each width and in each mode."""

from pathlib import Path

import pytest

from tests import turns
from tests.report.browser.looking import DESK, PHONE, TABLET, Looking
from tests.report.browser.pasts import NAMES, pages

pytestmark = [pytest.mark.slow, turns.BROWSER]
MODES = {"desk": (DESK, False), "desk-dark": (DESK, True), "phone": (PHONE, False), "phone-dark": (PHONE, True)}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return pages(tmp_path_factory.mktemp("reports"))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_about_many_runs_fits_its_window_and_axe_finds_nothing(
    looking: Looking, told: dict[str, str], name: str, mode: str,
) -> None:
    size, dark = MODES[mode]
    with looking.at(told[name], size, dark=dark) as seen:
        looking.keep(seen, f"{name}-{mode}")
        assert seen.width == size[0]
        assert seen.misdeeds == []
        assert seen.flaws() == ""


@pytest.mark.parametrize("name", NAMES)
def test_forced_colours_and_a_tablet_have_their_pictures_too(looking: Looking, told: dict[str, str], name: str) -> None:
    for mode, size, forced in (("tablet", TABLET, False), ("desk-forced", DESK, True)):
        with looking.at(told[name], size, forced=forced) as seen:
            looking.keep(seen, f"{name}-{mode}")
            assert seen.width == size[0]


def test_a_filter_of_the_index_leaves_the_runs_of_its_kind_without_a_script(
    looking: Looking, told: dict[str, str],
) -> None:
    with looking.at(told["index"], scripts=False) as seen:
        seen.page.locator("nav a[href='#deviated']").click()
        rows = seen.page.locator(".runs tbody tr:visible")
        assert rows.count() == 3
        assert all("Deviated" in row.inner_text() for row in rows.all())


@pytest.mark.parametrize("name", NAMES)
def test_a_page_about_many_runs_is_whole_on_paper(
    looking: Looking, told: dict[str, str], name: str, tmp_path: Path,
) -> None:
    with looking.at(told[name], dark=True) as seen:
        words = seen.page.pdf(path=tmp_path / f"{name}.pdf", print_background=True)
        seen.page.emulate_media(media="print")
        assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert words.startswith(b"%PDF")
