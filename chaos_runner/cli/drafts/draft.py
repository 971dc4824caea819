"""An experiment to begin with: valid, without a trap, and with a comment wherever somebody has to decide."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any, Final

from msgspec import Struct

from chaos_runner.cli.catalogue import arguments, first_sentences, wrapped
from chaos_runner.cli.drafts.yaml import flow
from chaos_runner.contracts import Candidate, Fault
from chaos_runner.errors import ActFailed, Refused, UsageError
from chaos_runner.experiment.arguments import required
from chaos_runner.experiment.document import plain
from chaos_runner.experiment.model import Comparison
from chaos_runner.experiment.reusable import Library, Reusable

URL: Final = "http://127.0.0.1:8080/"
DURATION: Final = "20s"
_WIDTH: Final = 108
_BOUNDS: Final = ("at-most", "percent", "count")
_OTHERS_MOST: Final = 5
_SPEED, _STATUS = "http.latency", "http.status"
_STOP: Final = ("above: 499", "every: 500ms", "for: 5s                          # this long without a break")
_NAME: Final = re.compile(r"\$\{(\w+)\}")


class Wish(Struct, frozen=True, kw_only=True):
    """What whoever asks for a draft has settled: nothing but the fault must be."""

    name: str
    target: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    duration: str = DURATION
    url: str = ""
    schema: str = ""


class Found(Struct, frozen=True, kw_only=True):
    """The target that a draft is for, what else is there, and what the author should know of it."""

    target: dict[str, Any]
    called: str = ""
    port: int | None = None
    configuration: dict[str, Any] = {}
    others: Sequence[Candidate] = ()
    note: str = ""


class Question(Struct, frozen=True, kw_only=True):
    """How the draft asks whether customers are served: lines of each probe, of the stop rule, and what they refer to.
    """

    probes: Sequence[Sequence[str]]
    stop: Sequence[str]
    configuration: dict[str, Any]


# ── what is there ───────────────────────────────────────────────────────────────────────────────────────────────────

def look(wish: Wish, fault: Fault[Any, Any]) -> Found:
    """The target that is wished for, filled in from what is there now; else from the fault's example."""
    try:
        there = fault.candidates(wish.target)
    except (ActFailed, Refused, UsageError) as problem:
        return _invented(wish, fault, f"the target is an example, for {problem}")
    if not there:
        looks = type(fault).candidates is not Fault.candidates
        return _invented(wish, fault, "nothing was found to fill in the target: look at it before you run" * looks)
    first, *others = there
    target = filled(fault.target, first.target, wish.target)
    more = f", and {len(others)} other{'s are' if len(others) > 1 else ' is'} there" if others else ""
    note = f"the target is {first.label}{more}"
    return Found(target=target, called=first.label.partition(" (")[0], port=first.port,
                 configuration=first.configuration, others=others, note=note)


def _invented(wish: Wish, fault: Fault[Any, Any], note: str) -> Found:
    target = filled(fault.target, fault.example.target, wish.target)
    return Found(target=target, note="" if wish.target else note)


