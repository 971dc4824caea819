"""`--upload s3://bucket/prefix`: the run's folder is kept there too, when it is complete."""

import os
from pathlib import Path
from typing import Final

import click

from chaos_runner.cli.ink import err_ink
from chaos_runner.errors import ChaosRunnerError

UPLOAD_VARIABLE: Final = "CHAOS_RUNNER_UPLOAD"
"""The watchdog inherits it: what a dead run has left is kept as well, when it is recovered."""

option = click.option("--upload", envvar=UPLOAD_VARIABLE, metavar="S3://…", help=(
    "Keep the run's folder in S3 too, below this address: s3://bucket/path."))


def make_ready(address: str | None) -> None:
    """Raises UsageError for what is no address, before anything is done."""
    if address:
        from chaos_runner.targets.aws.addresses import S3, Address

        Address.of(address, S3)
        os.environ[UPLOAD_VARIABLE] = address


def upload(folder: Path, address: str | None) -> None:
    """Says where the folder is kept, or why it is not: the verdict and the exit code stand in any case."""
    if not address:
        return
    from chaos_runner.targets.aws.keeping import keep

    try:
        said = f"  uploaded  {keep(folder, address)}"
    except ChaosRunnerError as problem:
        said = (f"{err_ink().yellow('warning')}: the run's folder could not be kept in {address}: {problem}; it is "
                f"complete in {folder}")
    click.echo(said, err=True)
