"""What the faults of a proxy share: which proxy is meant, our toxic on it, and the fault that is nothing but a toxic.

A toxic bears our mark as its name. That is how it is told from those of others, and how it is found without a journal.
"""

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping
from math import isclose
from shlex import quote as quoted
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Candidate, Evidence, Fault, Marked, Restored, Right, Setting, Share
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused, UsageError
from chaos_runner.mark import parse
from chaos_runner.targets.proxy import DEFAULT_PORT, ProxyApi, ProxyState, Toxic
from chaos_runner.units import Unit, spoken, spoken_bytes, spoken_seconds

_DEFAULT_API: Final = f"http://127.0.0.1:{DEFAULT_PORT}"
_TOXICITY_PRECISION: Final = 1e-6
"""Toxiproxy keeps it in 32 bits."""
_LARGEST: Final = 2**31 - 1
"""Far from where Toxiproxy, which multiplies before it compares, overflows its 64 bits. In ms it is 24 days."""
_ANSWER_S: Final = 2.0
NEEDS: Final = "a TCP proxy with Toxiproxy's HTTP API, through which the traffic passes"

class ProxyTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proxy by name, and the API that commands it: by default the configuration's `toxiproxy_url`, then the local one
    at Toxiproxy's usual port.
    """

    proxy: str
    api: str = ""

    def key(self, setting: Setting) -> dict[str, str]:
        """What an act keeps to find the proxy again."""
        given = self.api or str(setting.configuration.get("toxiproxy_url") or "") or _DEFAULT_API
        return key_of(self.proxy, given)


def key_of(proxy: str, api: str) -> dict[str, str]:
    """A proxy's name and the whole address of its API: what an act keeps."""
    return {"proxy": proxy, "api": (api if "://" in api else f"http://{api}").rstrip("/")}


def first_look(key: dict[str, str]) -> ProxyState:
    """The proxy, for `prepare`. Raises NoTarget if there is none, Refused if no API answers there."""
    try:
        return _looked_up(ProxyApi(key["api"]), key["proxy"])
    except (ActFailed, UsageError) as error:
        raise Refused(str(error)) from error


