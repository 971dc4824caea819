"""`chaos-runner demo`"""

import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec import Struct

from chaos_runner.cli.children import run_in_a_child
from chaos_runner.cli.ink import err_ink
from chaos_runner.lab.examples import example
from chaos_runner.lab.shop import shop as lab
from chaos_runner.lab.shop.shop import Shop
from chaos_runner.run.events import Verdict
from chaos_runner.wiring import reports_folder


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
    """Start a small shop on this machine and run two experiments on it: one passes, one finds a weakness.

    Exit code 0 when both turned out as told. Takes half a minute; everything that was started is ended again.
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
        _say(f"\n── {number} of {len(ACTS)}: {act.file} (expected: {act.expected}) ──")
        outcomes.append(run_in_a_child(str(example(act.file)), _options(shop, reports)))
        if outcomes[-1]["verdict"] == Verdict.INTERRUPTED:
            break
    return outcomes


def _options(shop: Shop, reports: Path) -> list[str]:
    return ["--var", f"shop_url={shop.url}", "--var", f"toxiproxy_url={shop.proxy_api}", "--reports", str(reports)]


def _tell(outcomes: list[dict[str, Any]], reports: Path) -> int:
    """Says how both turned out, and gives the exit code."""
    ink = err_ink()
    _say("")
    for act, outcome in zip(ACTS, outcomes, strict=False):
        as_told = outcome["verdict"] == act.expected and outcome.get("restored") == "restored"
        mark = ink.green("as told") if as_told else ink.red(f"expected {act.expected}")
        _say(f"{act.file}: {outcome['verdict']}, {outcome.get('restored')} ({mark})")
        _say(f"  {act.teaches}")
        if "run" in outcome:
            _say(f"  report: {reports / 'runs' / outcome['run'] / 'report.html'}")
    if len(outcomes) < len(ACTS):
        return int(outcomes[-1]["exit"])
    told = all(outcome["verdict"] == act.expected and outcome.get("restored") == "restored"
               for act, outcome in zip(ACTS, outcomes, strict=True))
    return 0 if told else 1


def _say_how_to_go_on(shop: Shop) -> None:
    _say(f"\nThe shop stays open. Run your own experiment on it:\n"
         f"  SHOP_URL={shop.url} TOXIPROXY_URL={shop.proxy_api} chaos-runner run my-experiment.yaml\n"
         f"and close it with:  chaos-runner lab shop down")


def _say(text: str) -> None:
    click.echo(text, err=True)
