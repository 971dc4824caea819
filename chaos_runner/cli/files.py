"""Loading what a command was given, and leaving with every complaint when it cannot be followed."""

from collections.abc import Sequence

import click
from msgspec import structs

from chaos_runner import wiring
from chaos_runner.cli.complained import Complained
from chaos_runner.cli.ink import err_ink
from chaos_runner.experiment.fetching import is_url
from chaos_runner.experiment.loading import NO_SETTINGS, Loaded, Web, load
from chaos_runner.experiment.project import InvalidSettings, Surroundings, surroundings
from chaos_runner.experiment.toolkit import overrides
from chaos_runner.plan.build import Wishes
from chaos_runner.report.folders import reports_folder


def load_or_leave(file: str, web: Web = NO_SETTINGS) -> Loaded:
    """The loaded file; its warnings are said. Leaves with exit code 2 and every complaint when there are errors."""
    loaded = load(file, web)
    if loaded.findings:
        from chaos_runner.experiment.complaints import render

        click.echo(render(loaded.findings, loaded.sources, color=err_ink().on), err=True)
    if not loaded.ok:
        raise Complained(loaded.findings)
    return loaded


def surroundings_or_leave(file: str, environment: str) -> Surroundings:
    """What holds for the file beside itself. Leaves with exit code 2 and every complaint about chaos.yaml or a policy.

    Raises UsageError.
    """
    try:
        return surroundings("-" if is_url(file) else file, environment)
    except InvalidSettings as problem:
        from chaos_runner.experiment.complaints import render

        sources = {problem.document.file: problem.document.text}
        click.echo(render(problem.findings, sources, color=err_ink().on), err=True)
        said = f"{problem}, so nothing is run: a safeguard that is misspelt would be none"
        click.echo(f"{err_ink().red('error')}: {said}", err=True)
        raise Complained(problem.findings, problem.exit_code) from problem


def request_from(file: str, environment: str, wishes: Wishes, variables: Sequence[str],
                 variable_files: Sequence[str]) -> wiring.Request:
    """What a run of that file would be. Leaves with every complaint when it cannot be followed. Raises UsageError."""
    held = surroundings_or_leave(file, environment)
    request = wiring.request_for(load_or_leave(file), reports_folder(None, held.project), variables,
                                 structs.replace(wishes, surroundings=held))
    return structs.replace(request, overrides=overrides((), variable_files))
