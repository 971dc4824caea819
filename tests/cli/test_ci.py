"""`ci`: many experiments for a build, with one answer, one page and one exit code."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.cli.children import _without_outcome
from chaos_runner.cli.ci import experiments_in
from chaos_runner.errors import UsageError
from chaos_runner.experiment.loading import load_data
from chaos_runner.lab.shop import shop as shops
from chaos_runner.plan.beside import families, may_run_beside
from tests import turns
from tests.cli.runner import COMMAND, Ran, chaos_runner
from tests.report.ant_schema import complaints, suites
from tests.report.github_runner import understood
from tests.run.samples import action, experiment, single, wait

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
NO_PIPELINE = {"GITHUB_ACTIONS": "", "GITLAB_CI": "", "GITHUB_STEP_SUMMARY": "", "GITHUB_WORKSPACE": ""}
WELL = experiment(action(), probes=[single()])
BROKEN = experiment(action(), probes=[{**single(), "tolerance": False}])
UNTIL_STOPPED = experiment(wait(60), probes=[single()])


def written(folder: Path, **experiments: dict[str, Any]) -> Path:
    """A folder with these experiments, each titled as its file."""
    place = folder / "experiments"
    place.mkdir(exist_ok=True)
    for name, data in experiments.items():
        (place / f"{name}.json").write_text(json.dumps({**data, "title": name}))
    return place


def ci(folder: Path, *words: str, **environment: str) -> Ran:
    """`ci` on the experiments in that folder."""
    place, reports = str(folder / "experiments"), str(folder / "reports")
    return chaos_runner("ci", place, "--json", "--reports", reports, *words, **{**NO_PIPELINE, **environment})


# ── which, and which at a time ──────────────────────────────────────────────────────────────────────────────────────

def test_a_folder_stands_for_its_experiments_by_name_and_each_is_run_once(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.json", "notes.md", ".schema.json"):
        (tmp_path / name).touch()
    (tmp_path / "inner.yaml").mkdir()
    found = experiments_in([str(tmp_path / "b.yaml"), str(tmp_path)])
    assert [Path(file).name for file in found] == ["b.yaml", "a.json"]


def test_a_folder_without_experiments_is_no_green_build(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a build without any is not green"):
        experiments_in([str(tmp_path)])
    with pytest.raises(UsageError, match="standard input"):
        experiments_in(["-"])


def hitting(*faults: str) -> Any:
    targets = {"proxy": {"proxy": "db"}, "host": {"name": "x"}}
    arguments = {"proxy.latency": {"latency": "1ms"}}
    steps = [{"name": fault, "fault": fault, "target": targets[fault.partition(".")[0]], "duration": "1s",
              **({"arguments": arguments[fault]} if fault in arguments else {})} for fault in faults]
    loaded = load_data(experiment(*steps, probes=[{"name": "p", "probe": "tcp.connect", "every": "1s", "below": "1s",
                                                   "arguments": {"host": "127.0.0.1", "port": 1}}]))
    assert loaded.experiment, loaded.findings
    return families(loaded.experiment)


def test_faults_of_one_family_and_actions_that_nobody_knows_never_act_at_once() -> None:
    assert may_run_beside(hitting("proxy.latency"), hitting("host.process_pause"))
    assert not may_run_beside(hitting("proxy.latency", "host.process_pause"), hitting("proxy.cut"))
    well = load_data(WELL).experiment
    assert well
    unknown = families(well)
    assert unknown is None
    assert not may_run_beside(unknown, hitting("proxy.cut"))


# ── whole builds ────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.slow
def test_the_exit_code_is_the_worst_and_one_page_leads_to_every_run(tmp_path: Path) -> None:
    written(tmp_path, a=BROKEN, b=WELL)
    done = ci(tmp_path, "--output", f"junit={tmp_path}/j.xml,md={tmp_path}/s.md,gitlab={tmp_path}/g.json,github",
              GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    assert (done.exit, done.outcome["exit"], done.outcome["verdict"]) == (3, 3, "not-started")
    assert [run["title"] for run in done.outcome["runs"]] == ["a", "b"]
    page = (tmp_path / "reports" / "ci.html").read_text()
    links = re.findall(r'href="(runs/[^"]+)"', page)
    assert len(links) == 2
    assert all((tmp_path / "reports" / link).is_file() for link in links)
    assert json.loads((tmp_path / "reports" / "ci.json").read_text()) == done.outcome
    assert complaints((tmp_path / "j.xml").read_text()) == []
    assert [suite.attrib["name"] for suite in suites((tmp_path / "j.xml").read_text())] == ["a", "b"]
    assert (tmp_path / "summary.md").read_text().count("\n---\n") == 1
    assert [found.name for line in done.err.splitlines() if (found := understood(line))] == ["error"]


@pytest.mark.slow
def test_nothing_is_run_while_one_file_is_not_valid_and_every_complaint_is_told(tmp_path: Path) -> None:
    written(tmp_path, a=WELL, b={"titel": "x"}, c={"method": 3})
    done = ci(tmp_path, "--output", f"junit={tmp_path}/j.xml")
    assert done.exit == 2
    assert not (tmp_path / "reports" / "runs").exists()
    [suite] = suites((tmp_path / "j.xml").read_text())
    assert {"b.json", "c.json"} <= set(re.findall(r"[bc]\.json", "".join(suite.itertext())))


@pytest.mark.parametrize("code", [0, 1])
def test_who_leaves_no_outcome_has_not_passed_and_has_found_no_weakness(code: int) -> None:
    assert _without_outcome("a.yaml", code) == {"file": "a.yaml", "verdict": "error", "exit": 70}


@pytest.mark.slow
def test_a_missing_outcome_is_an_error_of_its_own(tmp_path: Path) -> None:
    unset = {**WELL, "configuration": {"where": {"type": "env", "key": "NOBODY_SETS_THIS"}}}
    written(tmp_path, a=unset, b=WELL)
    done = ci(tmp_path, "--output", f"junit={tmp_path}/j.xml")
    assert [run["verdict"] for run in done.outcome["runs"]] == ["error", "passed"]
    assert (done.exit, done.outcome["verdict"]) == (done.outcome["runs"][0]["exit"], "error")
    assert "it left no outcome" in (tmp_path / "reports" / "ci.html").read_text()
    assert suites((tmp_path / "j.xml").read_text())[0].attrib["errors"] == "1"


@pytest.mark.slow
def test_a_signal_stops_whoever_runs_and_the_rest_is_never_begun(tmp_path: Path) -> None:
    place = written(tmp_path, a=UNTIL_STOPPED, b=WELL)
    process = subprocess.Popen([*COMMAND, "ci", str(place), "--json", "--reports", str(tmp_path / "reports")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "reports" / "latest" / "journal.ndjson"
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s and not (journal.exists() and '"StepBegan"' in journal.read_text()):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 143
    assert [(run["verdict"], "run" in run) for run in json.loads(out)["runs"]] == [
        ("interrupted", True), ("not-started", False)]


@pytest.mark.slow
def test_what_may_not_run_at_once_waits_and_that_is_said(tmp_path: Path) -> None:
    written(tmp_path, a=WELL, b=WELL)
    done = ci(tmp_path, "--jobs", "2")
    assert done.exit == 0
    assert "a.json runs alone: it has actions of Chaos Toolkit" in done.err
    first, second = done.outcome["runs"]
    assert first["ended"] <= second["started"]


@pytest.mark.slow
def test_what_hits_different_families_runs_at_the_same_time(tmp_path: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    probe = {"name": "it runs", "probe": "process.running", "arguments": {"pid": sleeper.pid}, "equals": True,
             "every": "200ms"}
    paused = {"name": "pause", "fault": "host.process_pause", "target": {"pid": sleeper.pid}, "duration": "1s"}
    only_looks = {"name": "look", "type": "probe", **{key: probe[key] for key in ("probe", "arguments", "equals")},
                  "pauses": {"after": 1}}
    try:
        written(tmp_path, a=experiment(paused, probes=[probe], baseline="1s"),
                b=experiment(only_looks, probes=[probe], baseline="1s"))
        done = ci(tmp_path, "--jobs", "2")
    finally:
        sleeper.kill()
        sleeper.wait()
    first, second = done.outcome["runs"]
    assert second["started"] < first["ended"], done.err
    assert done.err.count("has ended ──") == 2


# ── a baseline ──────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.slow
def test_what_got_worse_is_told_and_fails_only_when_asked(tmp_path: Path) -> None:
    written(tmp_path, a=WELL, b=BROKEN)
    assert ci(tmp_path).exit == 3
    release = tmp_path / "release.json"
    (tmp_path / "reports" / "ci.json").rename(release)
    written(tmp_path, b=WELL, c=WELL)
    (tmp_path / "experiments" / "a.json").unlink()
    better = ci(tmp_path, "--baseline", str(release), "--fail-on-worse")
    assert better.exit == 0
    assert better.outcome["baseline"]["changed"][0]["better"][0] == "verdict: not-started → passed"
    assert [Path(file).name for file in better.outcome["baseline"]["new"]] == ["c.json"]
    assert [Path(file).name for file in better.outcome["baseline"]["gone"]] == ["a.json"]
    newer = tmp_path / "newer.json"
    (tmp_path / "reports" / "ci.json").rename(newer)
    written(tmp_path, b=BROKEN)
    worse = ci(tmp_path, "--baseline", str(newer), "--fail-on-worse", "--output", f"junit={tmp_path}/j.xml")
    assert worse.exit == 3
    assert "verdict: passed → not-started" in worse.err
    failed = [suite for suite in suites((tmp_path / "j.xml").read_text()) if suite.attrib["failures"] != "0"]
    assert "newer.json" in failed[-1].attrib["name"]
    assert "verdict: passed → not-started" in (tmp_path / "reports" / "ci.html").read_text()


@pytest.mark.slow
def test_a_build_whose_experiments_all_pass_fails_for_what_got_worse(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        probe = {"name": "it answers", "probe": "tcp.connect", "below": "1s", "every": "100ms",
                 "arguments": {"host": "127.0.0.1", "port": server.getsockname()[1]}}
        written(tmp_path, a=experiment(action(), probes=[probe], baseline="300ms"))
        assert ci(tmp_path).exit == 0
        release = json.loads((tmp_path / "reports" / "ci.json").read_text())
        for told in release["runs"][0]["probes"]:  # as if it had answered before it was asked
            told["worst"], told["margin"] = -0.5, 1.5
        (tmp_path / "release.json").write_text(json.dumps(release))
        told_only = ci(tmp_path, "--baseline", str(tmp_path / "release.json"))
        failed = ci(tmp_path, "--baseline", str(tmp_path / "release.json"), "--fail-on-worse")
    assert (told_only.exit, told_only.outcome["verdict"]) == (0, "passed"), told_only.err
    assert (failed.exit, failed.outcome["exit"], failed.outcome["verdict"]) == (1, 1, "passed"), failed.err
    assert "it answers, before, worst value" in failed.outcome["baseline"]["changed"][0]["worse"][0]
    assert "worse</h2>" in (tmp_path / "reports" / "ci.html").read_text().replace("</span></h2>", "</h2>")


@pytest.mark.slow
def test_a_run_of_this_machine_and_the_last_build_s_own_summary_are_baselines_too(tmp_path: Path) -> None:
    written(tmp_path, a=WELL)
    assert ci(tmp_path).exit == 0
    for named in ("latest", str(tmp_path / "reports" / "ci.json")):
        done = ci(tmp_path, "--baseline", named, "--fail-on-worse")
        assert (done.exit, done.outcome["baseline"]["changed"]) == (0, []), done.err
        assert "nothing is worse than in" in done.err
    assert ci(tmp_path, "--baseline", "01ZZZ").exit == 2
    assert ci(tmp_path, "--fail-on-worse").exit == 2


@pytest.mark.parametrize(("text", "said"), [
    ("[]", "neither an outcome.json nor a summary"), ("{", "the baseline"), ('{"runs": []}', "no run in it"),
    ('{"runs": [{"run": 1}]}', "damaged"), ('{"runs": [{"file": "x", "verdict": "error", "exit": 2}]}', "no run in")])
def test_a_baseline_that_is_none_is_refused_before_anything_is_run(tmp_path: Path, text: str, said: str) -> None:
    written(tmp_path, a=WELL)
    (tmp_path / "base.json").write_text(text)
    done = ci(tmp_path, "--baseline", str(tmp_path / "base.json"))
    assert (done.exit, said in done.err) == (2, True), done.err
    assert not (tmp_path / "reports" / "runs").exists()


# ── the shop ────────────────────────────────────────────────────────────────────────────────────────────────────────

@contextmanager
def fixed_front(shop: shops.Shop) -> Iterator[str]:
    """A release of the front end that asks the other orders service when one does not answer soon."""
    orders = [f"--orders={address.removeprefix('http://')}" for address in shop.orders.values()]
    front = subprocess.Popen([sys.executable, "-m", "chaos_runner.lab.shop.front", *orders, "--ask-next-after", "0.1"],
                             stdout=subprocess.PIPE, text=True)
    assert front.stdout
    try:
        yield front.stdout.readline().split()[-1].rstrip("/")
    finally:
        front.kill()
        front.communicate()


@pytest.mark.slow
@turns.SHOP
def test_a_weakness_fails_the_build_and_its_fix_passes_it(tmp_path: Path) -> None:
    def build(url: str, name: str, *words: str) -> Ran:
        return chaos_runner("ci", *files, "--json", "--reports", str(tmp_path / name), "--var", f"shop_url={url}",
                            "--var", f"toxiproxy_url={shop.proxy_api}", *words, **NO_PIPELINE)

    files = [str(EXPERIMENTS / name) for name in ("02-one-orders-service-hangs.yaml",)]
    with shops.running(tmp_path / "shop") as shop, fixed_front(shop) as fixed:
        weak = build(shop.url, "weak")
        strong = build(fixed, "strong", "--baseline", str(tmp_path / "weak" / "ci.json"))
        again = build(shop.url, "again", "--baseline", str(tmp_path / "strong" / "ci.json"), "--fail-on-worse")
    assert (weak.exit, weak.outcome["verdict"]) == (1, "deviated"), weak.err
    assert (strong.exit, strong.outcome["verdict"]) == (0, "passed"), strong.err
    assert "verdict: deviated → passed" in strong.outcome["baseline"]["changed"][0]["better"]
    assert again.exit == 1
    assert "verdict: passed → deviated" in again.outcome["baseline"]["changed"][0]["worse"]
