"""`chaos-runner validate FILE…`"""

import sys

import click
import msgspec

from chaos_runner.cli.ink import out_ink
from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.findings import Finding
from chaos_runner.experiment.loading import Loaded, load
from chaos_runner.redaction import fit


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def command(files: tuple[str, ...], *, as_json: bool) -> None:
    """Say everything that is wrong with experiment files, all at once. Runs nothing, changes nothing.

    Of a file without errors it also says what an experienced reader would: no stop rule, no way back, a probe that the
    fault blinds, and other traps (W4..). Exit code 0 when no finding is an error, 2 otherwise. Python modules that a
    file names are imported.
    """
    loaded = [load(file) for file in files]
    findings = [finding for one in loaded for finding in _findings(one)]
    if as_json:
        click.echo(msgspec.json.encode({"findings": [row(finding) for finding in findings]}).decode())
    elif findings:
        click.echo(render(findings, _sources(loaded), color=out_ink().on))
    if not as_json:
        for one in loaded:
            if one.ok:
                click.echo(f"{one.file}: valid")
    sys.exit(0 if all(one.ok for one in loaded) else 2)


def _sources(loaded: list[Loaded]) -> dict[str, str]:
    return {file: text for one in loaded for file, text in one.sources.items()}


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
