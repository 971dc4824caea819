"""A proxy that is switched off: `proxy.down` in Toxiproxy's word, and `proxy.cut`: the same by another name."""

import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from chaos_runner.contracts import (
    Act,
    Answer,
    Candidate,
    Evidence,
    Example,
    Fault,
    Marked,
    NoArguments,
    Restored,
    Right,
    Setting,
)
from chaos_runner.errors import ActFailed, Gone, NoEffect
from chaos_runner.faults.proxy._toxic import (
    NEEDS,
    ProxyTarget,
    address_of,
    api_of,
    first_look,
    key_of,
    proxies_there,
    proxy_of,
    remove,
    toxic_on,
)
from chaos_runner.mark import parse
from chaos_runner.targets.proxy import ProxyApi, ProxyState, Toxic

_REFUSAL_S: Final = 1.0
_EFFECTLESS: Final = "noop"
_SIGNED_AS: Final = "proxy.down"


class SwitchedOff(Fault[ProxyTarget, NoArguments]):
    """Breaks every connection and refuses new ones.

    A switched-off proxy does not tell who did it, so a toxic without effect marks ours. It comes before and goes after.
    """

    target = ProxyTarget
    undone_by = "the proxy is switched on again"
    needs = NEEDS
    example = Example(target={"proxy": "orders-db"})

    def candidates(self, given: Mapping[str, Any]) -> list[Candidate]:
        return proxies_there(given)

    def prepare(self, target: ProxyTarget, arguments: NoArguments, setting: Setting) -> list[Act]:  # noqa: ARG002
        key = target.key(setting)
        state = first_look(key)
        _check_enabled(state)
        return [_act(key, str(setting.mark.signed(setting.key, _SIGNED_AS, state.name)), state)]

    def rights(self, act: Act) -> list[Right]:
        return [Right(verb=verb, needs=f"none: {act.target['api']} lets everybody") for verb in ("do", "undo")]

    def apply(self, act: Act) -> Evidence:
        api, name, mark = api_of(act), act.target["proxy"], act.do["mark"]
        state = api.proxy(name)
        if toxic_on(state, mark) is None:
            _check_enabled(state)
            api.add_toxic(name, Toxic(mark, _EFFECTLESS, toxicity=0.0))
        api.disable(name)
        return _evidence(act, proxy_of(act))

    def undo(self, act: Act) -> None:
        """Without our mark, a proxy that is off is somebody else's doing."""
        state = proxy_of(act)
        if state is None or not _is_marked(state, act):
            return
        if not state.enabled:
            _switch_on(act)
        remove(act, act.do["mark"])

    def verify(self, act: Act) -> Restored:
        state = proxy_of(act)
        if state is None:
            return Restored(answer=Answer.GONE, diff=f"there is no proxy {act.label} any more")
        marked = _is_marked(state, act)
        if state.enabled and not marked:
            return Restored(answer=Answer.RESTORED)
        if not marked:
            return Restored(answer=Answer.DRIFT, diff=f"{act.label} is switched off, but not by us: left as it is")
        still = "is on, but still carries our mark" if state.enabled else "is still switched off"
        return Restored(answer=Answer.NOT_RESTORED, diff=f"{act.label} {still}")

    def by_hand(self, act: Act) -> str:
        mark = address_of(act, "toxics", act.do["mark"])
        return f"""curl -X POST -d '{{"enabled": true}}' {address_of(act)} && curl -X DELETE {mark}"""


    def marked(self, where: str) -> list[Marked]:
        """Our mark on every proxy of the API at that address, switched off or, if we died in between, still on."""
        return [Marked(mark=mark, act=_act(key_of(state.name, where), toxic.name, state), fault=_SIGNED_AS, where=where,
                       target=state.name, doubt="" if toxic.toxicity == 0 else "our mark would be of toxicity 0")
                for state in ProxyApi(where).proxies() for toxic in state.toxics
                if toxic.type == _EFFECTLESS and (mark := parse(toxic.name))]


def _act(key: dict[str, str], mark: str, state: ProxyState) -> Act:
    return Act(target=key, do={"enabled": False, "mark": mark}, was={"enabled": True, "listen": state.listen},
               label=state.name)


def _is_marked(state: ProxyState, act: Act) -> bool:
    """Whether it bears this act's mark. One that has an effect is none, whatever its name."""
    toxic = toxic_on(state, act.do["mark"])
    return toxic is not None and toxic.type == _EFFECTLESS and toxic.toxicity == 0


def _check_enabled(state: ProxyState) -> None:
    if not state.enabled:
        raise NoEffect(f"the proxy {state.name} is already switched off")


def _switch_on(act: Act) -> None:
    try:
        api_of(act).enable(act.target["proxy"])
    except Gone:
        return


def _evidence(act: Act, state: ProxyState | None) -> Evidence:
    if state is None or state.enabled:
        raise ActFailed(f"{act.label} was to be switched off, found it {'switched on' if state else 'gone'}")
    measured = f"; {state.listen} refuses connections" if _refuses(act, state.listen) else ""
    return Evidence(before="switched on", after=f"read back: switched off{measured}")


def _refuses(act: Act, listen: str) -> bool:
    """Whether a connection was refused. A proxy elsewhere, or behind the ports of a container, cannot be asked so."""
    host, _, port = listen.rpartition(":")
    here = _local(host.strip("[]"))
    if not here or not _local(urlsplit(act.target["api"]).hostname or ""):
        return False
    try:
        socket.create_connection((here, int(port)), timeout=_REFUSAL_S).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def _local(host: str) -> str:
    """The address at which this machine reaches the host, if the host is this machine."""
    if host in ("", "localhost"):
        return "127.0.0.1"
    try:
        address = ip_address(host)
    except ValueError:
        return ""
    if address.is_unspecified:
        return "::1" if address.version == 6 else "127.0.0.1"
    return host if address.is_loopback else ""
