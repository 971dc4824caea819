"""`chaos-runner schedule list|next|preview|log|check|due|pause|resume|run-now|enable|disable|export`"""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chaos_runner.cli import schedule_files, schedule_times
from chaos_runner.cli.as_json import json_option, print_json
from chaos_runner.cli.daemon_options import Where, duration_s, where_options
from chaos_runner.cli.ink import out_ink
from chaos_runner.cli.schedule_daemon import check_alive, log, pause, resume, run_now
from chaos_runner.errors import Refused, UsageError

if TYPE_CHECKING:
    from chaos_runner.schedule.model import Schedule
    from chaos_runner.schedule.occurrences import Occurrence


@click.group()
def command() -> None:
    """When experiments run by themselves: what is due, what is skipped, and why.

    A FILE is a schedule's file, or its name: that of a file in `schedules/`, looked for from here upwards. Where
    none is given, all of them are meant.
    """

_files = click.argument("files", nargs=-1, metavar="[FILE…]")
_file = click.argument("file", metavar="FILE")
_from = click.option("--from", "since", metavar="TIME", default="",
                     help="From then on, and not from now: 2026-11-23 (in UTC), or 2026-11-23T10:00+01:00.")


@command.command("list")
@_files
@json_option
def listed(files: tuple[str, ...], *, as_json: bool) -> None:
    """List the schedules, each with its next due time."""
    from chaos_runner.cli import timetable
    from chaos_runner.schedule.occurrences import next_due

    loaded, now = schedule_files.load(files), schedule_times.now()
    ready = [(one.schedule, next_due(one.schedule, now)) for one in loaded if one.schedule]
    broken = [one.file for one in loaded if one.schedule is None]
    if as_json:
        heads = [timetable.head(*pair) for pair in ready]
        print_json({"schedules": heads, "invalid": broken})
        return
    ink = out_ink()
    for schedule, following in ready:
        click.echo(f"{timetable.headline(schedule, ink)}\n{timetable.details(schedule)}")
        click.echo(f"  {timetable.line(following, schedule.zone, ink)}" if following else "  never due")
    for file in broken:
        click.echo(f"{ink.red('not valid')}: {file}: chaos-runner schedule check {file}")


@command.command("next")
@_files
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many of each.")
@_from
@json_option
def following_ones(files: tuple[str, ...], *, count: int, since: str, as_json: bool) -> None:
    """Show the next times at which schedules are due, in their zone and in UTC."""
    from chaos_runner.cli import timetable
    from chaos_runner.schedule.occurrences import Status, following

    begin, ready = schedule_times.moment(since), schedule_files.ready(files)
    found = [(schedule, list(islice((one for one in following(schedule, begin) if one.status is Status.DUE), count)))
             for schedule in ready]
    if as_json:
        print_json({"occurrences": [timetable.row(one, schedule.zone) for schedule, due in found for one in due]})
        return
    ink = out_ink()
    for schedule, due in found:
        click.echo(timetable.headline(schedule, ink))
        click.echo("\n".join(f"  {timetable.line(one, schedule.zone, ink)}" for one in due) or "  never due")


@command.command()
@_files
@_from
@click.option("--days", type=click.IntRange(1, 3660), default=90, show_default=True, help="How far to look.")
@json_option
def preview(files: tuple[str, ...], *, since: str, days: int, as_json: bool) -> None:
    """Show a calendar: what is due, what is skipped and why, changes of the clocks, and which runs would meet.

    A schedule that is not enabled is shown as if it were.
    """
    from chaos_runner.schedule.collisions import Course, collisions
    from chaos_runner.schedule.occurrences import occurrences

    begin = schedule_times.moment(since)
    end = begin + timedelta(days=days)
    loaded = schedule_files.valid(schedule_files.load(files))
    found = [(one, schedule, occurrences(schedule, begin, end)) for one in loaded if (schedule := one.schedule)]
    met = collisions([Course(schedule=schedule.name, env=schedule.env, grounds=one.grounds, occurrences=told)
                      for one, schedule, told in found])
    _show([(schedule, told) for _, schedule, told in found], met, (begin, end), as_json=as_json)


@command.command()
@_files
@click.option("--alive", is_flag=True, help="For a monitor: look at the daemons too, and at what they did lately.")
@click.option("--within", metavar="DURATION", default="1d", show_default=True, help="What lately is, for --alive.")
@where_options
@json_option
def check(files: tuple[str, ...], *, alive: bool, within: str, where: Where, as_json: bool) -> None:
    """Say everything that is wrong with schedules: also one that is never due, as no run of it fits its hours.

    Exit code 0 when no finding is an error, 2 otherwise. With --alive exit code 5 when no daemon is at work, when
    something was missed or not restored lately, or a run should be over and is not.
    """
    if alive:
        check_alive(within, where, as_json=as_json)
    from chaos_runner.clock import SystemClock
    from chaos_runner.schedule import loading

    loaded = schedule_files.load(files)
    found = {one.file: [*one.findings, *loading.check(one, SystemClock())] for one in loaded}
    valid = [one.file for one in loaded
             if one.schedule and not any(finding.code.startswith("E") for finding in found[one.file])]
    findings = list(dict.fromkeys(finding for some in found.values() for finding in some))
    if as_json:
        from chaos_runner.cli.validate import row

        print_json({"findings": [row(finding) for finding in findings]})
    else:
        schedule_files.complain(loaded, findings, err=False)
        for file in valid:
            click.echo(f"{file}: valid")
    sys.exit(0 if len(valid) == len(loaded) else UsageError.exit_code)


