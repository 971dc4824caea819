"""Every code a finding can carry, and what `chaos-runner explain CODE` says about it.

E001 to E019 and W001 to W009 are the text layer's: a file that cannot be read, or that reads as something else than
it seems.
"""

from collections.abc import Iterable, Mapping
from textwrap import indent
from types import MappingProxyType
from typing import Final

from chaos_runner.errors import UsageError
from chaos_runner.experiment.code import Code
from chaos_runner.experiment.format_codes import FORMAT_CODES, VERDICT_CODES
from chaos_runner.experiment.gameday_codes import GAMEDAY_CODES
from chaos_runner.experiment.lint_codes import LINT_CODES
from chaos_runner.experiment.notify_codes import NOTIFY_CODES
from chaos_runner.experiment.schedule_codes import SCHEDULE_CODES
from chaos_runner.experiment.suggest import did_you_mean


def explain(code: str) -> str:
    """The whole explanation for a terminal, ending in a line break. Raises UsageError for a code nobody gives."""
    found = CODES.get(code.strip().upper())
    if not found:
        raise UsageError(_no_such_code(code))
    parts = [f"{found.code}  {found.title}", found.explanation]
    parts += _example("Instead of", found.example_wrong)
    parts += _example("write", found.example_right)
    return "\n\n".join(parts) + "\n"


def _example(heading: str, text: str) -> list[str]:
    return [f"{heading}\n\n{indent(text.rstrip(), '    ')}"] if text else []


def _no_such_code(code: str) -> str:
    close = did_you_mean(code.strip().upper(), CODES)
    return f"no finding has the code {code[:20]!r}" + (f": did you mean {close}?" if close else "")


