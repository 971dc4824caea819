"""From a file to what runs: the experiment it names, switching it on, a CronJob, and which runs would meet."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from chaos_runner.clock import FakeClock
from chaos_runner.errors import UsageError
from chaos_runner.experiment.loading import load_data
from chaos_runner.schedule.collisions import Course, On, collisions
from chaos_runner.schedule.cronjob import Place, cronjob
from chaos_runner.schedule.editing import with_enabled
from chaos_runner.schedule.grounds import grounds
from chaos_runner.schedule.loading import check, load, load_all
from chaos_runner.schedule.model import Schedule
from tests.schedule.samples import at, over, scheduled

STEP = {"name": "cut", "fault": "proxy.cut", "target": {"proxy": "orders-db"}, "duration": "30s"}
EXPERIMENT = {"title": "t", "description": "d", "method": [STEP]}
SCHEDULE = "experiment: experiments/a.json\ncron: '0 10 * * *'\ntimezone: Europe/Berlin\n"


def project(folder: Path, schedule: str = SCHEDULE, **more: object) -> str:
    """A folder with an experiment and a schedule. The schedule's file."""
    for name in ("experiments", "schedules"):
        (folder / name).mkdir()
    (folder / "experiments" / "a.json").write_text(json.dumps({**EXPERIMENT, **more}))
    (folder / "schedules" / "weekly.yaml").write_text(schedule)
    return str(folder / "schedules" / "weekly.yaml")


def codes(file: str) -> list[str]:
    return [f"{finding.code} {finding.place.line}:{finding.place.column}" for finding in load(file).findings]


def test_how_long_a_run_may_take_comes_from_the_experiment(tmp_path: Path) -> None:
    found = load(project(tmp_path)).schedule
    assert found
    assert found.longest_s == 30 + 60 + 60 + 30  # the fault, its undo, all undo once more, the recovery
    assert found.experiment.endswith("experiments/a.json")


def test_a_pause_from_the_configuration_counts_as_the_environment_has_it(tmp_path: Path) -> None:
    (tmp_path / "chaos.yaml").write_text("environments: {slow: {configuration: {wait: 100}}}\n")
    waiting = {**STEP, "pauses": {"before": "${wait}"}}
    found = load(project(tmp_path, SCHEDULE + "env: slow\n", method=[waiting], configuration={"wait": 1})).schedule
    assert found
    assert found.longest_s == 280


@pytest.mark.parametrize(("schedule", "wanted"), [
    (SCHEDULE.replace("a.json", "b.json"), ["E408 1:13"]), (SCHEDULE + "env: nowhere\n", ["E408 4:6"])])
def test_an_experiment_or_an_environment_that_is_not_there_is_told_with_its_place(
        tmp_path: Path, schedule: str, wanted: list[str]) -> None:
    assert codes(project(tmp_path, schedule)) == wanted


def test_the_mistakes_of_the_experiment_are_told_in_their_own_file(tmp_path: Path) -> None:
    found = load(project(tmp_path, method=[{"fault": "proxy.cutt"}]))
    assert found.schedule is None
    assert {Path(finding.place.file).name for finding in found.findings} == {"weekly.yaml", "a.json"}


def test_two_files_of_one_name_are_no_schedules(tmp_path: Path) -> None:
    file = Path(project(tmp_path))
    other = file.with_suffix(".yml")
    other.write_text(file.read_text())
    loaded = load_all([str(file), str(other)])
    assert [(one.schedule, [finding.code for finding in one.findings]) for one in loaded] == [(None, ["E409"])] * 2


def test_a_schedule_whose_runs_never_fit_is_found_out(tmp_path: Path) -> None:
    found = load(project(tmp_path, SCHEDULE + "window: 10:00-10:02\n"))
    [finding] = check(found, FakeClock())
    assert finding.code == "E405"
    assert "may take 3 m 00 s, until 10:03, and may run until 10:02 only" in finding.message
    assert check(load(str(Path(found.file))), FakeClock(at("2027-06-01")))


# ── switching ───────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize(("text", "wanted"), [
    ("a: 1 # one\nenabled:   false   # no\nb: [x,\n  y]\n", "a: 1 # one\nenabled:   true   # no\nb: [x,\n  y]\n"),
    ("a: 1\r\nenabled: false\r\nb: 2\r\n", "a: 1\r\nenabled: true\r\nb: 2\r\n"),
    ("\ufeffenabled: no\na: \u2028 1\n", "\ufeffenabled: true\na: \u2028 1\n"),
    ("a: 1\n# the end", "a: 1\n# the end\nenabled: true\n"),
    ("a: 1\r\n", "a: 1\r\nenabled: true\r\n"),
    ("enabled:\na: 1\n", None),
    ("{a: 1}\n", None),
    ("{a: 1, enabled: false}\n", "{a: 1, enabled: true}\n"),
    ('{"a": 1, "enabled": false}', '{"a": 1, "enabled": true}'),
    ("x-off: &off false\nenabled: *off\n", None),
    ("a: 1\n...\n", None),
    ("enabled: true\n", "enabled: true\n")])
def test_switching_changes_one_word_or_nothing(text: str, wanted: str | None) -> None:
    if wanted is None:
        with pytest.raises(UsageError, match="by hand"):
            with_enabled(text.encode(), "a.yaml", enabled=True)
        return
    assert with_enabled(text.encode(), "a.yaml", enabled=True).decode() == wanted


