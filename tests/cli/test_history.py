"""`history`, `show`, `diff`, `trend`, `postmortem`, `export`, `verify` and the pages, as a user meets them."""

import json
from pathlib import Path

import pytest

from chaos_runner.recovery.phase import keep_from_starting
from tests.cli.runner import Ran, chaos_runner
from tests.history.folders import change, run_id, written
from tests.run.samples import action, experiment, single

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    for number, story in enumerate(("passed", "deviated", "not-restored")):
        written(folder, number, story)
    (folder / "latest").symlink_to(Path("runs") / run_id(1))
    return folder


def ask(reports: Path, *words: str, **environment: str) -> Ran:
    return chaos_runner(*words, text=None, CHAOS_RUNNER_REPORTS=str(reports), **environment)


def test_history_lists_the_runs_and_gives_rows_as_json(reports: Path) -> None:
    assert [line.split()[1] for line in ask(reports, "history").out.splitlines()] == ["deviated", "deviated", "passed"]
    rows = json.loads(ask(reports, "history", "--json", "--worst", "--limit", "1").out)["runs"]
    assert [(row["run"], row["restored"]) for row in rows] == [(run_id(2), "not-restored")]


@pytest.mark.parametrize("words", [("--since", "yesterday-ish"), ("--verdict", "fine"), ("--experiment", "nobody"),
                                   ("--limit", "-1")])
def test_what_history_cannot_follow_is_a_usage_error(reports: Path, words: tuple[str, str]) -> None:
    ran = ask(reports, "history", *words)
    assert (ran.exit, "Traceback" in ran.err) == (2, False)


def test_history_takes_dates_and_spans(reports: Path) -> None:
    assert json.loads(ask(reports, "history", "--json", "--since", "2026-11-22").out)["runs"][0]["run"] == run_id(2)
    assert len(json.loads(ask(reports, "history", "--json", "--since", "30000d").out)["runs"]) == 3


def test_history_is_rebuilt_when_asked(reports: Path) -> None:
    (reports / "history.db").unlink()
    ran = ask(reports, "history", "--rebuild")
    assert "3 runs" in ran.err
    assert (reports / "history.db").is_file()


def test_a_rebuild_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    written(tmp_path, 1, complete=False)
    (tmp_path / "history.db").mkdir()
    ran = ask(tmp_path, "history", "--rebuild")
    assert (ran.exit, "cannot be written" in ran.err) == (2, True)


def test_a_run_that_never_began_is_said_to_be_that(tmp_path: Path) -> None:
    assert keep_from_starting(tmp_path / "runs" / run_id(1))
    assert "never began" in ask(tmp_path, "history").err
    for words in (("show",), ("report",), ("recover",), ("verify",)):
        ran = ask(tmp_path, *words, run_id(1))
        assert (ran.exit, "never began" in ran.err) == (2, True), words
    assert ask(tmp_path, "recover", "--all").exit == 0


def test_history_without_any_run_says_so(tmp_path: Path) -> None:
    assert "no run" in ask(tmp_path, "history").out
    assert ask(tmp_path, "history", "--rebuild").exit == 2


def test_show_draws_each_sampled_probe_and_marks_what_was_bad(reports: Path) -> None:
    ran = ask(reports, "show", run_id(1), PYTHONIOENCODING="utf-8")
    assert "|before--" in ran.out
    assert "█" in ran.out
    assert "!!!!" in ran.out


def test_show_draws_in_ascii_where_blocks_cannot_be_written(reports: Path) -> None:
    ran = ask(reports, "history", PYTHONIOENCODING="ascii:replace")
    assert ran.exit == 0
    ran = ask(reports, "show", run_id(1), PYTHONIOENCODING="ascii:replace")
    assert "█" not in ran.out
    assert "####" in ran.out


def test_diff_says_what_changed_in_words_and_as_json(reports: Path) -> None:
    assert "passed → deviated (worse)" in ask(reports, "diff", run_id(0), "latest", PYTHONIOENCODING="utf-8").out
    found = json.loads(ask(reports, "diff", run_id(0), run_id(1), "--json").out)
    assert {"part": "verdict", "name": "verdict", "before": "passed", "after": "deviated", "turn": "worse"} \
        in found["differences"]


