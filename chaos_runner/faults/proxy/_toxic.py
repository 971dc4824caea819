"""What the faults of a proxy share: which proxy is meant, and our toxic on it."""

from math import isclose
from shlex import quote as quoted
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from chaos_runner.contracts import Act, Setting
from chaos_runner.errors import ActFailed, Gone, NoTarget, Refused, UsageError
from chaos_runner.targets.proxy import DEFAULT_PORT, ProxyApi, ProxyState, Toxic

_DEFAULT_API: Final = f"http://127.0.0.1:{DEFAULT_PORT}"
_TOXICITY_PRECISION: Final = 1e-6
"""Toxiproxy keeps it in 32 bits."""


class ProxyTarget(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proxy by name, and the API that commands it: by default the configuration's `toxiproxy_url`, then the local one
    at Toxiproxy's usual port.
    """

    proxy: str
    api: str = ""

    def key(self, setting: Setting) -> dict[str, str]:
        """What an act keeps to find the proxy again."""
        given = self.api or str(setting.configuration.get("toxiproxy_url") or "") or _DEFAULT_API
        return {"proxy": self.proxy, "api": (given if "://" in given else f"http://{given}").rstrip("/")}


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


def api_of(act: Act) -> ProxyApi:
    """Who commands the act's proxy."""
    return ProxyApi(act.target["api"])


def proxy_of(act: Act) -> ProxyState | None:
    """The act's proxy as it is now. None when it is gone. Raises ActFailed when the API does not answer."""
    try:
        return api_of(act).proxy(act.target["proxy"])
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


def remove(act: Act, name: str) -> None:
    """Takes a toxic off the act's proxy. If one of them is gone, that is as good. Raises ActFailed."""
    try:
        api_of(act).remove_toxic(act.target["proxy"], name)
    except Gone:
        return


def address_of(act: Act, *below: str) -> str:
    """Where the API shows the act's proxy, or something below it, quoted for a shell."""
    path = "/".join(quote(part, safe="") for part in ("proxies", act.target["proxy"], *below))
    return quoted(f"{act.target['api']}/{path}")
