"""What the page adds where scripts run, and what paper has of it."""

import re
import subprocess
from pathlib import Path

import pytest

from chaos_runner.report.page import html
from tests import turns
from tests.report import stories
from tests.report.browser.conftest import CHROMIUM
from tests.report.browser.looking import Looking

pytestmark = [pytest.mark.slow, turns.BROWSER]
SHOWN = "[...document.querySelectorAll('.log tbody tr')].filter(row => !row.hidden).length"


def test_a_range_drawn_over_the_picture_leaves_only_its_events_in_the_log(looking: Looking) -> None:
    with looking.at(html(*stories.deviated())) as seen:
        all_rows = seen.page.evaluate(SHOWN)
        box = seen.page.locator(".chart").first.bounding_box()
        assert box is not None
        seen.page.mouse.move(box["x"] + box["width"] * 0.30, box["y"] + 20)
        seen.page.mouse.down()
        seen.page.mouse.move(box["x"] + box["width"] * 0.50, box["y"] + 20, steps=3)
        seen.page.mouse.up()
        assert 0 < seen.page.evaluate(SHOWN) < all_rows
        assert seen.page.locator("#log").get_attribute("open") is not None
        looking.keep(seen, "deviated-range")
        seen.page.get_by_role("button", name="all", exact=True).click()
        assert seen.page.evaluate(SHOWN) == all_rows
        assert seen.misdeeds == []


def test_a_range_can_be_typed(looking: Looking) -> None:
    with looking.at(html(*stories.deviated())) as seen:
        all_rows = seen.page.evaluate(SHOWN)
        seen.page.locator("#log > summary").click()
        seen.page.get_by_label("from").fill("60")
        seen.page.get_by_label("to", exact=True).fill("70")
        seen.page.get_by_label("to", exact=True).press("Tab")
        assert 0 < seen.page.evaluate(SHOWN) < all_rows


@pytest.mark.parametrize("moment", ["80.4", "2026-11-20T11:03:30.523Z"])
def test_a_link_to_a_moment_opens_the_log_there_and_marks_it_in_the_picture(looking: Looking, moment: str) -> None:
    with looking.at(html(*stories.deviated())) as seen:
        seen.page.evaluate("moment => { location.hash = `t=${moment}`; }", moment)
        near = seen.page.locator(".log tr.near")
        near.wait_for(state="visible")
        assert "checkout-7d9f-x2k" in near.inner_text()
        assert seen.page.locator(".chart .chosen").count() >= 1


def test_links_to_a_moment_and_to_a_probe_work_without_scripts(looking: Looking) -> None:
    with looking.at(html(*stories.deviated()), scripts=False) as seen:
        assert seen.page.locator("[id='t=80.4']").count() == 1
        assert seen.page.locator("#probe-p99-latency-of-checkout").is_visible()


def test_the_run_is_copied_as_markdown(looking: Looking) -> None:
    with looking.at(html(*stories.deviated())) as seen:
        seen.page.locator("#ticket > summary").click()
        seen.page.get_by_role("button", name="Copy as Markdown").click()
        seen.page.get_by_text("copied", exact=True).wait_for()
        assert seen.misdeeds == []


def test_the_raw_data_is_saved_without_scripts(looking: Looking, tmp_path: Path) -> None:
    with looking.at(html(*stories.deviated()), scripts=False) as seen:
        seen.page.locator("#raw > summary").click()
        with seen.page.expect_download() as saved:
            seen.page.locator("a[download$='samples.csv']").click()
        saved.value.save_as(tmp_path / "samples.csv")
    lines = (tmp_path / "samples.csv").read_text().splitlines()
    assert lines[0] == "t_s,probe,phase,value,good"
    assert len(lines) == 541


def test_what_is_folded_is_on_paper(tmp_path: Path, looking: Looking) -> None:
    with looking.at(html(*stories.deviated()), scripts=False) as seen:
        seen.page.emulate_media(media="print")
        for part in ("#steps table", "#log tbody tr", "#source pre", "#markdown", "#measured table"):
            assert seen.page.locator(part).first.bounding_box() is not None, part
        words = seen.page.pdf(path=tmp_path / "report.pdf", print_background=True)
    assert len(words) > 20_000
    assert len(re.findall(rb"/Type\s*/Page\b", words)) >= 3


def test_the_browser_alone_prints_it_too(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium (tests/install installs Debian's)")
    page = tmp_path / "report.html"
    page.write_text(html(*stories.passed()))
    subprocess.run([CHROMIUM, "--headless", "--no-sandbox", f"--print-to-pdf={tmp_path / 'report.pdf'}", page.as_uri()],
                   check=True, capture_output=True, timeout=60)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
