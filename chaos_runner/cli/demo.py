"""`chaos-runner demo`"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec import Struct

from chaos_runner.cli.children import run_in_a_child
from chaos_runner.cli.ink import err_ink
from chaos_runner.errors import Refused
from chaos_runner.journal.reader import read
from chaos_runner.lab.examples import example
from chaos_runner.lab.shop import shop as lab
from chaos_runner.lab.shop.shop import Shop
from chaos_runner.recovery.unfinished import JOURNAL, is_over
from chaos_runner.report.folders import reports_folder
from chaos_runner.run.events import RunStarted, Undone, Verdict

_PATIENCE_S: Final = 20.0
_POLL_S: Final = 0.02


class Act(Struct, frozen=True):
    """One experiment of the demo, and how it is meant to turn out."""

    file: str
    expected: Verdict
    teaches: str


ACTS: Final = (
    Act("01-slow-orders-database.yaml", Verdict.PASSED,
        "customers read from a cache, so a database that is 200 ms slower does not slow them"),
    Act("02-one-orders-service-hangs.yaml", Verdict.DEVIATED,
        "a genuine weakness: the front end waits for an orders service that hangs, although the other one is well"),
)


@click.command()
@click.option("--keep", is_flag=True, help="Leave the shop open, to run your own experiments on it.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where runs are written (default: $CHAOS_RUNNER_REPORTS, else ./reports).")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as one JSON object.")
def command(reports: Path | None, *, keep: bool, as_json: bool) -> None:
    """Start a small shop on this machine and run experiments on it, in three acts.

    The first passes, the second finds a weakness, and in the third the runner is killed in the middle of a fault. Exit
    code 0 when all turned out as told. Takes three quarters of a minute; everything that was started is ended again.
    """
    where = reports_folder(reports)
    if keep:
        opened = lab.up(lab.default_folder())
        outcomes = _play(opened, where)
        _say_how_to_go_on(opened)
    else:
        with lab.running(lab.default_folder()) as opened:
            outcomes = _play(opened, where)
    if as_json:
        click.echo(msgspec.json.encode({"runs": outcomes}).decode())
    sys.exit(_tell(outcomes, where))


def _play(shop: Shop, reports: Path) -> list[dict[str, Any]]:
    _say(f"The shop is open at {shop.url}: a front end, two orders services, a store behind a proxy, steady traffic.")
    outcomes: list[dict[str, Any]] = []
    for number, act in enumerate(ACTS, start=1):
        _say(f"\n── {number} of {len(ACTS) + 1}: {act.file} (expected: {act.expected}) ──")
        outcomes.append(run_in_a_child(str(example(act.file)), _options(shop, reports)))
        if outcomes[-1]["verdict"] == Verdict.INTERRUPTED:
            return outcomes
    last = len(ACTS) + 1
    _say(f"\n── {last} of {last}: {ACTS[0].file} again, and its runner is killed (expected: restored) ──")
    return [*outcomes, _killed(shop, reports)]


def _killed(shop: Shop, reports: Path) -> dict[str, Any]:
    """The third act: SIGKILL while the fault acts, and a look at what the watchdog does about it."""
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder) / "events"
        events.touch()
        command = [sys.executable, "-m", "chaos_runner", "run", str(example(ACTS[0].file)), "--quiet"]
        child = subprocess.Popen([*command, "--events", str(events), *_options(shop, reports)])
        try:
            run_id = _once_applied(events, child)
        finally:
            child.kill()
            child.wait()
    _say(f"The database is slow, and run {run_id} was just killed with SIGKILL: it had no chance to undo anything.")
    killed_at = datetime.now(UTC)
    run_folder = reports / "runs" / run_id
    _wait_until(lambda: (run_folder / "outcome.json").exists() and is_over(run_folder), "the watchdog's outcome")
    _, records = read(run_folder / JOURNAL)
    undone_at = next(record.at for record in records if isinstance(record.event, Undone))
    delay_s = (datetime.fromisoformat(undone_at) - killed_at).total_seconds()
    _say(f"The watchdog undid the fault {max(delay_s, 0.0):.2f} s later, looked, and completed the report.")
    outcome: dict[str, Any] = msgspec.json.decode((run_folder / "outcome.json").read_bytes())
    return outcome


def _once_applied(events: Path, child: "subprocess.Popen[bytes]") -> str:
    """The run's id, once its fault acts."""
    _wait_until(lambda: b'"type":"Applied"' in events.read_bytes() or child.poll() is not None, "the fault")
    first = events.read_bytes().partition(b"\n")[0]
    return msgspec.json.decode(first, type=RunStarted).plan.run


def _wait_until(met: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not met():
        if time.monotonic() > deadline_s:
            raise Refused(f"the demo waited {_PATIENCE_S:g} s for {what}")
        time.sleep(_POLL_S)


def _options(shop: Shop, reports: Path) -> list[str]:
    return ["--var", f"shop_url={shop.url}", "--var", f"toxiproxy_url={shop.proxy_api}", "--reports", str(reports),
            "--output", "none"]  # in a pipeline too, a weakness that is found as told is no error


def _tell(outcomes: list[dict[str, Any]], reports: Path) -> int:
    """Says how they turned out, and gives the exit code."""
    _say("")
    killed = Act(f"{ACTS[0].file}, killed", Verdict.INTERRUPTED, "the way back does not depend on the runner")
    told = [_tell_one(act, outcome, reports) for act, outcome in zip((*ACTS, killed), outcomes, strict=False)]
    if len(outcomes) <= len(ACTS):
        return int(outcomes[-1]["exit"])
    return 0 if all(told) else 1


def _tell_one(act: Act, outcome: dict[str, Any], reports: Path) -> bool:
    ink = err_ink()
    as_told = outcome["verdict"] == act.expected and outcome.get("restored") == "restored"
    mark = ink.green("as told") if as_told else ink.red(f"expected {act.expected}")
    _say(f"{act.file}: {outcome['verdict']}, {outcome.get('restored')} ({mark})\n  {act.teaches}")
    if not as_told:
        _say("  a machine that is busy with other things measures that too: try again when it is not")
    if "run" in outcome:
        _say(f"  report: {reports / 'runs' / outcome['run'] / 'report.html'}")
    return as_told


def _say_how_to_go_on(shop: Shop) -> None:
    _say(f"\nThe shop stays open. Run your own experiment on it:\n"
         f"  SHOP_URL={shop.url} TOXIPROXY_URL={shop.proxy_api} chaos-runner run my-experiment.yaml\n"
         f"and close it with:  chaos-runner lab shop down")


def _say(text: str) -> None:
    click.echo(text, err=True)
