"""`chaos-runner validate FILE…`"""

import sys

import click
import msgspec

from chaos_runner.cli.ink import out_ink
from chaos_runner.experiment.complaints import render
from chaos_runner.experiment.findings import Finding
from chaos_runner.experiment.loading import load
from chaos_runner.redaction import fit


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def command(files: tuple[str, ...], *, as_json: bool) -> None:
    """Say everything that is wrong with experiment files, all at once. Runs nothing, changes nothing.

    Exit code 0 when no finding is an error, 2 otherwise. Python modules that a file names are imported.
    """
    loaded = [load(file) for file in files]
    findings = [finding for one in loaded for finding in one.findings]
    if as_json:
        click.echo(msgspec.json.encode({"findings": [row(finding) for finding in findings]}).decode())
    elif findings:
        click.echo(render(findings, {one.file: one.text for one in loaded}, color=out_ink().on))
    if not as_json:
        for one in loaded:
            if one.ok:
                click.echo(f"{one.file}: valid")
    sys.exit(0 if all(one.ok for one in loaded) else 2)


def row(finding: Finding) -> dict[str, object]:
    """The finding for programs. What quotes a file may hold halves of characters, which JSON cannot."""
    told = {"file": finding.place.file, "message": finding.message, "help": finding.help or finding.found}
    return {"code": finding.code, "severity": finding.severity, "line": finding.place.line,
            "column": finding.place.column, **fit(told)}