def test_trend_shows_the_runs_of_an_experiment(reports: Path) -> None:
    ran = ask(reports, "trend", "07-checkout", PYTHONIOENCODING="utf-8")
    assert "1 of 3 runs passed" in ran.out
    assert "214 ms beyond" in ran.out
    assert len(json.loads(ask(reports, "trend", "Checkout", "--json").out)["runs"]) == 3


def test_a_trend_of_several_experiments_asks_which(reports: Path, tmp_path: Path) -> None:
    written(tmp_path, 1, title="Orders survive one thing")
    written(tmp_path, 2, title="Orders survive another")
    ran = ask(tmp_path, "trend", "orders")
    assert (ran.exit, "Orders survive another" in ran.err) == (2, True)


def test_a_postmortem_has_the_timeline_and_is_never_overwritten(reports: Path, tmp_path: Path) -> None:
    told = ask(reports, "postmortem", run_id(1)).out
    assert "| 11:03:14 | T+1:04.0 | p99 latency of checkout is bad: 495 ms (below 400 ms) |" in told
    assert all(f"\n## {title}\n" in told for title in ("Summary", "Impact", "Timeline", "Action items"))
    file = tmp_path / "postmortem.md"
    assert ask(reports, "postmortem", run_id(1), "--out", str(file)).exit == 0
    assert ask(reports, "postmortem", run_id(1), "--out", str(file)).exit == 2


def test_what_is_exported_is_verified_until_somebody_changes_it(reports: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.tar.gz"
    said = json.loads(ask(reports, "export", run_id(1), "--out", str(file), "--json").out)
    assert ask(reports, "verify", str(file), "--digest", said["digest"]).exit == 0
    assert ask(reports, "verify", str(file), "--digest", "00").exit == 5
    file.write_bytes(file.read_bytes()[:-50])
    assert ask(reports, "verify", str(file)).exit == 2


def test_a_run_that_was_changed_in_its_folder_is_found(tmp_path: Path) -> None:
    folder = written(tmp_path, 1, "deviated")
    assert ask(tmp_path, "verify", run_id(1)).exit == 0
    change(folder / "outcome.json", '"deviated"', '"passed"')
    ran = ask(tmp_path, "verify", run_id(1), "--json")
    assert ran.exit == 5
    assert json.loads(ran.out)["changed"] == ["outcome.json: verdict says passed, the journal deviated"]


def test_pages_are_written_where_they_belong_and_lead_to_the_reports(reports: Path, tmp_path: Path) -> None:
    [page] = json.loads(ask(reports, "report", "--diff", run_id(0), run_id(1), "--json").out)["paths"]
    assert Path(page) == reports / "diffs" / f"{run_id(0)}-{run_id(1)}.html"
    assert f'href="../runs/{run_id(1)}/report.html"' in Path(page).read_text()
    [page] = json.loads(ask(reports, "report", "--trend", "Checkout", "--json", "--out", str(tmp_path)).out)["paths"]
    assert Path(page).parent == tmp_path
    assert f"/runs/{run_id(1)}/report.html" in Path(page).read_text()


def test_a_run_enters_history_and_index_when_it_ends(tmp_path: Path) -> None:
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(experiment(action(), probes=[single()])))
    assert ask(tmp_path / "reports", "run", str(file), "--quiet").exit == 0
    assert (tmp_path / "reports" / "history.db").is_file()
    assert "Passed" in (tmp_path / "reports" / "index.html").read_text()
    [row] = json.loads(ask(tmp_path / "reports", "history", "--json").out)["runs"]
    assert (row["verdict"], row["title"]) == ("passed", "a test")


def test_a_run_ends_well_though_history_and_index_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "experiment.json"
    file.write_text(json.dumps(experiment(action(), probes=[single()])))
    (tmp_path / "reports" / "history.db").mkdir(parents=True)
    (tmp_path / "reports" / "index.html").mkdir()
    ran = ask(tmp_path / "reports", "run", str(file))
    assert ran.exit == 0
    assert "could not be kept up to date" in ran.err