def filled(kind: type[Struct], base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The base where it has what is given; else that, with those keys of the base that it cannot do without: keys may
    exclude one another.
    """
    if given.items() <= base.items():
        return dict(base)
    bounds = () if any(key in given for key in _BOUNDS) else _BOUNDS
    return {**{key: value for key, value in base.items() if key in (*required(kind), *bounds)}, **given}


# ── whom to ask ─────────────────────────────────────────────────────────────────────────────────────────────────────

def question(wish: Wish, found: Found, library: Library, usual: str = URL) -> Question:
    """The project's own reusable probes, where it has some that ask how fast; else two at the service's address.

    `usual` is the address where neither the wish nor the environment names one.
    """
    own = {} if wish.url else _usable(library)
    return _reused(own, usual) if _SPEED in own else _asked_at(wish.url or _default_url(found))


def _default_url(found: Found) -> str:
    return f"http://127.0.0.1:{found.port}/" if found.port else os.environ.get("SERVICE_URL") or URL


def _usable(library: Library) -> dict[str, tuple[str, dict[str, Any]]]:
    """By what they ask, the first reusable probe with a condition, its name and what stands in it."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for own in library.probes:
        said = _said(own)
        if said.get("probe") in (_SPEED, _STATUS) and any(key in said for key in Comparison):
            found.setdefault(str(said["probe"]), (own.name, said))
    return found


def _said(own: Reusable) -> dict[str, Any]:
    data = plain(own.node)
    return data if isinstance(data, dict) else {}


def _reused(own: Mapping[str, tuple[str, dict[str, Any]]], usual: str) -> Question:
    probes = [[f"use: {flow(name)}"] for name, _ in own.values()]
    name, said = own.get(_STATUS, own[_SPEED])
    stop = [f"use: {flow(name)}", *_STOP] if _STATUS in own else _status_rule(said["arguments"]["url"])
    names = {one for _, said in own.values() for one in _names_in(said)}
    configuration = {one: _from_environment(one, usual) for one in sorted(names)}
    return Question(probes=probes, stop=stop, configuration=configuration)


def _names_in(data: Any) -> Iterable[str]:
    return _NAME.findall(str(data))


def _from_environment(name: str, usual: str) -> dict[str, str]:
    return {"type": "env", "key": name.upper(), "default": os.environ.get(name.upper()) or usual}


def _asked_at(url: str) -> Question:
    asks = f"arguments: {flow({'url': '${service_url}', 'timeout': '2s'})}"
    fast = ["name: the service answers within 300 ms", f"probe: {_SPEED}", asks, "below: 300ms",
            "every: 500ms                   # read so often, before, while and after the fault acts",
            "allow: 5%                      # this share of bad samples still holds"]
    well = ["name: the service answers 200", f"probe: {_STATUS}", asks, "equals: 200", "every: 500ms"]
    return Question(probes=(fast, well), stop=_status_rule("${service_url}"),
                    configuration={"service_url": {"type": "env", "key": "SERVICE_URL", "default": url}})


def _status_rule(url: str) -> list[str]:
    return [f"probe: {_STATUS}", f"arguments: {flow({'url': url, 'timeout': '2s'})}", *_STOP]


# ── the text ────────────────────────────────────────────────────────────────────────────────────────────────────────

def draft(wish: Wish, fault: Fault[Any, Any], found: Found, asked: Question) -> str:
    """The experiment's text."""
    return "\n".join([*_head(wish, fault, found), "", *_configuration({**asked.configuration, **found.configuration}),
                      *_hypothesis(asked), "", *_method(wish, fault, found), "", *_stop(asked)]) + "\n"


def _head(wish: Wish, fault: Fault[Any, Any], found: Found) -> Iterator[str]:
    if wish.schema:
        yield f"# yaml-language-server: $schema={wish.schema}"
    yield "# A draft: whatever has a comment is yours to decide. `chaos-runner plan FILE` shows whom it would hit and"
    yield "# how that comes back, and changes nothing; `chaos-runner run FILE` runs it, and Ctrl-C stops and undoes."
    yield f"title: {flow(f'Customers are served, quickly, despite {_called(wish, found)}')}"
    yield "description: >"
    yield from wrapped(first_sentences(fault), "  ")
    yield "  We believe that customers notice nothing of it, because ...   (say why: it is what the run is to show)"
    yield f"tags: {flow([wish.name.partition('.')[0]])}"


def _called(wish: Wish, found: Found) -> str:
    """The fault and its target in a few words."""
    words = [str(value) for key, value in found.target.items() if key not in _BOUNDS and isinstance(value, str | int)]
    called = found.called or (words[0] if words else "")
    return f"{wish.name} on {called[:60]}" if called else wish.name


def _configuration(configuration: Mapping[str, Any]) -> Iterator[str]:
    if not configuration:
        return
    yield "configuration:                       # from the environment, else the default; `run --var` beats both"
    yield from (f"  {name}: {flow(value)}" for name, value in configuration.items())
    yield ""


def _hypothesis(asked: Question) -> Iterator[str]:
    yield from ("steady-state-hypothesis:", "  title: Customers are served, quickly",
                "  baseline: 5s                       # how long \"before\" is measured",
                "  recovers-within: 30s               # after the last undo", "  probes:")
    for probe in asked.probes:
        yield from _item(probe, 4)


def _item(lines: Sequence[str], by: int) -> Iterator[str]:
    return (f"{' ' * by}{'  ' if number else '- '}{line}" for number, line in enumerate(lines))


def _method(wish: Wish, fault: Fault[Any, Any], found: Found) -> Iterator[str]:
    given = filled(fault.arguments, fault.example.arguments, wish.arguments)
    lines = [f"name: {flow(_called(wish, found))}", f"fault: {wish.name}"]
    if found.target:
        lines.append(f"target: {flow(found.target)}")
    lines += [f"# also there: {flow(other.target)}" for other in found.others[:_OTHERS_MOST]]
    if given:
        lines.append(f"arguments: {flow(given)}")
    lines += _more("target", fault.target, found.target) + _more("arguments", fault.arguments, given)
    yield from ("method:", *_item([*lines, *_lasts(wish, fault)], 2))


def _more(group: str, kind: type[Struct], given: Mapping[str, Any]) -> list[str]:
    """What may be given as well."""
    rest = [f"{row['name']} ({row['wants']})" for row in arguments(kind) if row["name"] not in given]
    return [f"# {line}" for line in wrap(f"more {group}: {', '.join(rest)}", _WIDTH)] if rest else []


def _lasts(wish: Wish, fault: Fault[Any, Any]) -> list[str]:
    if fault.healed_by:
        return [f"# nothing undoes it; time for {fault.healed_by}", f"pauses: {flow({'after': wish.duration})}"]
    return [f"duration: {flow(wish.duration):<23}# then it is undone, and read back"]


def _stop(asked: Question) -> Iterator[str]:
    yield "stop-when:                           # unlike in the hypothesis, the limit says what is bad"
    yield from _item(["name: customers are not served at all", *asked.stop], 2)
