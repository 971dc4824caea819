"""Prints the reference from the code, so that it cannot say anything else than the code does.

    python docs/print_reference.py            writes docs/reference/*.md and the printed parts of docs/journal.md
    python docs/print_reference.py --check    writes nothing; exit code 1 and the names of the pages that are stale
"""

import builtins
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from importlib import import_module
from inspect import cleandoc, getdoc
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

import click
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from chaos_runner import shelf
from chaos_runner.cli import catalogue
from chaos_runner.cli.main import COMMANDS, cli
from chaos_runner.contracts import Answer, Grade, NativeProbe
from chaos_runner.experiment.arguments import spoken_type, unit_of
from chaos_runner.experiment.codes import CODES
from chaos_runner.plan.build import words_of
from chaos_runner.run import events, measures, outcome
from chaos_runner.units import Unit, spoken

DOCS: Final = Path(__file__).parent
NOTE: Final = "<!-- Printed by `python docs/print_reference.py`: edit the code, not this page. -->"
_PART: Final = re.compile(r"(<!-- printed: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_LAYERS: Final = (
    ("E0", "A file that cannot be read"), ("E1", "Keys"), ("E2", "Values"), ("E3", "What an experiment refers to"),
    ("E4", "Schedules and notifications"), ("E5", "Game days"),
    (("W0", "W1", "W3"), "Warnings"), ("W4", "Traps in a valid experiment: warnings, and from W450 on advice"),
    ("V0", "Verdicts: good"), ("V1", "Verdicts: not started"), ("V2", "Verdicts: deviated"),
    ("V3", "Verdicts: interrupted or aborted"), ("V4", "Verdicts: error"), ("V5", "Verdicts: inconclusive"),
)
_WORDS: Final = (events.Stage, events.Phase, events.Refusal, events.StopKind, Grade, Answer, events.Verdict,
                 events.RestoredState)
_OUTCOME: Final = (outcome.Outcome, outcome.FaultOutcome, outcome.ProbeOutcome, measures.Detected,
                   outcome.StopOutcome, outcome.GateOutcome, events.Reason, outcome.UndoOutcome)