_TEXT_LAYER: Final = (
    Code("E001", "the file is too large",
         "A file of more than 10 MiB is not read. Experiments are written by people and have kilobytes; this\n"
         "is most likely a journal or a data file."),
    Code("E002", "the file is not text",
         "Files are UTF-8, with or without a byte order mark, or UTF-16 with one. The excerpt shows a\n"
         "replacement character where the first unreadable byte stands. Most editors save as UTF-8 by \"save\n"
         "with encoding\"."),
    Code("E003", "the file holds a control character",
         "Control characters cannot be seen in an editor and can change what a terminal shows, so YAML forbids\n"
         "them. NUL characters in every second place mean UTF-16 without a byte order mark: save the file as\n"
         "UTF-8."),
    Code("E004", "the file is empty",
         "There is nothing in it but space and comments. The smallest experiment has a title, a description and a\n"
         "method.",
         "# to be written", "title: Customers can pay\nmethod: []"),
    Code("E005", "the file does not hold a mapping",
         "A file begins with keys, each followed by a colon. A list or a single value at the top has no place\n"
         "for a title or a method.",
         "- name: stop a worker", "title: Customers can pay\nmethod:\n  - name: stop a worker"),
    Code("E006", "several documents in one file",
         "A line of three hyphens begins a new YAML document. One file is one experiment: the rest would be\n"
         "ignored.",
         "title: one\n---\ntitle: two", "title: one"),
    Code("E007", "not valid YAML",
         "The text cannot be read from the marked place on, so nothing after it was checked. Most often a text\n"
         "holds `: ` or begins with one of @ ` % * & { [ and needs quotes, or a line is indented by one space\n"
         "too many.",
         "title: checkout: stays fast", 'title: "checkout: stays fast"'),
    Code("E008", "a tab in the indentation",
         "YAML indents with spaces only, as a tab has no agreed width.",
         "method:\n\t- name: stop a worker", "method:\n  - name: stop a worker"),
    Code("E009", "not valid JSON",
         "The text cannot be read from the marked place on, so nothing after it was checked. JSON has no\n"
         "comments, no comma before a closing bracket, and double quotes around every key. YAML is more\n"
         "generous: a file named .yaml may hold the same.",
         '{"title": "Customers can pay", "method": [],}', '{"title": "Customers can pay", "method": []}'),
    Code("E010", "the same key twice in one mapping",
         "Readers keep the last of the two without a word, so a second `method:` would make the first one\n"
         "disappear.",
         "title: one\nmethod: []\ntitle: two", "title: two\nmethod: []"),
    Code("E011", "a key that is not text",
         "YAML reads unquoted numbers, dates and the words yes, no, on, off, true, false and null as values of\n"
         "their own kind, also where they are keys. Chaos Toolkit would look for the text and not find it.",
         "arguments:\n  on: 200\n  404: retry", 'arguments:\n  "on": 200\n  "404": retry'),
    Code("E012", "a tag without a meaning here",
         "Tags such as !!python/object make YAML create objects, which a file from elsewhere must never do.\n"
         "Known are only those of ordinary values: !!str, !!int, !!float, !!bool, !!null, !!timestamp,\n"
         "!!binary, !!map and !!seq. A single = or << is a tag in disguise and needs quotes.",
         "title: !Sub checkout", "title: checkout"),
    Code("E013", "nested too deeply",
         "More than 100 mappings and lists inside one another. No experiment needs that; a file made by a\n"
         "program that went wrong does."),
    Code("E014", "too many values",
         "More than 30,000 values, where each use of an alias counts as everything the alias stands for: ten\n"
         "lines of aliases of aliases can otherwise fill the memory of the machine."),
    Code("E015", "an anchor inside itself",
         "The alias stands within what its anchor names, so the value would have no end.",
         "x-step: &step\n  then: *step", "x-step: &step\n  then: nothing"),
    Code("E016", "an alias without an anchor",
         "`*name` repeats what `&name` marked further above, and each name is marked once. Text that begins\n"
         "with an asterisk needs quotes.",
         "title: *checkout", 'title: "*checkout"'),
    Code("E017", "a value that cannot be read",
         "It has the form of a date or a number, or carries a tag that says so, but is none: the 13th month, a\n"
         "number of a thousand digits, half of a character.",
         "title: 2026-13-45", 'title: "2026-13-45"'),
    Code("E018", "not a number of JSON",
         "JSON has no NaN and no Infinity. Python reads them all the same, other programs do not, and a limit\n"
         "of NaN is never met.",
         '{"tolerance": NaN}', '{"tolerance": null}'),
    Code("E019", "nothing to merge",
         "`<<` takes over the keys of another mapping, given by an alias, or of a list of mappings.",
         "provider:\n  <<: defaults", "x-defaults: &defaults {timeout: 3}\nprovider:\n  <<: *defaults"),
    Code("W001", "a word that is read as true or false",
         "YAML 1.1 reads unquoted yes, no, on and off as truth values, and Chaos Toolkit does so too. A\n"
         "country code NO becomes false. Quotes make it text; true and false say it plainly.",
         "arguments:\n  country: NO", 'arguments:\n  country: "NO"'),
    Code("W002", "a number that is read in base 8",
         "A leading zero makes YAML 1.1 read a number in base 8: 010 is eight. Leave the zero out, or quote\n"
         "the text.",
         "arguments:\n  id: 010", 'arguments:\n  id: "010"'),
    Code("W003", "a number that is read in base 60",
         "YAML 1.1 reads unquoted numbers with colons in base 60: 1:30 is ninety. Times and port mappings need\n"
         "quotes.",
         "arguments:\n  at: 1:30", 'arguments:\n  at: "1:30"'),
)


def _by_code(*layers: Iterable[Code]) -> Mapping[str, Code]:
    """All of them, sorted. Raises ValueError when a code is given twice."""
    known: dict[str, Code] = {}
    for code in (code for layer in layers for code in layer):
        if code.code in known:
            raise ValueError(f"{code.code} means both {known[code.code].title!r} and {code.title!r}")
        known[code.code] = code
    return MappingProxyType(dict(sorted(known.items())))


CODES: Final[Mapping[str, Code]] = _by_code(_TEXT_LAYER, FORMAT_CODES, SCHEDULE_CODES, NOTIFY_CODES, GAMEDAY_CODES,
                                             LINT_CODES, VERDICT_CODES)
