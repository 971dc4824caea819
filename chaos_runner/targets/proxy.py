"""Proxies that can be broken on purpose: the embedded one, or any Toxiproxy, through the same HTTP API."""

from typing import Final, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from chaos_runner.errors import ActFailed, ChaosRunnerError, Gone, NoTarget, UsageError

DEFAULT_PORT: Final = 8474
_ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
_NO_ANSWER: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on bytes that are no JSON, no UTF-8, or deeper than anything sensible."""
_T = TypeVar("_T")


class ProxyUnreachable(ActFailed):
    """Nothing answers at the API's address, or not in time; what was asked for may or may not have been done."""


class Toxic(msgspec.Struct, frozen=True):
    """What is done to one direction of a proxy's connections. `attributes` depend on the type, times in ms.

    Without a name the server gives it one: `<type>_<stream>`. Toxicity is the share of connections hit, 0 to 1.
    """

    name: str
    type: str
    stream: str = "downstream"
    toxicity: float = 1.0
    attributes: dict[str, object] = {}


class ProxyState(msgspec.Struct, frozen=True):
    """A proxy as its server shows it; addresses are host:port."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[Toxic, ...] = ()


class ProxyApi:
    """The API at an address such as "127.0.0.1:8474" or "http://toxiproxy:8474".

    Every call may raise ProxyUnreachable, and ActFailed with the server's own words when it refuses.
    Raises UsageError for an address that is none.
    """

    def __init__(self, address: str, timeout_s: float = 2.0) -> None:
        self.address = address
        self._timeout_s = timeout_s
        self._host, self._port = _host_and_port(address)

    def version(self) -> str:
        """The Toxiproxy version the server says it is, or is compatible with."""
        return self._decoded(self._ask("GET", "/version"), _Version).version

    def proxies(self) -> tuple[ProxyState, ...]:
        """Every proxy, by name."""
        found = self._decoded(self._ask("GET", "/proxies"), dict[str, ProxyState])
        return tuple(found[name] for name in sorted(found))

    def proxy(self, name: str) -> ProxyState:
        """One proxy. Raises NoTarget when there is none of that name."""
        try:
            return self._state(self._ask("GET", _path(name)))
        except Gone as error:
            known = ", ".join(each.name for each in self.proxies()) or "none"
            raise NoTarget(f"no proxy named {name!r} at {self.address}; there are: {known}") from error

    def create(self, name: str, listen: str, upstream: str) -> ProxyState:
        """Makes and enables a proxy; the answer has the port that port 0 became. ActFailed if the name is taken."""
        return self._state(self._ask("POST", "/proxies", {"name": name, "listen": listen, "upstream": upstream}))

    def delete(self, name: str) -> None:
        """Closes a proxy and forgets it. Raises Gone when there is none of that name."""
        self._ask("DELETE", _path(name))

    def enable(self, name: str) -> ProxyState:
        """Listens again, at the same port. Raises Gone when the proxy is no longer there."""
        return self._state(self._ask("POST", _path(name), {"enabled": True}))

    def disable(self, name: str) -> ProxyState:
        """Closes the listener and cuts every connection. Raises Gone when the proxy is no longer there."""
        return self._state(self._ask("POST", _path(name), {"enabled": False}))

    def add_toxic(self, proxy: str, toxic: Toxic) -> Toxic:
        """Acts on live connections too. The toxic as the server keeps it. Raises Gone without the proxy."""
        return self._decoded(self._ask("POST", f"{_path(proxy)}/toxics", toxic), Toxic)

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Raises Gone when the proxy or the toxic is no longer there: for an undo, that may be as good."""
        self._ask("DELETE", f"{_path(proxy)}/toxics/{quote(name, safe='')}")

    def _state(self, answer: bytes) -> ProxyState:
        return self._decoded(answer, ProxyState)

    def _decoded(self, answer: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(answer, type=kind)
        except _NO_ANSWER as error:
            raise ActFailed(f"what answers at {self.address} is no Toxiproxy API: {error}") from error

    def _ask(self, method: str, path: str, body: object = None) -> bytes:
        status, answer = self._exchange(method, path, b"" if body is None else msgspec.json.encode(body))
        if 200 <= status < 300:
            return answer
        raise self._refusal(f"{method} {path}", status, answer)

    def _exchange(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        from http.client import HTTPConnection, HTTPException

        connection = HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(method, path, body or None, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read(_ANSWER_BYTES_MAX)
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        finally:
            connection.close()

    def _unreachable(self, error: Exception) -> ProxyUnreachable:
        why = str(error) or type(error).__name__
        return ProxyUnreachable(
            f"no proxy API answers at {self.address} within {self._timeout_s:g} s ({why}); start one with "
            f"`chaos-runner proxy serve` or Toxiproxy, or correct the address",
        )

    def _refusal(self, asked: str, status: int, answer: bytes) -> ChaosRunnerError:
        """Only a 404 in Toxiproxy's own words says that something is gone: any web server has a 404."""
        try:
            said = msgspec.json.decode(answer, type=_Trouble).error
        except _NO_ANSWER:
            return ActFailed(f"{self.address} answered {asked} with HTTP {status}: is a Toxiproxy API there?")
        message = f"{self.address} refused {asked}: {said} (HTTP {status})"
        return Gone(message) if status == 404 else ActFailed(message)


class _Version(msgspec.Struct):
    version: str


class _Trouble(msgspec.Struct):
    error: str


def _path(proxy: str) -> str:
    return f"/proxies/{quote(proxy, safe='')}"


def _host_and_port(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
        raise UsageError(f"a proxy API's address such as 127.0.0.1:{DEFAULT_PORT}, not {address!r}")
    return parts.hostname, DEFAULT_PORT if port is None else port
