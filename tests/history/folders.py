"""Folders of runs, written as the runner writes them, from the stories of the report's tests."""

from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec import structs

from chaos_runner.clock import rfc3339
from chaos_runner.journal.writer import Journal
from chaos_runner.run import events as ev
from chaos_runner.run.run import Run, fold
from chaos_runner.wiring import record, write_outcome
from tests.report import stories


def run_id(number: int) -> str:
    """Ids that sort by time, as ULIDs do."""
    return f"01JD8ZK3T2QH5R{number:06d}"


def written(reports: Path, number: int, story: str = "passed", *, complete: bool = True, title: str = "") -> Path:
    """A run's folder, `number` days after the first. Incomplete ones have journal and outcome, and nobody was told."""
    run, events = _told(number, story, title)
    folder = reports / "runs" / run_id(number)
    folder.mkdir(parents=True)
    started = stories.STARTED + timedelta(days=number)
    journal = Journal.create(folder / "journal.ndjson", started)
    journal.append(events)
    journal.close()
    if complete:
        assert record(run, folder) == ""
    elif run.ended:
        write_outcome(run, folder)
    return folder


def _told(number: int, story: str, title: str) -> tuple[Run, list[ev.Event]]:
    _, records = stories.TOLD[story]()
    first, *rest = [record.event for record in records]
    assert isinstance(first, ev.RunStarted)
    experiment = structs.replace(first.plan.experiment, title=title or first.plan.experiment.title)
    started = rfc3339(stories.STARTED + timedelta(days=number))
    plan = structs.replace(first.plan, run=run_id(number), started=started, experiment=experiment)
    events: list[ev.Event] = [structs.replace(first, plan=plan), *rest]
    return fold(events), events


def change(file: Path, before: str, after: str) -> None:
    """Changes a file as somebody would who wants it to say something else."""
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))


def outcome(folder: Path) -> dict[str, object]:
    """The outcome as it was written."""
    found: dict[str, object] = msgspec.json.decode((folder / "outcome.json").read_bytes())
    return found
