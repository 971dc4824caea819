"""Loading what a command was given, and leaving with every complaint when it cannot be followed."""

import sys

import click

from chaos_runner.cli.ink import err_ink
from chaos_runner.experiment.loading import NO_SETTINGS, Loaded, Web, load


def load_or_leave(file: str, web: Web = NO_SETTINGS) -> Loaded:
    """The loaded file; its warnings are said. Leaves with exit code 2 and every complaint when there are errors."""
    loaded = load(file, web)
    if loaded.findings:
        from chaos_runner.experiment.complaints import render

        click.echo(render(loaded.findings, loaded.sources, color=err_ink().on), err=True)
    if not loaded.ok:
        sys.exit(2)
    return loaded
