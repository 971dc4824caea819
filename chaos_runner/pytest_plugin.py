"""Experiments as tests: the fixture `chaos`, which pytest finds by itself where chaos-runner is installed.

    def test_customers_can_pay_while_the_database_is_slow(chaos):
        chaos.run("experiments/slow-database.yaml", var={"shop_url": "http://127.0.0.1:8080"}, env="staging")

Every run is a process of its own. Until the fixture is asked to run something nothing of ours is imported.
"""

import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from chaos_runner.run.outcome import Outcome

TALK_MOST: Final = 4000
"""Characters of a run's talk that are shown where it has left no outcome."""
_TYPES: Final[dict[type, str]] = {bool: "bool", int: "int", float: "float", dict: "json", list: "json"}


@pytest.fixture
def chaos(request: pytest.FixtureRequest) -> "Chaos":
    """Runs chaos experiments: `chaos.run("experiments/x.yaml", var={...}, env="staging")`."""
    return Chaos(request.config.rootpath)


class Chaos:
    """What the fixture gives. Files that are not found from where pytest was started are looked for from its root."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def run(self, experiment: str | Path, *, var: Mapping[str, Any] | None = None, env: str = "",
            reports: str | Path | None = None, arguments: Sequence[str] = ()) -> "Outcome":
        """Runs an experiment to its end and gives its outcome, if it passed and everything is restored.

        `var` overrides the configuration, `env` is an environment of chaos.yaml, `arguments` are more of those that
        `chaos-runner run` knows. The test fails with the verdict's sentence and the report's path when the experiment
        did not pass; a Ctrl-C stops the run, which undoes, and then pytest.
        """
        __tracebackhide__ = True
        file = self._found(Path(experiment))
        words = [*_variables(var or {}), *(("--env", env) if env else ()),
                 *(("--reports", str(reports)) if reports else ()), *arguments]
        found, talk, signals = _run(str(file), words)
        if signals:
            pytest.exit(f"the run of {file} was stopped and undone: {found.get('sentence', '')}", found["exit"])
        if found["exit"] != 0:
            pytest.fail(_why(found, _reports(str(file), env, reports), talk), pytrace=False)
        return _typed(found)

    def _found(self, file: Path) -> Path:
        return file if file.is_absolute() or file.exists() else self._root / file


def _variables(var: Mapping[str, Any]) -> Iterator[str]:
    from json import dumps

    for key, value in var.items():
        kind = _TYPES.get(type(value))
        said = dumps(value) if kind in ("json", "bool") else str(value)
        yield from ("--var", f"{key}:{kind}={said}" if kind else f"{key}={said}")


def _run(file: str, words: Sequence[str]) -> tuple[dict[str, Any], str, list[int]]:
    """The outcome of a run, what it said, and the signals that came meanwhile and were passed on to it."""
    with tempfile.TemporaryFile() as talk:
        outcome, signals = _outcome(file, ["--output", "none", "--plain", *words], talk)
        talk.seek(0)
        said = talk.read().decode(errors="replace")
    with suppress(OSError, ValueError):
        sys.stderr.write(said)
    return outcome, said, signals


def _outcome(file: str, words: Sequence[str], talk: IO[bytes]) -> tuple[dict[str, Any], list[int]]:
    """Only the main thread can be told of signals."""
    from chaos_runner.cli.children import Child, outcome_of
    from chaos_runner.cli.ears import listening

    if threading.current_thread() is not threading.main_thread():
        return Child(file, words, talk).outcome(), []
    signals: list[int] = []
    with listening(attended=False) as ears:
        child = Child(file, words, talk)

        def pass_on(number: int) -> None:
            signals.append(number)
            child.send(number)

        return outcome_of(child, ears, pass_on), signals


def _reports(file: str, env: str, reports: str | Path | None) -> Path | None:
    """Where the run was written; None when chaos.yaml cannot be read, and then there is no run."""
    from chaos_runner.errors import UsageError
    from chaos_runner.experiment.project import surroundings
    from chaos_runner.report.folders import reports_folder

    try:
        return reports_folder(Path(reports) if reports else None, surroundings(file, env).project)
    except UsageError:
        return None


def _why(found: Mapping[str, Any], reports: Path | None, talk: str) -> str:
    if "run" not in found:
        return f"{found['verdict']}: {found['file']} left no outcome (exit code {found['exit']})\n{talk[-TALK_MOST:]}"
    lines = [f"{found['verdict']}: {found['sentence']}"]
    if found["exit"] == 6:
        lines += [f"{found['restored']}: chaos-runner recover {found['run']}"]
    if reports:
        lines.append(f"report: {reports / 'runs' / found['run'] / 'report.html'}")
    return "\n".join(lines)


def _typed(found: Mapping[str, Any]) -> "Outcome":
    import msgspec

    from chaos_runner.history.reading import outcome_of

    return outcome_of(msgspec.json.encode(found), "the outcome")
