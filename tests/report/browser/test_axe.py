import pytest

from chaos_runner.report.page import html
from tests import turns
from tests.report import stories
from tests.report.browser.looking import DESK, PHONE, Looking

pytestmark = [pytest.mark.slow, turns.BROWSER]
UNFOLD = "document.querySelectorAll('details').forEach(one => { one.open = true; })"


@pytest.mark.parametrize("name", ["passed", "deviated", "not-restored", "not-started", "aborted", "cut-off"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_axe_finds_nothing(looking: Looking, name: str, dark: bool, size: tuple[int, int]) -> None:  # noqa: FBT001
    with looking.at(html(*stories.TOLD[name]()), size, dark=dark) as seen:
        seen.page.evaluate(UNFOLD)
        assert seen.flaws() == ""
