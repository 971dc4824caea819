"""`chaos-runner new FAULT`"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from chaos_runner.cli.drafts.draft import DURATION, Wish, draft, look, question
from chaos_runner.errors import UsageError

SCHEMA = ".schema.json"


@click.command()
@click.argument("fault", metavar="FAULT")
@click.option("--target", "target", multiple=True, metavar="KEY=VALUE", help="What is settled of the target.")
@click.option("--argument", "arguments", multiple=True, metavar="KEY=VALUE", help="What is settled of the arguments.")
@click.option("--duration", default=DURATION, show_default=True, metavar="TIME", help="How long the fault acts.")
@click.option("--url", default="", metavar="URL", help="Where customers ask the service.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write it there, unless there is a file; else it is printed.")
def command(fault: str, target: tuple[str, ...], arguments: tuple[str, ...], out: Path | None, **more: str) -> None:
    """Write an experiment with FAULT to begin with: valid, with comments, for what is there now.

    The target is chosen among what can be found: proxies of the API at $TOXIPROXY_URL, processes that listen,
    interfaces. The probes are the project's own (probes/*.yaml) where some ask how fast, else two at --url. Looks only;
    changes nothing.
    """
    from chaos_runner.cli.catalogue import fault_named
    from chaos_runner.experiment.reusable import Library

    known = fault_named(fault)
    wish = Wish(name=fault, target=settled("target", known.target, target),
                arguments=settled("arguments", known.arguments, arguments), schema=_schema(out), **more)
    found = look(wish, known)
    folder = out.absolute().parent if out else Path.cwd()
    text = draft(wish, known, found, question(wish, found, Library(folder)))
    sys.exit(_hand_over(text, out, found.note))


def settled(group: str, kind: type[Struct], words: Sequence[str]) -> dict[str, Any]:
    """The values as a file would have them. Raises UsageError for what the fault does not take."""
    from chaos_runner.experiment.arguments import complaints, names
    from chaos_runner.experiment.suggest import did_you_mean

    given = dict(_pair(group, word) for word in words)
    typed = {name: _typed(kind, name, text) for name, text in given.items()}
    for problem in complaints(kind, typed):
        if problem.unknown:
            close = did_you_mean(problem.name, names(kind))
            raise UsageError(f"{group} has no {problem.name}: it has {', '.join(names(kind)) or 'nothing'}"
                             + (f'; did you mean "{close}"?' if close else ""))
        if not problem.missing:
            raise UsageError(f"{group} {problem.name}: {problem.wanted}")
    return typed


def _pair(group: str, word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise UsageError(f"{group} wants KEY=VALUE, such as --target name=nginx, not {word!r}")
    return name, value


def _typed(kind: type[Struct], name: str, text: str) -> Any:
    """The text itself where a text is wanted; else what YAML makes of it, or of its parts between commas."""
    import yaml

    from chaos_runner.experiment.arguments import complaints

    def fits(value: Any) -> bool:
        return not [one for one in complaints(kind, {name: value}) if one.name == name]

    if fits(text):
        return text
    for candidate in (text, f"[{text}]"):
        try:
            value = yaml.safe_load(candidate)
        except yaml.YAMLError:
            continue
        if fits(value):
            return value
    return text


def _schema(out: Path | None) -> str:
    """The schema that `init` has put beside the experiments, for editors."""
    return SCHEMA if out and (out.absolute().parent / SCHEMA).is_file() else ""


def _hand_over(text: str, out: Path | None, note: str) -> int:
    """Prints or writes it, and says what is to be known of it. Writes nothing that is not valid. Returns the exit code.
    """
    from chaos_runner.cli.drafts.writing import written
    from chaos_runner.experiment.complaints import escaped

    if not _is_valid(text, str(out) if out else "draft.yaml"):
        return 2
    if note:
        click.echo(f"note: {escaped(note)}", err=True)
    if not out:
        click.echo(text, nl=False)
    elif written(out, text):
        click.echo(f"wrote {out}\n  next: chaos-runner plan {out}", err=True)
    else:
        raise UsageError(f"{out} is there already, and stays as it is; give --out another name")
    return 0


def _is_valid(text: str, file: str) -> bool:
    """Says what `validate` would: nothing, unless what was settled makes it so."""
    from chaos_runner.cli.ink import err_ink
    from chaos_runner.experiment.complaints import render
    from chaos_runner.experiment.loading import load_text
    from chaos_runner.lint import lint

    loaded = load_text(text.encode(), file)
    findings = [*loaded.findings, *(lint(loaded.experiment) if loaded.experiment else ())]
    if findings:
        click.echo(render(findings, loaded.sources, color=err_ink().on), err=True)
    return loaded.ok
