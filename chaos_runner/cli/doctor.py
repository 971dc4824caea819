"""`chaos-runner doctor [PLATFORM]`"""

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from chaos_runner.cli.ink import Ink, out_ink
from chaos_runner.cli.wrapping import Paper, width_of, wrapped
from chaos_runner.clock import SystemClock
from chaos_runner.errors import ActFailed, UsageError
from chaos_runner.experiment.complaints import escaped
from chaos_runner.mark import own_key
from chaos_runner.recovery.checkups.checkup import Checkup, Ours
from chaos_runner.recovery.scan import Rules
from chaos_runner.report.folders import reports_folder
from chaos_runner.run.verdict import NOT_RESTORED_EXIT
from chaos_runner.targets.leftover import NOBODY, Leftover
from chaos_runner.units import spoken_seconds

if TYPE_CHECKING:
    from chaos_runner.recovery.checkups.checkup import LookOver

PLATFORMS: Final = {
    "kubernetes": "what our runs left, and stuck finalizers, policies, cordons, taints, selectors, pause images and "
                  "helper pods of others",
    "aws": "what our runs left, and suspended processes, closed network ACLs, throttled functions, draining hosts, "
           "inverted health checks and listeners that answer by themselves, of others",
}
"""What can be looked over, and for what."""
_LEFT_BY_OTHERS_EXIT: Final = 1
_WORD: Final = 10


@click.command()
@click.argument("platform", required=False, metavar="[PLATFORM]")
@click.option("--context", "--region", "places", multiple=True, metavar="WHERE",
              help="Which cluster, by its context, or which region of AWS, also as PROFILE@REGION; may be given more "
                   "than once (default: as it is configured).")
@click.option("--fix", is_flag=True, help="Undo what our runs left and no living run can hold. Nothing of others.")
@click.option("--reports", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
              help="Where the runs of this machine are written: those that live keep their faults.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(platform: str | None, **options: Any) -> None:
    """Look over a platform for what chaos left there, ours and that of others, and say how each is safely undone.

    Only looks, unless it is told to --fix. Without a platform it lists what it can look over. Exit code 0 when nothing
    is left, 6 when something of ours is, 1 when only others left something, 5 when something could not be looked at.
    """
    if platform is None:
        _list(as_json=options["as_json"])
    elif platform not in PLATFORMS:
        raise UsageError(f"{escaped(platform)!r} cannot be looked over; these can: {', '.join(PLATFORMS)}")
    else:
        sys.exit(_look(platform, options))


def _list(*, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode({"platforms": PLATFORMS}).decode())
    else:
        click.echo("\n".join(wrapped(f"{name:<12} {says}", width_of(sys.stdout), 13) for name, says in
                             PLATFORMS.items()))


def _look(platform: str, options: dict[str, Any]) -> int:
    now = SystemClock().now()
    rules = Rules(now=now, reports=reports_folder(options["reports"]), key=own_key())
    look_over = _eye(platform)
    found = [look_over(place, rules, fix=options["fix"]) for place in dict.fromkeys(options["places"] or [""])]
    if options["as_json"]:
        click.echo(msgspec.json.encode({"checkups": [_data(one, now) for one in found]}).decode())
    else:
        click.echo("\n".join(line for one in found for line in _told(one, now, Paper(out_ink(), width_of(sys.stdout)))))
    return _exit(found)


def _eye(platform: str) -> "LookOver":
    match platform:
        case "aws":
            from chaos_runner.recovery.checkups.aws import look_over as look_over_aws

            return look_over_aws
        case _:
            from chaos_runner.recovery.checkups.kubernetes import look_over

            return look_over


def _exit(found: Sequence[Checkup]) -> int:
    if any(one.ours_left for one in found):
        return NOT_RESTORED_EXIT
    if any(one.others for one in found):
        return _LEFT_BY_OTHERS_EXIT
    return ActFailed.exit_code if any(one.unread for one in found) else 0


def _data(found: Checkup, now: datetime) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(found)
    for row, one in zip(data["others"], found.others, strict=True):
        row["age_s"] = _age_s(one, now)
    return data


def _age_s(one: Leftover, now: datetime) -> float | None:
    return None if one.since is None else round((now - one.since).total_seconds(), 3)


def _told(found: Checkup, now: datetime, paper: Paper) -> Iterator[str]:
    ink = paper.ink
    yield ink.bold(escaped(found.where))
    if not found.ours and not found.others and not found.unread:
        yield f"  {ink.green('✔')} nothing is left"
    for ours in found.ours:
        yield from _of_ours(ours, paper)
    for other in found.others:
        yield from _of_others(other, now, paper)
    for problem in found.unread:
        yield _row(ink.red(f"{'unknown':<{_WORD}}"), f"could not be looked at: {problem}", paper)


def _of_ours(one: Ours, paper: Paper) -> Iterator[str]:
    word, colour = _state(one, paper.ink)
    whose = ", ".join(part for part in (one.fault, f"run {one.run}" if one.run else "") if part)
    yield _row(colour(f"{word:<{_WORD}}"), f"{one.what}: {one.says} ({whose or 'chaos-runner'})", paper)
    if one.undo and not one.held:
        yield _row(" " * _WORD, f"undo: {one.undo}", paper)


def _state(one: Ours, ink: Ink) -> tuple[str, Any]:
    if one.undone:
        return "undone", ink.green
    return ("held", ink.yellow) if one.held else ("left", ink.red)


def _of_others(one: Leftover, now: datetime, paper: Paper) -> Iterator[str]:
    age_s = _age_s(one, now)
    known = [one.whose if one.whose != NOBODY else "", f"written by {one.by}" if one.by else "",
             f"{spoken_seconds(max(0.0, round(age_s)))} ago" if age_s is not None else ""]
    about = ", ".join(part for part in known if part)
    said = f"{one.what}: {one.says}{f' ({about})' if about else ''}"
    yield _row(paper.ink.yellow(f"{'others':<{_WORD}}"), said, paper)
    yield _row(" " * _WORD, f"undo, if {one.first}: {one.undo}", paper)


def _row(label: str, text: str, paper: Paper) -> str:
    """What a cluster says is written so that no terminal obeys it."""
    return f"  {label}{wrapped(escaped(text), paper.width, _WORD + 2)}"
