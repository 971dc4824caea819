"""How the runs of a release do beside those of an earlier one: what got worse, what is new, what is no longer run.

A baseline is an `outcome.json`, what `ci` or `run --json` wrote of several runs, or a run of this machine.
"""

from collections.abc import Iterator, Mapping, Sequence
from os.path import normpath
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from chaos_runner.errors import UsageError
from chaos_runner.history.comparing import Difference, differences
from chaos_runner.history.reading import OutcomeUnreadable, outcome_of, read_outcome
from chaos_runner.run.events import Verdict
from chaos_runner.run.outcome import Outcome


class Baseline(Struct, frozen=True, kw_only=True):
    """Earlier outcomes, and what they are called."""

    name: str
    outcomes: list[Outcome]

    def of(self, file: str, title: str = "") -> Outcome | None:
        """The outcome of that experiment: by its file, else by its title where only one has it."""
        by_file = [one for one in self.outcomes if normpath(one.file) == normpath(file)]
        by_title = [one for one in self.outcomes if title and one.title == title]
        return by_file[-1] if by_file else by_title[0] if len(by_title) == 1 else None


class Beside(Struct, frozen=True, kw_only=True):
    """An experiment that does otherwise than in the baseline: `before` is the run there, "" `run` where it has none."""

    title: str
    file: str
    before: str
    run: str
    worse: list[str]
    better: list[str]


class Measured(Struct, frozen=True, kw_only=True):
    """All experiments beside their baseline. `new` and `gone` are files that only one of the two has."""

    name: str
    changed: list[Beside]
    new: list[str]
    gone: list[str]

    @property
    def worse(self) -> list[Beside]:
        """Those that do worse."""
        return [one for one in self.changed if one.worse]


def of_run(folder: Path, name: str) -> Baseline:
    """The run in that folder as a baseline. Raises OutcomeUnreadable."""
    return Baseline(name=name, outcomes=[read_outcome(folder)])


def read_baseline(file: Path) -> Baseline:
    """The outcomes in a file. Raises UsageError."""
    try:
        data = file.read_bytes()
        found = msgspec.json.decode(data)
    except OSError as problem:
        raise UsageError(f"the baseline {file}: {problem.strerror}") from problem
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise OutcomeUnreadable(f"the baseline {file}: {problem}") from problem
    outcomes = list(_outcomes(found, f"the baseline {file}"))
    if not outcomes:
        raise UsageError(f"the baseline {file}: no run in it has an outcome, so nothing could be compared")
    return Baseline(name=str(file), outcomes=outcomes)


def _outcomes(found: Any, name: str) -> Iterator[Outcome]:
    """One outcome, or all that a summary has; what never became a run is left out."""
    if not isinstance(found, dict):
        raise UsageError(f"{name}: neither an outcome.json nor a summary of several runs")
    runs = found.get("runs", [found])
    for one in runs if isinstance(runs, list) else [runs]:
        if not isinstance(one, dict) or "run" in one or "file" not in one:
            yield outcome_of(msgspec.json.encode(one), name)


def measure(baseline: Baseline, now: Sequence[Mapping[str, Any]]) -> Measured:
    """How these outcomes, as data, do beside the baseline."""
    pairs = [(baseline.of(one["file"], one.get("title", "")), one) for one in now]
    met = [id(before) for before, _ in pairs if before]
    changed = [_beside(before, one) for before, one in pairs if before]
    return Measured(name=baseline.name, changed=[one for one in changed if one.worse or one.better],
                    new=[one["file"] for before, one in pairs if before is None],
                    gone=[one.file for one in baseline.outcomes if id(one) not in met])


def _beside(before: Outcome, now: Mapping[str, Any]) -> Beside:
    found = list(differences(before, outcome_of(msgspec.json.encode(now), now["file"])) if "run" in now
                 else _without_a_run(before, now))
    said = {turn: [one.words.removesuffix(f" ({turn})") for one in found if one.turn == turn and not one.slight]
            for turn in ("worse", "better")}
    return Beside(title=before.title, file=now["file"], before=before.run, run=now.get("run", ""), **said)


def _without_a_run(before: Outcome, now: Mapping[str, Any]) -> Iterator[Difference]:
    """What never became a run is worse than a run that had an answer."""
    if before.verdict != Verdict.NOT_STARTED:
        yield Difference(part="verdict", name="verdict", before=before.verdict, after=f"{now['verdict']}, no run",
                         turn="worse")