def test_switching_there_and_back_is_no_change() -> None:
    text = b"# weekly\nenabled: false # really\ncron: '0 10 * * *'\n"
    assert with_enabled(with_enabled(text, "a.yaml", enabled=True), "a.yaml", enabled=False) == text


# ── CronJob ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_a_cronjob_asks_first_tries_once_and_leaves_time_to_undo() -> None:
    more = ("jitter: 10m", "overlap: replace", "env: staging")
    schedule = scheduled('cron: "@daily"', "Europe/Berlin", *more, longest_s=143)
    made = yaml.safe_load(yaml.safe_dump(cronjob(schedule, Place(image="chaos:1", namespace="chaos"))))
    spec = made["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["suspend"]) == ("0 0 * * *", "Europe/Berlin", True)
    assert spec["concurrencyPolicy"] == "Replace"
    job = spec["jobTemplate"]["spec"]
    assert (job["backoffLimit"], job["activeDeadlineSeconds"]) == (0, 143 + 600 + 300 + 300)
    [container] = job["template"]["spec"]["containers"]
    [script] = container["args"]
    assert script == ("chaos-runner schedule due /nowhere/weekly.yaml --within 300s --wait; case $? in "
                      "0) exec chaos-runner run a.yaml --yes --env staging ;; 3) exit 0 ;; *) exit 2 ;; esac")


@pytest.mark.parametrize("when", ["every: 6h", "random: {times: 1, per: day}\nwindow: 09:00-16:00", 'cron: "0 9 L * *"',
                                  'cron: "0 9 * * 5#2"', 'cron: "0 9 13 * +5"', 'cron: "0 9 * * 7"'])
def test_what_a_cronjob_cannot_say_is_refused(when: str) -> None:
    with pytest.raises(UsageError, match=r"CronJob|Kubernetes"):
        cronjob(scheduled(when), Place(image="chaos:1"))


# ── who meets whom ──────────────────────────────────────────────────────────────────────────────────────────────────

def course(name: str, clock: str, target: Mapping[str, object], env: str = "", fault: str = "proxy.cut") -> Course:
    step = {**STEP, "fault": fault, "target": target}
    experiment = load_data({**EXPERIMENT, "method": [step]}).experiment
    assert experiment
    schedule = scheduled(f'cron: "{clock} * * *"', longest_s=600)
    return Course(schedule=name, env=env, grounds=grounds(experiment), occurrences=over(schedule, "2026-11-23", 3))


def met(*courses: Course) -> list[tuple[str, str, On, int]]:
    return [(one.first, one.second, one.on, one.times) for one in collisions(courses)]


DB, CACHE = {"proxy": "orders-db"}, {"proxy": "cache"}


def test_runs_that_may_hit_the_same_at_the_same_time_collide() -> None:
    assert met(course("b", "5 10", DB), course("a", "0 10", DB)) == [("a", "b", On.TARGETS, 3)]
    assert met(course("a", "0 10", DB), course("b", "5 10", CACHE)) == [("a", "b", On.ENVIRONMENT, 3)]
    assert met(course("a", "0 10", DB), course("b", "10 10", DB)) == []
    assert met(course("a", "0 10", DB, env="staging"), course("b", "5 10", DB, env="live")) == []


def test_a_run_that_may_last_into_the_next_of_its_own_is_told() -> None:
    assert met(course("a", "*/5 10", DB))[0][:3] == ("a", "a", On.ITSELF)


def test_targets_meet_unless_something_both_name_is_different() -> None:
    def meet(mine: Mapping[str, object], theirs: Mapping[str, object]) -> bool:
        one, other = (course("a", "0 10", target, fault="kubernetes.pod_kill").grounds[0] for target in (mine, theirs))
        return one.meets(other)

    web = {"namespace": "shop", "workload": "deployment/web"}
    assert meet(web, {"namespace": "shop"})
    assert meet(web, {"namespace": "${where}", "workload": "deployment/web", "count": 3})
    assert not meet(web, {"namespace": "shop", "workload": "deployment/cart"})
    assert not meet({"labels": {"app": "web"}}, {"labels": {"app": "cart"}})
    assert meet({"labels": {"app": "web"}}, {"labels": {"tier": "front"}})
    assert meet({"labels": {"app": "web"}, "count": 1}, {"labels": {"app": "web"}, "count": 2})


def test_a_collision_says_from_when_to_when() -> None:
    [found] = collisions([course("a", "0 10", DB), course("b", "5 10", DB)])
    assert (found.since, found.until) == (at("2026-11-23T09:05"), at("2026-11-23T09:10"))
    assert found.what == "proxy {proxy: orders-db}"


def test_the_same_schedule_has_the_same_words_everywhere() -> None:
    schedule: Schedule = scheduled('cron: "0 9 * * 1-5"', "Asia/Kolkata", "window: 09:00-24:00", "days: mon-fri")
    assert schedule.words == ("at 09:00 on Monday through Friday Asia/Kolkata, in 09:00-24:00, "
                              "on mon, tue, wed, thu, fri only")
    assert scheduled("every: 90m").words == "every 1 h 30 m Europe/Berlin"
    assert timedelta(seconds=schedule.longest_s) == timedelta()
