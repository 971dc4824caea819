"""proxy.latency: everything that passes a proxy arrives later; undo takes the delay away."""

from typing import Literal

import msgspec
from msgspec import Struct

from chaos_runner.contracts import Act, Answer, Band, Evidence, Fault, Restored, Seconds, Setting, Share
from chaos_runner.errors import ActFailed, Refused
from chaos_runner.faults.proxy._toxic import (
    ProxyTarget,
    address_of,
    api_of,
    first_look,
    proxy_of,
    remove,
    same,
    toxic_on,
)
from chaos_runner.targets.proxy import ProxyState, Toxic
from chaos_runner.units import Unit, spoken, spoken_seconds


class LatencyArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How late, how unevenly, in which direction (downstream: what the server answers), for which share of the
    connections.
    """

    latency: Seconds
    jitter: Seconds = 0.0
    stream: Literal["downstream", "upstream"] = "downstream"
    toxicity: Share = 1.0


class Latency(Fault[ProxyTarget, LatencyArguments]):
    """Delays every byte in one direction, on connections there are and on those to come. Its mark is its name."""

    target = ProxyTarget
    arguments = LatencyArguments
    band = Band(word="slow")

    def prepare(self, target: ProxyTarget, arguments: LatencyArguments, setting: Setting) -> list[Act]:
        toxic = _toxic(str(setting.mark), arguments)
        key = target.key(setting)
        state = first_look(key)
        _check_enabled(state)
        return [Act(target=key, do=msgspec.to_builtins(toxic), was={"toxics": _names(state)}, label=target.proxy)]

    def apply(self, act: Act) -> Evidence:
        toxic = _ours(act)
        before = api_of(act).proxy(act.target["proxy"])
        _check_enabled(before)
        if toxic_on(before, toxic.name) is None:
            api_of(act).add_toxic(act.target["proxy"], toxic)
        return _evidence(before, toxic, proxy_of(act))

    def undo(self, act: Act) -> None:
        """Takes off the toxic of our name, but not one that somebody changed meanwhile."""
        toxic = _ours(act)
        state = proxy_of(act)
        there = toxic_on(state, toxic.name) if state else None
        if there and same(there, toxic):
            remove(act, toxic.name)

    def verify(self, act: Act) -> Restored:
        toxic = _ours(act)
        state = proxy_of(act)
        if state is None:
            return Restored(answer=Answer.GONE, diff=f"there is no proxy {act.label} any more")
        there = toxic_on(state, toxic.name)
        if there is None:
            return Restored(answer=Answer.RESTORED)
        if same(there, toxic):
            return Restored(answer=Answer.NOT_RESTORED, diff=f"toxic {toxic.name} is still on {act.label}")
        return Restored(answer=Answer.DRIFT, diff=f"somebody changed {_told(toxic)} to {_told(there)}: left as it is")

    def by_hand(self, act: Act) -> str:
        return f"curl -X DELETE {address_of(act, 'toxics', _ours(act).name)}"


def _toxic(name: str, arguments: LatencyArguments) -> Toxic:
    """Raises Refused for what would delay nothing: it could only prove that nothing happens."""
    latency_ms, jitter_ms = round(arguments.latency * 1000), round(arguments.jitter * 1000)
    if latency_ms == 0 and jitter_ms == 0:
        raise Refused("a delay is 1 ms or more: proxies count in whole milliseconds")
    if arguments.toxicity == 0:
        raise Refused("a toxicity of 0% would delay no connection")
    attributes: dict[str, object] = {"latency": latency_ms, "jitter": jitter_ms}
    return Toxic(name, "latency", arguments.stream, arguments.toxicity, attributes)


def _ours(act: Act) -> Toxic:
    return msgspec.convert(act.do, Toxic)


def _check_enabled(state: ProxyState) -> None:
    if not state.enabled:
        raise Refused(f"the proxy {state.name} is switched off: there is nothing to delay")


def _names(state: ProxyState) -> list[str]:
    return [toxic.name for toxic in state.toxics]


def _evidence(before: ProxyState, wanted: Toxic, state: ProxyState | None) -> Evidence:
    there = toxic_on(state, wanted.name) if state else None
    if there is None or not same(there, wanted):
        raise ActFailed(f"{before.name} was to have {_told(wanted)}, found {_told(there) if there else 'none'}")
    return Evidence(before=f"toxics: {', '.join(_names(before)) or 'none'}", after=f"read back: {_told(there)}")


def _told(toxic: Toxic) -> str:
    delays = [f"{name} {spoken_seconds(value / 1000)}" for name, value in toxic.attributes.items()
              if isinstance(value, int) and value]
    hit = [] if toxic.toxicity == 1 else [f"on {spoken(toxic.toxicity, Unit.SHARE)} of the connections"]
    return f"{toxic.stream} {', '.join(delays + hit)}"
