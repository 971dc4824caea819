"""Where a probe goes, and whether a fault stands in its way. Only what the file tells: nothing is looked up."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct

from chaos_runner.experiment.model import Experiment, Native, Provider
from chaos_runner.lint import facts

_PORTS: Final = {"http": 80, "https": 443}
_CUTS: Final = ("host.network_partition", "host.network_loss")
_PAUSES: Final = "host.process_pause"
_COUNTS: Final = "process.running"
_PROXY_API: Final = "http://127.0.0.1:8474"
_SELECTORS: Final = ("pid", "name", "command")


class Address(Struct, frozen=True):
    """A host as the file names it, and a port."""

    host: str
    port: int

    @property
    def numeric(self) -> IPv4Address | IPv6Address | None:
        """None for a name whose address only the network knows."""
        try:
            return ip_address("127.0.0.1" if self.host == "localhost" else self.host)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def blinds(experiment: Experiment, fault: Native, call: Native | Provider) -> str:
    """What the fault does to the probe's way, in words; "" when nothing is known to stand in it."""
    if fault.name == _PAUSES and isinstance(call, Native) and call.name == _COUNTS:
        same = any(fault.target.get(key) is not None and fault.target.get(key) == call.arguments.get(key)
                   for key in _SELECTORS)
        return "pauses the very processes that are counted" if same else ""
    address = address_of(experiment, call)
    if address is None:
        return ""
    if fault.name in _CUTS:
        return f"cuts the way to {address}" if _is_cut(fault.target, address) else ""
    if "proxy" in fault.target and address == _proxy_api(experiment, fault):
        return f"is at {address} only commanded; its traffic passes elsewhere"
    return ""


def address_of(experiment: Experiment, call: Native | Provider) -> Address | None:
    """Where a probe goes; None when the file does not tell."""
    if isinstance(call, Provider) and call.kind != "http":
        return None
    data = call.spec if isinstance(call, Provider) else facts.given(call)
    if isinstance(data.get("url"), str):
        return _of_url(facts.filled(experiment, data["url"]))
    host, port = data.get("host"), data.get("port")
    return Address(facts.filled(experiment, host), port) if isinstance(host, str) and isinstance(port, int) else None


def _of_url(url: str) -> Address | None:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return Address(parts.hostname, port) if parts.hostname and port else None


def _proxy_api(experiment: Experiment, fault: Native) -> Address | None:
    """As `proxy.*` finds it: the target's own, else the configuration's, else the usual one."""
    declared = "${toxiproxy_url}" if "toxiproxy_url" in experiment.configuration else _PROXY_API
    text = facts.filled(experiment, str(fault.target.get("api") or declared))
    return _of_url(text if "://" in text else f"http://{text}")


def _is_cut(target: Mapping[str, Any], address: Address) -> bool:
    to, ports = _members(target, "to"), _members(target, "ports")
    if ports and address.port not in ports:
        return False
    if not to:
        return bool(ports)
    return address.numeric is not None and any(_holds(network, address.numeric) for network in to)


def _members(target: Mapping[str, Any], key: str) -> Iterable[Any]:
    members = target.get(key)
    return members if isinstance(members, list) else []


def _holds(network: Any, address: IPv4Address | IPv6Address) -> bool:
    try:
        return address in ip_network(str(network), strict=False)
    except ValueError:
        return False
