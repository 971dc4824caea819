import re
import time
from html.parser import HTMLParser

import pytest

from chaos_runner.experiment.model import Used
from chaos_runner.report.page import FIRST, html
from chaos_runner.report.rendering import script
from tests.report import stories

POISON = "<script>alert('1')</script>\"'><img src=x onerror=alert(1)>\x1b[31mred\x00\u202egnp.exe\ud800{{ 7*7 }}"
VOID = {"meta", "br", "img", "input"}


class Reader(HTMLParser):
    """What a browser would see: every element, in order, and whether all are closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("name", stories.TOLD)
def test_every_run_makes_a_whole_page_with_one_heading_and_its_landmarks(name: str) -> None:
    page = Reader(html(*stories.TOLD[name]()))
    assert page.open == []
    assert [len(page.all(tag)) for tag in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]
    assert page.all("html")[0]["lang"] == "en"
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", stories.TOLD)
def test_every_link_and_symbol_leads_to_something_on_the_page(name: str) -> None:
    page = Reader(html(*stories.TOLD[name]()))
    ids = {f"#{attributes['id']}" for _, attributes in page.elements if "id" in attributes}
    led = {str(attributes["href"]) for tag, attributes in page.elements if tag in ("a", "use")}
    assert {href for href in led if not href.startswith("data:")} <= ids


def test_a_page_needs_no_script_and_no_network() -> None:
    text = html(*stories.deviated())
    page = Reader(text)
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv"))
    assert policy == (f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '{script().hash}'; "
                      "base-uri 'none'; form-action 'none'")
    assert page.all("script") == [{}]
    assert not page.all("link") + page.all("img") + page.all("iframe")
    assert "@import" not in text
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {f"#p-{name}" for name in ("hatch", "cross", "lines", "dots")}


def test_the_first_screen_says_verdict_then_sentence_then_restored() -> None:
    text = Reader(html(*stories.deviated())).text
    order = ("Deviated", "reached 614\u00a0ms", "1 of 1 undo read back", "Customers can pay", "What happened when",
             "started by", "Reasons", "Every number", "Steps", "The way back", "Event log", "Experiment file",
             "Targets and environment", "Raw data", "For a ticket")
    places = [text.index(words) for words in order]
    assert places == sorted(places)


def test_a_passed_run_says_so_and_what_it_could_not_verify() -> None:
    text = Reader(html(*stories.passed())).text
    assert "Passed" in text
    assert "1 rollback reported done, with no way to read it back" in text
    assert "untracked, no known way back: “clear the cache”" in text
    assert "“kill one checkout pod” cannot be undone; healed by the ReplicaSet" in text


def test_a_run_that_is_not_restored_shows_the_commands_that_finish_it() -> None:
    text = Reader(html(*stories.not_restored())).text
    first_screen = text[:text.index("What happened when")]
    assert "Not restored" in first_screen
    assert "chaos-runner recover 01JD8ZK3T2QH5R7" in first_screen
    assert "curl -X DELETE http://127.0.0.1:8474/proxies/orders-db/toxics/slow" in first_screen


def test_a_run_that_was_not_started_has_no_fault_in_it() -> None:
    text = Reader(html(*stories.not_started())).text
    assert "Not started" in text
    assert "nothing was touched" in text
    assert "0 of 1" in text


def test_an_interrupted_run_names_the_signal() -> None:
    text = Reader(html(*stories.interrupted())).text
    assert "Interrupted" in text
    assert "SIGINT stopped the run" in text


def test_a_journal_without_an_end_is_no_verdict_and_asks_for_recovery() -> None:
    text = Reader(html(*stories.cut_off())).text
    assert "Not ended" in text
    assert "Not known to be restored" in text
    assert "chaos-runner recover" in text


def test_an_undo_that_nobody_could_verify_is_called_reported() -> None:
    assert "0 of 1 undo verified; 1 undo reported done" in Reader(html(*stories.reported_only())).text


def test_what_a_target_says_never_becomes_markup() -> None:
    clean = Reader(html(*stories.hostile("harmless")))
    page = Reader(html(*stories.hostile(POISON)))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in clean.elements]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "{{ 7*7 }}" in page.text


def test_control_characters_are_shown_and_never_sent() -> None:
    text = html(*stories.hostile(POISON))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", text)
    assert "␛[31mred␀&lt;U+202E&gt;gnp.exe&lt;U+D800&gt;" in text
    text.encode()


def test_a_reusable_probe_stands_below_the_file_that_uses_it() -> None:
    used = Used(name="fast", file="probes/shop.yaml", text="fast:\n  below: 300ms")
    page = Reader(html(*stories.Story(used=(used,)).ended(1.0)))
    assert "Reusable probe fast, from probes/shop.yaml" in page.text
    assert "fast:\n  below: 300ms" in page.text


def test_a_long_output_is_cut_and_says_where_the_rest_is() -> None:
    text = html(*stories.hostile("x" * 1_000_000))
    assert "more characters: the journal has all of it" in text
    assert len(text) < 100_000


def test_a_spike_of_one_sample_in_an_hour_stays_visible() -> None:
    story = next(section for section in FIRST if section.template == "timeline.html")
    from chaos_runner.report.story import Story

    view = story.view(Story.of(*stories.long(steps=1, probes=1)))
    assert view.first.charts[0].breach.count("M") == 4
    assert view.first.charts[0].envelope


@pytest.mark.slow
def test_a_thousand_steps_and_an_hour_of_samples_are_drawn_in_time_and_in_little_room() -> None:
    run, records = stories.long()
    html(run, records)
    began = time.process_time()
    text = html(run, records)
    assert time.process_time() - began < 1.0  # a third of a second on a quiet machine
    assert text.count('id="step-m') == 1000
    assert "more, in the table of steps" in text
    assert len(text.encode()) < 300 * 1024


@pytest.mark.parametrize("scheme", [0, 1])
def test_every_word_has_enough_contrast_in_light_and_in_dark(scheme: int) -> None:
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", html(*stories.nothing()).split(":root {")[1 + scheme]))
    for tone in ("good", "bad", "warn", "quiet"):
        for under in ("paper", f"{tone}-wash", "raised"):
            assert contrast(colours[tone], colours[under]) >= 4.5, (tone, under)
        for ink in ("ink", "soft", "link"):
            assert contrast(colours[ink], colours[f"{tone}-wash"]) >= 4.5, (ink, tone)


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2, section 1.4.3."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    shares = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