def main(words: list[str]) -> int:
    """Writes the pages, or with --check only compares them. Returns the exit code."""
    stale = [path for path, text in pages().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    names = [str(path.relative_to(DOCS.parent)) for path in stale]
    if words == ["--check"]:
        print("\n".join(f"{name} is stale: run `python docs/print_reference.py`" for name in names) or "fresh")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(pages()[path], encoding="utf-8")
    print("\n".join(f"wrote {name}" for name in names) or "nothing to do")
    return 0


def pages() -> Mapping[Path, str]:
    """Every page that is printed, whole or in parts, as it ought to be."""
    whole = {"faults": fault_page(), "probes": probe_page(), "codes": code_page(), "commands": command_page()}
    in_parts = {DOCS / name: (DOCS / name).read_text(encoding="utf-8") for name in ("journal.md", "kubernetes.md")}
    return {**{DOCS / "reference" / f"{name}.md": _joined(lines) for name, lines in whole.items()},
            **{path: _PART.sub(_part, text) for path, text in in_parts.items()}}


def _part(found: re.Match[str]) -> str:
    return f"{found[1]}{_joined(_PARTS[found[2]]())}{found[3]}"


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _head(title: str, text: str) -> Iterator[str]:
    yield from (f"# {title}", "", NOTE, "", text)


def table(heads: str, rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A table of Markdown. `heads` are separated by bars."""
    yield f"| {heads} |"
    yield "|" + "---|" * (heads.count("|") + 1)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


# ── faults and probes ───────────────────────────────────────────────────────────────────────────────────────────────

def fault_page() -> Iterator[str]:
    """Every fault with its target, its arguments and its way back."""
    yield from _head("Faults", "`chaos-runner faults` prints the same list. A fault's name is its path below "
                     "`chaos_runner/faults`.")
    for name in shelf.fault_names():
        fault = shelf.fault(name)
        back = catalogue.way_back(catalogue.fault_row(name))
        needs = [f"**Needs:** {fault.needs}.", ""] if fault.needs else []
        yield from ("", f"## {name}", "", says(type(fault)), "", f"**Way back:** {back}.", "", *needs,
                    f"In the report: {fault.band.word}.", "", f"`target:` {says(fault.target)}", "",
                    *arguments(fault.target), "")
        if fields(fault.arguments):
            yield from (f"`arguments:` {says(fault.arguments)}", "", *arguments(fault.arguments))
        else:
            yield "`arguments:` none."
        yield from ("", "```yaml part", *catalogue.in_yaml(catalogue.step(name, fault)), "```")


def faults_of(platform: str) -> Iterator[str]:
    """A table of a platform's faults: what each does, what it needs, how it comes back."""
    names = [name for name in shelf.fault_names() if name.startswith(f"{platform}.")]
    rows = ((f"[`{name}`](reference/faults.md#{name.replace('.', '')})", _does(name), shelf.fault(name).needs,
             catalogue.way_back(catalogue.fault_row(name))) for name in names)
    return table("fault | does | needs | how it comes back", rows)


def _does(name: str) -> str:
    return words_of(shelf.fault(name))[0]


def probes_of(platform: str) -> Iterator[str]:
    """A table of a platform's probes."""
    names = [name for name in shelf.probe_names() if name.startswith(f"{platform}.")]
    return table("probe | reads", ((f"[`{name}`](reference/probes.md#{name.replace('.', '')})",
                                    says(shelf.probe(name).read)) for name in names))


def probe_page() -> Iterator[str]:
    """Every probe with its arguments and the unit of what it reads."""
    yield from _head("Probes", "`chaos-runner probes` prints the same list. A probe's name is its file below "
                     "`chaos_runner/probes`, and the function in it.")
    for name in shelf.probe_names():
        probe = shelf.probe(name)
        yield from ("", f"## {name}", "", says(probe.read), "", f"**Reads:** {_reads(probe)}", "",
                    f"`arguments:` {says(probe.arguments)}", "", *arguments(probe.arguments), "",
                    "```yaml part", *catalogue.in_yaml(catalogue.question(probe)), "```")


def _reads(probe: NativeProbe) -> str:
    if probe.words:
        return f"one of the words {', '.join(probe.words)}: `equals: {probe.words[-1]}`."
    return {Unit.SECONDS: "a duration, so a limit has a unit: `below: 300ms`.",
            Unit.SHARE: "a share, so a limit has a percent sign: `below: 5%`.",
            Unit.BYTES: "a size, so a limit has a unit: `below: 10Mi`.",
            Unit.COUNT: "a plain number, so a limit needs no unit: `equals: 200`."}[probe.unit]


def says(thing: Any) -> str:
    """A docstring as flowing text."""
    return " ".join((getdoc(thing) or "").split())


def arguments(kind: type[Struct]) -> Iterator[str]:
    """A table of what may be given."""
    hints = get_type_hints(kind, include_extras=True)
    rows = ((f"`{field.encode_name}`", spoken_type(hints[field.name]), _default(field, hints[field.name]))
            for field in fields(kind))
    return table("name | wants | default", rows)


def _default(field: Any, hint: Any) -> str:
    if field.default is NODEFAULT:
        return "**required**" if field.default_factory is NODEFAULT else ""
    unit = unit_of(hint)
    if unit and field.default is not None:
        return f"`{spoken(field.default, unit).replace(' ', '')}`"
    words = {True: "`true`", False: "`false`"} if isinstance(field.default, bool) else {"": "", None: ""}
    return words.get(field.default, f"`{field.default}`")


# ── codes and commands ──────────────────────────────────────────────────────────────────────────────────────────────

def code_page() -> Iterator[str]:
    """Every code that a finding or a verdict can carry."""
    yield from _head("Codes", "`chaos-runner explain E101` prints one of these. E is an error in a file, W a warning, "
                     "V a reason for a verdict. Codes are stable.")
    for prefix, layer in _LAYERS:
        yield from ("", f"## {layer}")
        for code in (code for name, code in CODES.items() if name.startswith(prefix)):
            title = f"**{code.title[0].upper()}{code.title[1:]}.**"
            yield from ("", f"### {code.code}", "", f"{title} {' '.join(code.explanation.split())}")
            yield from _example("Instead of", code.example_wrong)
            yield from _example("write", code.example_right)


def _example(heading: str, text: str) -> Iterator[str]:
    if text:
        yield from ("", heading, "", "```text", text.rstrip(), "```")


def command_page() -> Iterator[str]:
    """Every command with its options, as `--help` has them."""
    yield from _head("Commands", cleandoc(cli.help or ""))
    yield from ("", "Every command has `-h` and `--help`.")
    for name in COMMANDS:
        yield from _command(f"chaos-runner {name}", import_module(f"chaos_runner.cli.{name}").command)


def _command(path: str, command: click.Command) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _command(f"{path} {name}", inner)
        return
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    yield from ("", f"## {path}", "", "```text", usage, "```", "", cleandoc(command.help or ""))
    options = list(_options(command, context))
    if options:
        yield from ("", *table("option | what it does", options))


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record and record[1]:
            yield f"`{record[0]}`", " ".join(record[1].split())


# ── the journal ─────────────────────────────────────────────────────────────────────────────────────────────────────

def event_table() -> Iterator[str]:
    """Every type of event."""
    return table("type | on disk first | fields beside `t` | what it says", (
        (f"`{kind.__name__}`", "yes" if kind.durable else "", _names(kind), says(kind))
        for kind in get_args(events.AnyEvent)))


def _names(kind: type[Struct]) -> str:
    return ", ".join(f"`{field.encode_name}`" for field in fields(kind) if field.encode_name != "t")


def word_table() -> Iterator[str]:
    """The fixed words of events and outcomes."""
    return table("what | words | meaning", ((kind.__name__, _members(kind), says(kind)) for kind in _WORDS))


def _members(kind: type[StrEnum]) -> str:
    return ", ".join(f"`{member}`" for member in kind)


def outcome_tables() -> Iterator[str]:
    """The fields of outcome.json."""
    for kind in _OUTCOME:
        yield from ("", f"**{kind.__name__}.** {says(kind)}", "")
        yield from table("field | kind", ((f"`{field.encode_name}`", _kind(field.type)) for field in fields(kind)))


def _kind(hint: Any) -> str:
    inner = [_kind(member) for member in get_args(hint)]
    match get_origin(hint):
        case None:
            return _KINDS.get(hint) or str(hint.__name__)
        case builtins.list:
            return f"list of {inner[0]}"
        case builtins.dict:
            return "mapping"
        case _:
            return " or ".join(inner)


_KINDS: Final = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "null",
                 Any: "anything"}
_PARTS: Final = {"events": event_table, "words": word_table, "outcome": outcome_tables,
                 "kubernetes_faults": partial(faults_of, "kubernetes"),
                 "kubernetes_probes": partial(probes_of, "kubernetes")}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
