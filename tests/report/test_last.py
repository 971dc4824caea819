import json
from pathlib import Path
from typing import Any

from msgspec import structs

from chaos_runner.report.last import LOOKED_AT_MOST, Last, LastProbe, last_before
from chaos_runner.report.page import html
from chaos_runner.run.events import Phase
from chaos_runner.run.outcome import outcome
from tests.report import stories

RUN, RECORDS = stories.deviated()


def put(runs: Path, name: str, **changes: Any) -> None:
    """An outcome in a folder of that name."""
    from msgspec import to_builtins

    folder = runs / name
    folder.mkdir(parents=True)
    found = {**to_builtins(outcome(stories.passed()[0])), "run": name, **changes}
    (folder / "outcome.json").write_text(json.dumps(found))


def test_the_last_run_is_the_newest_older_one_of_the_same_file_and_title(tmp_path: Path) -> None:
    own = tmp_path / "01JD8"
    for name in ("01JA1", "01JB2", "01JE9"):
        put(tmp_path, name)
    put(tmp_path, "01JC3", title="another")
    put(tmp_path, "01JC4", file="another.yaml")
    found = last_before(RUN, own)
    assert found is not None
    assert found.run == "01JB2"


def test_what_is_no_outcome_is_passed_by(tmp_path: Path) -> None:
    put(tmp_path, "01JA1")
    (tmp_path / "01JB2").mkdir()
    (tmp_path / "01JB2" / "outcome.json").write_text("{]")
    (tmp_path / "01JC3").write_text("no folder")
    found = last_before(RUN, tmp_path / "01JD8")
    assert found is not None
    assert found.run == "01JA1"


def test_only_so_many_folders_are_looked_at(tmp_path: Path) -> None:
    put(tmp_path, "01JA")
    for number in range(LOOKED_AT_MOST):
        (tmp_path / f"01JB{number:03d}").mkdir()
    assert last_before(RUN, tmp_path / "01JD8") is None


def test_a_run_alone_has_no_last_run_and_its_page_says_nothing_of_it(tmp_path: Path) -> None:
    assert last_before(RUN, tmp_path / "nowhere" / "01JD8") is None
    assert "Against the last run" not in html(RUN, RECORDS)


def test_the_page_tells_what_is_new_what_moved_and_how_much_longer_it_took() -> None:
    before = Last(run="01JC4M", title="", file="", verdict="passed", restored="restored",
                  started="2026-11-13T11:02:10Z",
                  probes=[LastProbe(name=stories.P99.name, phase=Phase.DURING, worst=0.355, unit="s", state="held")],
                  time_to_recover_s=12.0)
    page = html(RUN, RECORDS, before)
    assert "01JC4M" in page
    assert ">new</b> p99 latency of checkout deviated" in page
    assert "p99 latency of checkout 355 ms → 614 ms" in page
    assert ">faster</b> recovered in 12 s → 0 s" in page


def test_what_moved_less_than_noise_is_no_change() -> None:
    same = structs.replace(Last(
        run="01JC4M", title="", file="", verdict="deviated", restored="restored", started="2026-11-13T11:02:10Z",
        time_to_recover_s=0.2, probes=[
            LastProbe(name=stories.P99.name, phase=Phase.DURING, worst=0.6, unit="s", state="deviated")]))
    page = html(RUN, RECORDS, same)
    assert ">again</b> p99 latency of checkout deviated" in page
    assert "→ 614" not in page
    assert "recovered in 200 ms" not in page