def _looked_up(api: ProxyApi, name: str) -> ProxyState:
    from difflib import get_close_matches

    try:
        return api.proxy(name)
    except NoTarget as error:
        close = get_close_matches(name, [proxy.name for proxy in api.proxies()], n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise NoTarget(f"{error}{hint}") from error


def proxies_there(given: Mapping[str, Any]) -> list[Candidate]:
    """The proxies of the API that `given` names, else $TOXIPROXY_URL, else the local one, with the ways that lead
    through them. Raises ActFailed, UsageError.
    """
    api = given.get("api") or os.environ.get("TOXIPROXY_URL") or _DEFAULT_API
    configuration = {} if given.get("api") else {
        "toxiproxy_url": {"type": "env", "key": "TOXIPROXY_URL", "default": api}}
    return [Candidate(target={"proxy": state.name}, label=f"{state.name} ({state.listen} to {state.upstream})",
                      configuration=configuration)
            for state in ProxyApi(str(api)).proxies() if state.name == given.get("proxy", state.name)]


def api_of(act: Act, within_s: float = _ANSWER_S) -> ProxyApi:
    """Who commands the act's proxy, and answers in time."""
    return ProxyApi(act.target["api"], within_s)


def proxy_of(act: Act, within_s: float = _ANSWER_S) -> ProxyState | None:
    """The act's proxy as it is now. None when it is gone. Raises ActFailed when the API does not answer."""
    try:
        return api_of(act, within_s).proxy(act.target["proxy"])
    except NoTarget:
        return None


def toxic_on(state: ProxyState, name: str) -> Toxic | None:
    """The toxic of that name."""
    return next((toxic for toxic in state.toxics if toxic.name == name), None)


def same(there: Toxic, wanted: Toxic) -> bool:
    """Whether a toxic is as we made it. Attributes that the server added do not count."""
    return (
        (there.type, there.stream.lower()) == (wanted.type, wanted.stream)
        and isclose(there.toxicity, wanted.toxicity, abs_tol=_TOXICITY_PRECISION)
        and all(there.attributes.get(name) == value for name, value in wanted.attributes.items())
    )


def remove(act: Act, name: str, within_s: float = _ANSWER_S) -> None:
    """Takes a toxic off the act's proxy. If one of them is gone, that is as good. Raises ActFailed."""
    try:
        api_of(act, within_s).remove_toxic(act.target["proxy"], name)
    except Gone:
        return


def address_of(act: Act, *below: str) -> str:
    """Where the API shows the act's proxy, or something below it, quoted for a shell."""
    path = "/".join(quote(part, safe="") for part in ("proxies", act.target["proxy"], *below))
    return quoted(f"{act.target['api']}/{path}")


# ── numbers as proxies count them, and as people read them ──────────────────────────────────────────────────────────

def whole(value: float, unit: str) -> int:
    """An attribute, in whole `unit`s. Raises Refused for what would become nothing, or more than a proxy can count."""
    number = round(value)
    if value > 0 and number == 0:
        raise Refused(f"proxies count in whole {unit}: give 1 {unit} or more")
    if number > _LARGEST:
        raise Refused(f"{number} {unit} is more than proxies count: give {_LARGEST} at most")
    return number


def whole_ms(value_s: float) -> int:
    """Seconds in whole milliseconds. Raises Refused."""
    return whole(value_s * 1000, "ms")


def in_ms(value: int) -> str:
    """Milliseconds, in words."""
    return spoken_seconds(value / 1000)


def in_us(value: int) -> str:
    """Microseconds, in words."""
    return spoken_seconds(value / 1_000_000)


def in_kb_per_s(value: int) -> str:
    """Kilobytes of 1000 bytes a second, in words."""
    return f"{value} kB/s"


def in_bytes(value: int) -> str:
    """Bytes, in words."""
    return spoken_bytes(value)


# ── a fault that is nothing but a toxic ─────────────────────────────────────────────────────────────────────────────

class ToxicArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """In which direction (downstream: what the server answers), and on which share of the connections."""

    stream: Literal["downstream", "upstream"] = "downstream"
    toxicity: Share = 1.0


A = TypeVar("A", bound=ToxicArguments)


class ToxicFault(Fault[ProxyTarget, A], Generic[A]):
    """A toxic on one proxy. Which kind of toxic: Toxiproxy's word for it is the name of the fault's file.

    What is left to say is how arguments become the toxic's attributes, and how each of those is told.
    """

    target = ProxyTarget
    undone_by = "the toxic is removed from the proxy"
    needs = NEEDS
    told: ClassVar[Mapping[str, Callable[[int], str]]]
    """Every attribute that this kind of toxic has, the most important first, and how its number is told."""

    @abstractmethod
    def attributes(self, arguments: A) -> dict[str, int]:
        """The toxic's attributes. Raises Refused for what would change nothing: it could only prove nothing."""

    @property
    def kind(self) -> str:
        """Toxiproxy's word for the toxic."""
        return type(self).__module__.rpartition(".")[2]

    def answers_within_s(self, toxic: Toxic) -> float:  # noqa: ARG002 -- for those who override it
        """How long a proxy's API may take while this toxic comes off."""
        return _ANSWER_S

    def prepare(self, target: ProxyTarget, arguments: A, setting: Setting) -> list[Act]:
        attributes = self.attributes(arguments)
        if arguments.toxicity == 0:
            raise Refused("a toxicity of 0% would hit no connection")
        key = target.key(setting)
        state = first_look(key)
        _check_enabled(state)
        mark = setting.mark.signed(setting.key, self._name, state.name)
        toxic = Toxic(str(mark), self.kind, arguments.stream, arguments.toxicity, {**attributes})
        return [Act(target=key, do=msgspec.to_builtins(toxic), was={"toxics": _names(state)}, label=target.proxy)]

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return proxies_there(given)

    def rights(self, act: Act) -> list[Right]:
        return [Right(verb=verb, needs=f"none: {act.target['api']} lets everybody") for verb in ("do", "undo")]

    def apply(self, act: Act) -> Evidence:
        toxic = _ours(act)
        before = api_of(act).proxy(act.target["proxy"])
        _check_enabled(before)
        if toxic_on(before, toxic.name) is None:
            api_of(act).add_toxic(act.target["proxy"], toxic)
        return self._evidence(before, toxic, proxy_of(act))

    def undo(self, act: Act) -> None:
        """Takes off the toxic of our name, but not one that somebody changed meanwhile."""
        toxic = _ours(act)
        state = proxy_of(act, self.answers_within_s(toxic))
        there = toxic_on(state, toxic.name) if state else None
        if there and same(there, toxic):
            remove(act, toxic.name, self.answers_within_s(toxic))

    def verify(self, act: Act) -> Restored:
        toxic = _ours(act)
        state = proxy_of(act, self.answers_within_s(toxic))
        if state is None:
            return Restored(answer=Answer.GONE, diff=f"there is no proxy {act.label} any more")
        there = toxic_on(state, toxic.name)
        if there is None:
            return Restored(answer=Answer.RESTORED)
        if same(there, toxic):
            return Restored(answer=Answer.NOT_RESTORED, diff=f"toxic {toxic.name} is still on {act.label}")
        return Restored(answer=Answer.DRIFT,
                        diff=f"somebody changed {self._told(toxic)} to {self._told(there)}: left as it is")

    def by_hand(self, act: Act) -> str:
        return f"curl -X DELETE {address_of(act, 'toxics', _ours(act).name)}"

    def marked(self, where: str) -> list[Marked]:
        """The toxics of this kind that bear a mark, on every proxy of the API at that address."""
        return [Marked(mark=mark, fault=self._name, where=where, target=state.name, doubt=self._doubt(toxic),
                       act=Act(target=key_of(state.name, where), do=msgspec.to_builtins(toxic), was={},
                               label=state.name))
                for state in ProxyApi(where).proxies() for toxic in state.toxics
                if toxic.type == self.kind and (mark := parse(toxic.name))]

    @property
    def _name(self) -> str:
        return f"proxy.{self.kind}"

    def _doubt(self, toxic: Toxic) -> str:
        """Why it cannot be a toxic that we made."""
        numbers = all(type(value) is int and 0 <= value <= _LARGEST for value in toxic.attributes.values())
        made = numbers and toxic.attributes.keys() == self.told.keys() and 0 < toxic.toxicity <= 1
        return "" if made else f"{self._name} never makes such a toxic: {self._told(toxic)}"

    def _evidence(self, before: ProxyState, wanted: Toxic, state: ProxyState | None) -> Evidence:
        there = toxic_on(state, wanted.name) if state else None
        if there is None or not same(there, wanted):
            found = self._told(there) if there else "none"
            raise ActFailed(f"{before.name} was to have {self._told(wanted)}, found {found}")
        return Evidence(before=f"toxics: {', '.join(_names(before)) or 'none'}",
                        after=f"read back: {self._told(there)}")

    def _told(self, toxic: Toxic) -> str:
        """In words, without what is 0; the first attribute alone says something by being 0."""
        first = next(iter(self.told))
        numbers = [f"{name} {self._number(name, value)}" for name, value in toxic.attributes.items()
                   if value or name == first]
        hit = [] if toxic.toxicity == 1 else [f"on {spoken(toxic.toxicity, Unit.SHARE)} of the connections"]
        kind = "" if toxic.type == first else f"{toxic.type}: "
        return f"{toxic.stream} {kind}{', '.join(numbers + hit)}"

    def _number(self, name: str, value: object) -> str:
        return self.told[name](value) if name in self.told and type(value) is int else repr(value)


def _ours(act: Act) -> Toxic:
    return msgspec.convert(act.do, Toxic)


def _check_enabled(state: ProxyState) -> None:
    if not state.enabled:
        raise Refused(f"the proxy {state.name} is switched off: nothing passes that a toxic could change")


def _names(state: ProxyState) -> list[str]:
    return [toxic.name for toxic in state.toxics]
