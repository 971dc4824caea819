"""What the pages say is what the code does."""

import os
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml

from chaos_runner import shelf
from chaos_runner.cli import outputs
from chaos_runner.cli.main import COMMANDS, cli
from chaos_runner.contracts import UNDO_ATTEMPTS, UNDO_S, Grade
from chaos_runner.experiment import activities, build
from chaos_runner.experiment.codes import CODES
from chaos_runner.experiment.findings import Severity
from chaos_runner.experiment.loading import load_text
from chaos_runner.experiment.model import RollbackStrategy
from chaos_runner.experiment.project import ENVIRONMENT_KEYS, POLICY_KEYS, PROJECT_KEYS, read_project
from chaos_runner.experiment.safeguards import CONFIRM_KEYS, LIMIT_KEYS, PROTECTED_KEYS
from chaos_runner.lint import lint
from chaos_runner.report import write
from chaos_runner.run import merge, patience, verdict
from chaos_runner.run.events import RestoredState, Verdict
from tests import turns
from tests.docs.pages import DOCS, PAGES, ROOT, WRITTEN, Block, blocks, headings, inline, links, rows, text

_STEP: Final = {"name": "wait", "type": "action", "pauses": {"after": 1},
                "provider": {"type": "python", "module": "os", "func": "getcwd"}}
_PROBE: Final = {"name": "window", "probe": "http.status", "arguments": {"url": "http://127.0.0.1"}, "equals": 200}
_BASE: Final = {"title": "a title", "description": "a description", "method": [_STEP],
                "steady-state-hypothesis": {"title": "all is well", "probes": [_PROBE]}}
_CODE: Final = re.compile(r"[EW]\d{3}")


# ── experiments ─────────────────────────────────────────────────────────────────────────────────────────────────────

def codes_in(data: str) -> set[str]:
    """The codes of the errors in an experiment."""
    return {finding.code for finding in load_text(data.encode(), "page.yaml").findings
            if finding.severity is Severity.ERROR}


def whole(block: Block) -> str:
    """A block as an experiment: itself when it is one, else what it shows within an ordinary one."""
    data = yaml.safe_load(block.text)
    if isinstance(data, dict):
        return block.text if "title" in data else yaml.safe_dump({**_BASE, **data})
    steps = [item for item in data if "fault" in item or item.get("type") == "action"]
    probes = [item for item in data if item not in steps]
    hypothesis = {"title": "all is well", "probes": probes or [_PROBE]}
    return yaml.safe_dump({**_BASE, "method": steps or [_STEP], "steady-state-hypothesis": hypothesis})


@pytest.mark.parametrize("block", [
    block for block in blocks("yaml")
    if block.mark not in ("part", "gameday")
    and not block.mark.startswith(("experiments/", "probes/", "chaos.yaml"))], ids=str)
def test_an_experiment_on_a_page_is_valid_or_has_the_code_that_is_said(block: Block) -> None:
    expected = {block.mark} if _CODE.fullmatch(block.mark) else set()
    assert codes_in(whole(block)) == expected


def test_the_reusable_probes_on_a_page_are_the_project_s() -> None:
    [shown] = [block for block in blocks("yaml") if block.mark.startswith("probes/")]
    there = yaml.safe_load((ROOT / shown.mark).read_text(encoding="utf-8"))
    assert yaml.safe_load(shown.text).items() <= there.items()


WHOLE: Final = [block for block in blocks("yaml", pages=(*WRITTEN, "../README")) if block.text.startswith("title:")
                and block.mark not in ("part", "gameday") and block.page != "adding-a-fault"]
"""The last shows a fault that is on no shelf; it is run below."""


@pytest.mark.parametrize("block", WHOLE, ids=str)
def test_a_whole_experiment_on_a_page_has_no_trap(block: Block) -> None:
    assert traps(block.text) == []


def test_the_tutorial_s_experiment_and_the_numbered_ones_have_no_trap() -> None:
    numbered = [file.read_text(encoding="utf-8") for file in sorted((ROOT / "experiments").glob("*.yaml"))]
    assert [traps(text) for text in (tutorials_experiment(), *numbered)] == [[]] * (1 + len(numbered))


