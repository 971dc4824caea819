"""What a shell offers after a command: files, runs, faults, probes, codes, environments. Only looks, never fails."""

import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem
from click.types import StringParamType

_RUNS_MOST: Final = 50


class Offered(StringParamType):
    """Any text, as before; and what to offer for the beginning of one."""

    def __init__(self, offer: Callable[[click.Context, str], list[CompletionItem]]) -> None:
        self._offer = offer

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str,  # noqa: ARG002 -- click's
    ) -> list[CompletionItem]:
        return self._offer(ctx, incomplete)


def teach(command: click.Command) -> None:
    """Gives each of the command's parameters what its metavar asks for: whatever is called RUN is offered runs.

    Called only when a shell asks, so that no other start pays for it.
    """
    for param in command.params:
        word = "ENV" if "--env" in param.opts else param.metavar or param.human_readable_name
        kind = word.strip("[]….").upper().partition(" ")[0]
        if kind in _OFFERS and not isinstance(param.type, click.Path | click.File | click.Choice):
            param.type = Offered(_OFFERS[kind])


def _files(ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- every offer has both
    return [CompletionItem(incomplete, type="file")]


def _runs(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """The newest runs first, `latest` before them. Their titles help where a shell shows them."""
    reports = ctx.params.get("reports") or os.environ.get("CHAOS_RUNNER_REPORTS") or "reports"
    folders = sorted((Path(reports) / "runs").glob(f"{_plain(incomplete).upper()}*"), reverse=True)
    found = [CompletionItem(folder.name, help=_verdict(folder)) for folder in islice(folders, _RUNS_MOST)]
    return [*_beginning(["latest"], incomplete), *found]


def _plain(text: str) -> str:
    """Without what `glob` would understand."""
    return "".join(letter for letter in text if letter.isalnum())


def _verdict(folder: Path) -> str:
    import json

    try:
        outcome = json.loads((folder / "outcome.json").read_bytes())
        return f"{outcome['verdict']}: {outcome['title']}".partition("\n")[0]
    except (OSError, ValueError, KeyError, TypeError):
        return "no outcome yet"


def _faults(ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- every offer has both
    from chaos_runner.shelf import fault_names

    return _beginning(fault_names(), incomplete)


def _probes(ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- every offer has both
    from chaos_runner.shelf import probe_names

    return _beginning(probe_names(), incomplete)


def _codes(ctx: click.Context, incomplete: str) -> list[CompletionItem]:  # noqa: ARG001 -- every offer has both
    from chaos_runner.experiment.codes import CODES

    return [CompletionItem(code, help=known.title) for code, known in CODES.items()
            if code.startswith(incomplete.upper())]


def _environments(ctx: click.Context, incomplete: str) -> list[CompletionItem]:
    """Those of the `chaos.yaml` that holds for the experiment, as far as it can be read."""
    from chaos_runner.errors import UsageError
    from chaos_runner.experiment.project import project_above

    file: Any = ctx.params.get("files") or ctx.params.get("file") or ""
    first = file[0] if isinstance(file, tuple) else file
    folder = Path(first).absolute().parent if first else Path.cwd()
    try:
        return _beginning(project_above(folder).environments, incomplete)
    except (UsageError, OSError):
        return []


def _beginning(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


_OFFERS: Final = {"FILE": _files, "RUN": _runs, "RUNS": _runs, "FAULT": _faults, "PROBE": _probes, "CODE": _codes,
                  "ENV": _environments, "EXPERIMENT": _files}
