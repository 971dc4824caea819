"""`chaos-runner recover --scan PLATFORM`: what was found is said on standard error, and printed with --json."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec import Struct

from chaos_runner.cli.ink import Ink, err_ink
from chaos_runner.clock import SystemClock
from chaos_runner.experiment.complaints import escaped
from chaos_runner.mark import own_key
from chaos_runner.recovery.scan import Row, Rules, Scanned, scan
from chaos_runner.run.verdict import NOT_RESTORED_EXIT

API_VARIABLE: Final = "TOXIPROXY_URL"
DEFAULT_API: Final = "http://127.0.0.1:8474"


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be scanned, and what may be undone."""

    platform: str
    reports: Path
    where: tuple[str, ...] = ()
    """Addresses of the platform, as it has them: a proxy's API, a Kubernetes context, a region of AWS."""
    expired_only: bool = False
    show_only: bool = False
    as_json: bool = False


def scan_and_tell(wanted: Wanted) -> int:
    """Scans, says what was found and done, and returns the exit code. Raises UsageError."""
    rules = Rules(now=SystemClock().now(), reports=wanted.reports, key=own_key(), expired_only=wanted.expired_only,
                  show_only=wanted.show_only)
    scanned = scan(wanted.platform, _addresses(wanted, os.environ), rules)
    click.echo("\n".join(_told(scanned, err_ink())), err=True)
    if wanted.as_json:
        click.echo(msgspec.json.encode(scanned).decode())
    return NOT_RESTORED_EXIT if scanned.left else 0


def _addresses(wanted: Wanted, environment: Mapping[str, str]) -> list[str]:
    """Those that are named, each once; else the platform's own first choice. Raises UsageError."""
    return list(dict.fromkeys(wanted.where)) or _at_home(wanted.platform, environment)


def _at_home(platform: str, environment: Mapping[str, str]) -> list[str]:
    match platform:
        case "proxy":
            return [environment.get(API_VARIABLE) or DEFAULT_API]
        case "kubernetes":
            from chaos_runner.targets.kubernetes.access import cluster

            return [cluster().context]
        case "aws":
            from chaos_runner.targets.aws.access import account

            return [account().region]
        case _:
            return []


def _told(scanned: Scanned, ink: Ink) -> Iterator[str]:
    if not scanned.runs and not scanned.unread:
        yield "no marks were found"
    for row in scanned.runs:
        yield from _of_run(row, ink)
    for unread in scanned.unread:
        yield f"{ink.red('unknown')}   {escaped(unread.where)}: {escaped(unread.error)}"


def _of_run(row: Row, ink: Ink) -> Iterator[str]:
    """What a platform says is written so that no terminal obeys it."""
    yield f"{ink.bold('run')}       {row.run}: {row.restored}"
    for label in row.undone:
        yield f"{ink.green('undone')}    {escaped(label)}"
    for label in row.drift:
        yield f"{ink.yellow('drift')}     {escaped(label)}: changed by someone else, left as it is"
    for one in row.shown:
        yield f"{ink.yellow('shown')}     {escaped(one.target)}: {one.fault}, {escaped(one.mark)}: {escaped(one.why)}"
    for one in row.unrestored:
        yield f"{ink.red('left')}      {escaped(one.target)}: {one.fault}, {escaped(one.mark)}: {escaped(one.why)}"
        if one.by_hand:
            yield f"          finish it with:  {escaped(one.by_hand)}"
