"""chaostoolkit-toxiproxy (measured with 0.3.1): toxics and proxies that it created, and proxies that it disabled.

Without an inverse, since their call does not say how it was before: `delete_proxy`, `delete_toxic`, `reset`, and
`modify_proxy` with a listener or an upstream. `enable_proxy` has none either: it is a way back itself.

Verified by functions of our own: the package's probes take every error answer for "no such proxy", which would call a
proxy gone whose server was only unwell, and none of them sees toxics.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from chaos_runner.errors import ActFailed
from chaos_runner.inverses import Arguments, FindInverse, Inverse, PythonCall

_ANSWER_S: Final = 5.0
_HTTP_NOT_FOUND: Final = 404


def toxic_is_there(for_proxy: str, toxic_name: str, configuration: Mapping[str, Any]) -> bool:
    """Whether the proxy has a toxic of that name. One that is gone has none. Raises ActFailed, and requests' errors."""
    proxy = _proxy(for_proxy, configuration)
    return proxy is not None and any(toxic["name"] == toxic_name for toxic in proxy["toxics"])


def proxy_is_disabled(proxy_name: str, configuration: Mapping[str, Any]) -> bool:
    """Whether the proxy is there and does not listen. Raises ActFailed, and requests' errors."""
    proxy = _proxy(proxy_name, configuration)
    return proxy is not None and not proxy["enabled"]


def _proxy(name: str, configuration: Mapping[str, Any]) -> dict[str, Any] | None:
    """The proxy at the address that the package itself acts on; None when Toxiproxy says that there is none."""
    from urllib.parse import quote

    import requests

    proxies = import_module("chaostoxi.toxiproxyapi").build_proxies_baseUrl(configuration)
    answer = requests.get(f"{proxies}/{quote(name, safe='')}", timeout=_ANSWER_S)
    if answer.status_code == _HTTP_NOT_FOUND and _says(answer, "error"):  # any web server has a 404
        return None
    if not answer.ok or not _says(answer, "toxics"):
        raise ActFailed(f"{proxies} answered HTTP {answer.status_code} to the question for {name}: no Toxiproxy there?")
    found: dict[str, Any] = answer.json()
    return found


def _says(answer: Any, key: str) -> bool:
    try:
        body = answer.json()
    except ValueError:
        return False
    return isinstance(body, dict) and key in body


def _toxic(kind: str | None = None) -> FindInverse:
    """The inverse of an action that creates a toxic: of that kind, or of the one that its arguments name."""
    def inverse(arguments: Arguments) -> Inverse:
        name = arguments["toxic_name"] or _server_s_name(kind or arguments["toxic_type"], arguments)
        toxic = {"for_proxy": arguments["for_proxy"], "toxic_name": name}
        return Inverse(undo=PythonCall("chaostoxi.toxic.actions.delete_toxic", toxic),
                       verify=PythonCall(f"{__name__}.toxic_is_there", toxic), tolerance=False,
                       asks=f"whether the toxic {name} is still on {arguments['for_proxy']}")

    return inverse


def _server_s_name(kind: str, arguments: Arguments) -> str:
    """What Toxiproxy calls a toxic without a name. The package has no default of its own: its `toxic_name` is needed.

    https://github.com/Shopify/toxiproxy/blob/v2.12.0/toxic_collection.go, AddToxicJson
    """
    return f"{kind}_{arguments.get('stream') or 'downstream'}"


def _disabled_proxy(arguments: Arguments) -> Inverse:
    proxy = {"proxy_name": arguments["proxy_name"]}
    return Inverse(undo=PythonCall("chaostoxi.proxy.actions.enable_proxy", proxy),
                   verify=PythonCall(f"{__name__}.proxy_is_disabled", proxy), tolerance=False,
                   asks=f"whether the proxy {arguments['proxy_name']} is still disabled")


def _modified_proxy(arguments: Arguments) -> Inverse | None:
    """Only to disable it says how it was. The package takes null for "leave it as it is"."""
    moved = any(arguments.get(key) is not None for key in ("listen_address", "upstream_address"))
    return None if moved or arguments.get("enabled") is not False else _disabled_proxy(arguments)


INVERSES: Final[Mapping[str, FindInverse]] = {
    "chaostoxi.proxy.actions.disable_proxy": _disabled_proxy,
    "chaostoxi.proxy.actions.modify_proxy": _modified_proxy,
    "chaostoxi.toxic.actions.create_toxic": _toxic(),
    "chaostoxi.toxic.actions.create_latency_toxic": _toxic("latency"),
    "chaostoxi.toxic.actions.create_bandwith_degradation_toxic": _toxic("bandwidth"),
    "chaostoxi.toxic.actions.create_slow_connection_close_toxic": _toxic("slow_close"),
    "chaostoxi.toxic.actions.create_timeout_toxic": _toxic("timeout"),
    "chaostoxi.toxic.actions.create_slicer_toxic": _toxic("slicer"),
    "chaostoxi.toxic.actions.create_limiter_toxic": _toxic("limit_data"),
}
