"""`chaos-runner validate FILE…`"""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from chaos_runner.cli.ink import out_ink
from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.fetching import is_url
from chaos_runner.experiment.findings import Finding
from chaos_runner.experiment.loading import NO_SETTINGS, Loaded, Web, load
from chaos_runner.experiment.project import NAMES, InvalidSettings, read_project, surroundings
from chaos_runner.redaction import fit


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--settings", metavar="FILE", help="Chaos Toolkit's settings, looked at too (default: those of `run`).")
@click.option("--no-verify-tls", is_flag=True, help="Fetch an experiment without looking at the certificate.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def command(files: tuple[str, ...], *, settings: str | None, no_verify_tls: bool, as_json: bool) -> None:
    """Say everything that is wrong with experiment files, all at once. Runs nothing, changes nothing.

    The chaos.yaml that holds for a file is looked at too; one may also be given itself. Of a file without errors it
    also says what an experienced reader would: no stop rule, no way back, a probe that the fault blinds, and other
    traps (W4..). Exit code 0 when no finding is an error, 2 otherwise. Python modules that a file names are imported.
    """
    web = _web(settings, verify_tls=not no_verify_tls) if settings or any(map(is_url, files)) else NO_SETTINGS
    checked = [_checked(file, web) for file in files]
    findings = list(dict.fromkeys(finding for one in checked for finding in one.findings))
    if as_json:
        click.echo(msgspec.json.encode({"findings": [row(finding) for finding in findings]}).decode())
    elif findings:
        sources = {file: text for one in checked for file, text in one.sources.items()}
        click.echo(render(findings, sources, color=out_ink().on))
    if not as_json:
        for one in checked:
            if one.ok:
                click.echo(f"{one.file}: valid")
    sys.exit(0 if all(one.ok for one in checked) else 2)


class _Checked(Struct, frozen=True, kw_only=True):
    """A file, and everything that was found in it and in the chaos.yaml above it."""

    file: str
    ok: bool
    findings: list[Finding]
    sources: dict[str, str]


def _web(settings: str | None, *, verify_tls: bool) -> Web:
    """How to fetch, by the settings that a run would have. Raises UsageError for what is wrong with these."""
    from chaos_runner.guests import read_settings, runtime_of

    found = read_settings(settings)
    runtime_of(found)
    return Web(found.get("auths") or {}, verify_tls=verify_tls)


def _checked(file: str, web: Web) -> _Checked:
    if Path(file).name in NAMES:
        return _of_settings(file, lambda: read_project(Path(file)))
    loaded = load(file, web)
    around = _of_settings(file, lambda: surroundings("-" if is_url(file) else file))
    return _Checked(file=file, ok=loaded.ok and around.ok, findings=[*_findings(loaded), *around.findings],
                    sources={**loaded.sources, **around.sources})


def _of_settings(file: str, read: Callable[[], object]) -> _Checked:
    """What is wrong with a chaos.yaml or a policy, where anything is. Raises UsageError for what cannot be read."""
    try:
        read()
    except InvalidSettings as problem:
        there = problem.document
        return _Checked(file=file, ok=False, findings=problem.findings, sources={there.file: there.text})
    return _Checked(file=file, ok=True, findings=[], sources={})


def _findings(loaded: Loaded) -> list[Finding]:
    """What loading found, and the traps in an experiment that could be run."""
    if not loaded.experiment:
        return list(loaded.findings)
    from chaos_runner.lint import lint

    return [*loaded.findings, *lint(loaded.experiment)]


def row(finding: Finding) -> dict[str, object]:
    """The finding for programs. What quotes a file may hold halves of characters, which JSON cannot."""
    told = {"file": finding.place.file, "message": finding.message, "help": finding.help or finding.found}
    return {"code": finding.code, "severity": finding.severity, "line": finding.place.line,
            "column": finding.place.column, **fit(told)}