@command.command()
@_file
@click.option("--within", metavar="DURATION", default="1m", show_default=True,
              help="How long ago it may have been due.")
@click.option("--wait", is_flag=True, help="Wait for the jitter to pass.")
@json_option
def due(file: str, *, within: str, wait: bool, as_json: bool) -> None:
    """Say whether a schedule is due now, for a cron of others to ask before it starts a run.

    Exit code 0 when a run may start now, 3 when none may: not due, skipped, or not enabled.
    """
    from chaos_runner.cli import timetable
    from chaos_runner.schedule.occurrences import Status, occurrences

    [schedule] = schedule_files.ready((file,))
    now, most_s = schedule_times.now(), duration_s("--within", within)
    found = occurrences(schedule, now - timedelta(seconds=most_s), now + timedelta(microseconds=1))
    latest = next((one for one in reversed(found) if one.status is Status.DUE), found[-1] if found else None)
    why = _why_not(schedule, latest)
    if latest and not why:
        if wait and latest.starts > now:
            time.sleep((latest.starts - now).total_seconds())
        why = _late(schedule, latest)
    if as_json:
        told = timetable.row(latest, schedule.zone) if latest else None
        print_json({"due": not why, "reason": why, "occurrence": told})
    else:
        click.echo(f"{schedule.name}: {why or 'due'}")
    sys.exit(Refused.exit_code if why else 0)


@command.command()
@_file
def enable(file: str) -> None:
    """Switch a schedule on, in its file. Nothing else in it is changed. One with errors stays off."""
    schedule_files.ready((file,))
    _switch(file, enabled=True)


@command.command()
@_file
def disable(file: str) -> None:
    """Switch a schedule off, in its file. Nothing else in it is changed."""
    _switch(file, enabled=False)


@command.command()
@_file
@click.option("--kubernetes", is_flag=True, required=True, help="As a CronJob.")
@click.option("--image", required=True, metavar="IMAGE", help="The image that holds chaos-runner and the project.")
@click.option("--workdir", default="/work", show_default=True, metavar="DIR", help="The project's folder in the image.")
@click.option("--namespace", default="", metavar="NAME", help="Where the CronJob is to stand.")
@click.option("--service-account", default="", metavar="NAME", help="Who its pods are.")
def export(file: str, *, image: str, workdir: str, namespace: str, service_account: str, **_: Any) -> None:
    """Print a schedule as YAML for another scheduler.

    A CronJob knows nothing of hours, holidays, blackouts and jitter, so its pod asks `schedule due` first. It is
    suspended while the schedule is not enabled.
    """
    import yaml

    from chaos_runner.schedule.cronjob import Place, cronjob

    [schedule] = schedule_files.ready((file,))
    place = Place(image=image, folder=workdir, namespace=namespace, service_account=service_account)
    click.echo(yaml.safe_dump(cronjob(schedule, place), sort_keys=False, width=1000), nl=False)


for asked in (log, pause, resume, run_now):
    command.add_command(asked)


# ── being due ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def _why_not(schedule: "Schedule", latest: "Occurrence | None") -> str:
    if not schedule.enabled:
        return "not enabled"
    return latest.reason if latest else "not due"


def _late(schedule: "Schedule", latest: "Occurrence") -> str:
    """A run that starts later than it was due must fit the hours too."""
    from chaos_runner.schedule.diary import Diary

    now = schedule_times.now()
    if now < latest.starts:
        return f"due in {(latest.starts - now).total_seconds():.0f} s"
    refusal = Diary(schedule, now, now).refusal(now)
    return refusal.reason if refusal else ""


# ── telling ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def _show(found: "list[tuple[Schedule, list[Occurrence]]]", met: Sequence[Any], span: tuple[datetime, datetime], *,
          as_json: bool) -> None:
    from chaos_runner.calendar import zones
    from chaos_runner.cli import timetable

    rows = [(one, zone) for schedule, told in found for zone in (schedule.zone,) for one in told]
    names = sorted({schedule.timezone for schedule, _ in found})
    changes = [change for name in names for change in zones.changes(name, *span)]
    if as_json:
        ordered = sorted(rows, key=lambda row: (row[0].due, row[0].schedule))
        print_json({"occurrences": [timetable.row(*row) for row in ordered], "collisions": met, "changes": changes})
        return
    ink = out_ink()
    heads = [line for schedule, _ in found for line in (timetable.headline(schedule, ink), timetable.details(schedule))]
    tail = [timetable.collision_line(one, ink) for one in met]
    click.echo("\n".join([*heads, "", *timetable.calendar(rows, changes, ink), "", *tail,
                          timetable.counted([one for one, _ in rows])]))


def _switch(file: str, *, enabled: bool) -> None:
    from chaos_runner.schedule.editing import with_enabled

    path = Path(os.path.realpath(schedule_files.path_of(file)))
    try:
        before = path.read_bytes()
        after = with_enabled(before, str(file), enabled=enabled)
        if after != before:
            _write(path, after)
    except OSError as problem:
        raise UsageError(f"{path}: {problem.strerror}") from problem
    state = "enabled" if enabled else "not enabled"
    click.echo(f"{schedule_files.spoken(str(path))}: {'was' if after == before else 'is'} {state}"
               f"{' already' if after == before else ''}")


def _write(path: Path, text: bytes) -> None:
    """Whole, or as it was; with the rights that the file had. Raises OSError."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(text)
        shutil.copymode(path, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