def traps(data: str) -> list[str]:
    experiment = load_text(data.encode(), "page.yaml").experiment
    assert experiment
    return [f"{finding.code} {finding.message}" for finding in lint(experiment)]


def test_the_parts_in_the_tutorial_make_one_experiment() -> None:
    loaded = load_text(tutorials_experiment().encode(), "cut-database.yaml")
    assert loaded.ok
    assert loaded.experiment
    assert loaded.experiment.hypothesis
    assert loaded.experiment.stop_rules


def tutorials_experiment() -> str:
    return "\n".join(block.text for block in blocks("yaml", pages=("tutorial",)) if block.mark == "part")


@pytest.mark.parametrize("key", sorted({
    *build.EXPERIMENT_KEYS, *build.HYPOTHESIS_KEYS, *build.RUNTIME_KEYS, *build.STRATEGY_KEYS, *activities.PROBE_KEYS,
    *activities.STEP_KEYS, *activities.UNDO_KEYS, *activities.PAUSES_KEYS, *RollbackStrategy}))
def test_every_key_of_the_format_is_named(key: str) -> None:
    assert any(re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", code) for code in inline("experiment-format"))


def test_the_chaos_yaml_on_a_page_is_one(tmp_path: Path) -> None:
    [shown] = [block for block in blocks("yaml") if block.mark == "chaos.yaml"]
    (tmp_path / "chaos.yaml").write_text(shown.text)
    assert set(read_project(tmp_path / "chaos.yaml").environments) == {"staging", "live"}


@pytest.mark.parametrize("key", sorted({*PROJECT_KEYS, *ENVIRONMENT_KEYS, *POLICY_KEYS, *LIMIT_KEYS, *CONFIRM_KEYS,
                                        *PROTECTED_KEYS}))
def test_every_key_of_chaos_yaml_is_named(key: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", text("experiment-format").partition("## Safeguards")[2])


# ── commands ────────────────────────────────────────────────────────────────────────────────────────────────────────

def commands(shell: str) -> list[str]:
    """Every call of chaos-runner in a piece of shell."""
    return re.findall(r"chaos-runner\b([^\n|>)\"]*)", shell)


def parse(words: list[str], command: click.Command = cli) -> None:
    """Raises click.UsageError when a command or an option does not exist."""
    if not isinstance(command, click.Group):
        command.make_context(command.name, words)
        return
    if not words:
        return
    inner = command.get_command(click.Context(command), words[0])
    if inner is None:
        raise click.UsageError(f"there is no command {words[0]}")
    parse(words[1:], inner)


@pytest.mark.parametrize("words", [call for block in blocks("sh") for call in commands(block.text)])
def test_every_command_to_type_exists_with_its_options(words: str) -> None:
    parse(shlex.split(words))


@pytest.mark.parametrize("words", [
    code for page in WRITTEN for code in inline(page) if code.startswith("chaos-runner ")])
def test_every_command_in_a_sentence_exists_with_its_options(words: str) -> None:
    with suppress(click.MissingParameter):  # a sentence may name a command without its arguments
        parse(shlex.split(words)[1:])


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert commands('eval "$(chaos-runner lab shop up)"') == [" lab shop up"]
    for words in (["runn", "x.yaml"], ["run", "--jsn", "x.yaml"], ["lab", "shop", "upp"]):
        with pytest.raises(click.UsageError):
            parse(words)


def by_hand(block: Block) -> bool:
    return "deploy/ci/" not in block.text


@pytest.mark.parametrize("block", [one for one in blocks("yaml", "groovy", pages=("ci",)) if by_hand(one)], ids=str)
def test_a_pipeline_s_template_calls_commands_that_exist_and_wants_an_outcome(block: Block) -> None:
    if block.language == "yaml":
        yaml.safe_load(block.text)
    called = [words.rstrip("' }").rstrip() for words in commands(block.text)
              if words.startswith((" ci", " recover", " report"))]
    assert any(words.startswith(" recover") for words in called)
    for words in called:
        parse(shlex.split(words))
    assert called[0].startswith(" ci")
    assert "test -s reports/ci.json" in block.text


@pytest.mark.parametrize("block", [block for block in blocks("yaml", pages=("ci",)) if not by_hand(block)], ids=str)
def test_a_pipeline_that_takes_our_template_names_what_is_there(block: Block) -> None:
    yaml.safe_load(block.text)
    [named] = re.findall(r"deploy/ci/[\w./-]+", block.text)
    assert (ROOT / named).exists()


def test_every_form_is_told_with_its_file() -> None:
    told = {row[0].strip("`"): row[1].strip("`") for row in rows("ci") if row[0].startswith("`")}
    assert set(told) == set(outputs.NAMES) - {"none"}
    assert told == {**outputs.FILES, **{name: form.file for name, form in write.FORMATS.items()}}


def test_every_target_of_make_on_a_page_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    wanted = {word for block in blocks("sh") for word in re.findall(r"^make (\S+)", block.text, re.MULTILINE)}
    assert wanted
    for target in wanted:
        assert f"\n{target}:" in makefile


# ── links and the reference ─────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for file, heading in links(page):
        assert file.exists(), file
        assert not heading or heading in headings(file), heading


@pytest.mark.parametrize("page", WRITTEN)
def test_every_page_can_be_reached_from_the_index(page: str) -> None:
    assert page == "index" or DOCS / f"{page}.md" in {file for file, _ in links(DOCS / "index.md")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_no_page_names_a_path_of_the_machine_it_was_written_on(page: Path) -> None:
    found = page.read_text(encoding="utf-8")
    assert not [word for word in (*(f"/{name}/" for name in ("home", "root")), str(ROOT)) if word in found]


def printer(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, str(DOCS / "print_reference.py"), *words], capture_output=True, text=True,
                          check=False)


@pytest.mark.slow
def test_the_reference_is_as_the_code_prints_it() -> None:
    done = printer("--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_everything_has_its_place_in_the_reference() -> None:
    found = {page.stem: page.read_text(encoding="utf-8") for page in PAGES if page.parent.name == "reference"}
    for page, names in (("faults", shelf.fault_names()), ("probes", shelf.probe_names()), ("codes", list(CODES))):
        assert re.findall(r"^##+ (\S+\.\S+|[EWV]\d{3})$", found[page], re.MULTILINE) == sorted(names, key=_code_order)
    for command in COMMANDS:
        assert f"\n## chaos-runner {command}" in found["commands"]


def _code_order(name: str) -> tuple[int, str]:
    """Errors, warnings, verdicts; anything else by name."""
    return ("EWV".find(name[0]) if name[0] in "EWV" else 0), name


# ── verdicts ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_the_table_of_verdicts_has_every_exit_code() -> None:
    told = {row[0]: row[-1] for row in rows("verdicts") if row[0] in set(Verdict)}
    assert set(told) == set(Verdict)
    for name, exit_code in verdict.EXITS.items():
        assert told[name].split(",")[0] == str(exit_code)
    assert told[Verdict.INTERRUPTED] == "130, 143, 129, 131; 137"


def test_the_table_of_restored_has_every_answer_and_what_outranks_the_verdict() -> None:
    told = {row[0]: row[-1] for row in rows("verdicts") if row[0] in set(RestoredState)}
    assert set(told) == set(RestoredState)
    bad = {name for name, exit_code in told.items() if exit_code == str(verdict.NOT_RESTORED_EXIT)}
    assert bad == {RestoredState.NOT_RESTORED, RestoredState.UNKNOWN}


def test_every_grade_of_evidence_is_told() -> None:
    assert {row[0] for row in rows("verdicts")} >= set(Grade)


def test_many_runs_are_merged_in_the_order_that_is_told() -> None:
    many = text("verdicts").partition("## Many runs")[2]
    assert re.findall(r"^\d\. (\S+)$", many, re.MULTILINE) == list(merge.ORDER)


def test_the_rules_stand_in_the_order_that_is_told() -> None:
    names = [rule.__name__ for rule in verdict.RULES]
    assert names == ["met_a_bug", "refused", "limited", "shut_out", "stopped_early", "steady_state_missing",
                     "unrehearsed", "only_the_hypothesis", "deviated", "aborted", "interrupted", "step_errored",
                     "dry_run", "not_measured", "nothing_proven", "unattended", "data_missing", "stopped_short",
                     "held_throughout"]
    told = text("verdicts").partition("## The order of the rules")[2].partition("## Many")[0]
    assert len(re.findall(r"^\d+\. ", told, re.MULTILINE)) == len(names)


def test_the_numbers_of_the_undo_are_the_code_s() -> None:
    assert (UNDO_ATTEMPTS, patience.UNDO_RETRY_S, UNDO_S, patience.GRACE_S) == (3, 0.5, 20, 2)


# ── what is to be executed ──────────────────────────────────────────────────────────────────────────────────────────

def environment(folder: Path) -> dict[str, str]:
    """Ours, with the command on the path, and with a shop and reports of its own."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "NO_COLOR": "1", "XDG_STATE_HOME": str(folder / "state"),
            "CHAOS_RUNNER_REPORTS": str(folder / "reports")}


@pytest.mark.slow
@turns.SHOP
def test_the_tutorial_can_be_followed(tmp_path: Path) -> None:
    (tmp_path / "cut-database.yaml").write_text(tutorials_experiment(), encoding="utf-8")
    for block in blocks("yaml", pages=("tutorial",)):
        if block.mark.endswith(".yaml"):
            (tmp_path / block.mark).write_text(block.text, encoding="utf-8")
    steps = [block for block in blocks("sh", pages=("tutorial",)) if block.mark != "shown"]
    script = "".join(f"{step.text}\necho '@@' $?\n" for step in steps)
    try:
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment(tmp_path), capture_output=True,
                              text=True, timeout=120, check=False)
    finally:
        subprocess.run([sys.executable, "-m", "chaos_runner", "lab", "shop", "down"], cwd=tmp_path,
                       env=environment(tmp_path), capture_output=True, check=False)
    wanted = [int(step.mark.removeprefix("exit=") or 0) for step in steps]
    assert [int(code) for code in re.findall(r"^@@ (\d+)$", done.stdout, re.MULTILINE)] == wanted, done.stderr
    for block in blocks("text", pages=("tutorial",)):
        if block.mark == "output":
            assert block.text in done.stdout


_ON_THE_SHELF: Final = """
import chaos_runner.faults, chaos_runner.probes
from pathlib import Path
from chaos_runner.experiment.loading import load
here = Path(__file__).parent
chaos_runner.faults.__path__.append(str(here / "chaos_runner" / "faults"))
chaos_runner.probes.__path__.append(str(here / "chaos_runner" / "probes"))


def pytest_sessionstart():
    for file in (here / "experiments").glob("*.yaml"):
        assert not load(str(file)).findings
"""


@pytest.mark.slow
@turns.SHOP
def test_the_fault_and_the_probe_that_are_shown_work(tmp_path: Path) -> None:
    for block in blocks("python", "yaml", pages=("adding-a-fault",)):
        file = tmp_path / block.mark
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(_ON_THE_SHELF, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path),
                           "--import-mode=importlib"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def journal_of_a_run(folder: Path) -> Path:
    """A journal with a few lines, as the writer writes it."""
    from chaos_runner.clock import FakeClock
    from chaos_runner.journal.writer import Journal
    from chaos_runner.testing import readings, run_in_memory

    data: dict[str, Any] = {"title": "t", "description": "d", "method": [_STEP], "steady-state-hypothesis": {
        "title": "h", "probes": [{"probe": "fake.errors", "equals": 0}]}}
    path = folder / "journal.ndjson"
    journal = Journal.create(path, FakeClock().now())
    journal.append(run_in_memory(data, probes={"fake.errors": readings(0)}).events)
    journal.close()
    return path


def test_the_script_that_verifies_a_journal_finds_every_change(tmp_path: Path) -> None:
    [script] = blocks("python", pages=("journal",))
    path = journal_of_a_run(tmp_path)

    def verify() -> str:
        done = subprocess.run([sys.executable, "-c", script.text, str(path)], capture_output=True, text=True,
                              check=False)
        return done.stdout + done.stderr

    lines = path.read_bytes().splitlines(keepends=True)
    assert verify() == "the chain holds\n"
    path.write_bytes(b"".join(lines) + lines[-1][:30])
    assert verify() == "the chain holds\n"
    path.write_bytes(b"".join([lines[0], *lines[2:]]))
    assert verify() == "line 2: the chain is broken\n"
    path.write_bytes(b"".join(lines).replace(b'"good":true', b'"good":null', 1))
    assert "is broken" in verify()
