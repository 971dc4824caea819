"""One API server, spoken to as one user: raw requests, answers decoded into the few fields that are needed.

Configuration and authentication are the kubernetes package's: kubeconfig, contexts, in-cluster accounts, exec plugins.
Its models are not used: to read 10,000 pods through them takes fifty times the time and twenty times the memory.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from chaos_runner.errors import ActFailed, Gone, Refused, UsageError

IN_CLUSTER: Final = "in-cluster"
"""What the context of a pod's own service account is called."""
BY_SETTINGS: Final = "settings"
"""What the context is called when there is none: an address and credentials were given."""
PATIENCE_S: Final = 15.0
"""How long an API server that does not answer is asked again: an upgrade's leader change, a restart."""
_ANSWER_S: Final = 10.0
_AGAIN_S: Final = 0.25
_SLOWEST_AGAIN_S: Final = 2.0
_PAGE: Final = 500
_AGENT: Final = "chaos-runner"
_ANSWER_MOST: Final = 300
_EXEC: Final = "v4.channel.k8s.io"
MERGE: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
Query = Mapping[str, str]
NO_QUERY: Final[Query] = {}
T = TypeVar("T")


class ApiUnreachable(ActFailed):
    """The API server did not answer in its time; what was asked for may or may not have been done."""


class NotReached(ApiUnreachable):
    """No connection came about, so nothing was asked."""


class Denied(Refused):
    """The API server said no (a right, a webhook, a rule of the object), and changed nothing."""


class Forbidden(Denied):
    """This user has no right to that."""


class Conflict(Denied):
    """The object has changed since it was read, or is there already. Nothing was changed."""


class Busy(Denied):
    """The API server said "not now", for as long as it was asked."""


class BudgetForbids(Denied):
    """A disruption budget is against an eviction; the text names it. Later it may be allowed."""


class Expired(Exception):
    """What was to be gone on from is too old (410 Gone): a list's continue token, a watch's version. Begin anew."""


class _Raw(NamedTuple):
    status: int
    body: bytes
    retry_after_s: float


class _Cause(Struct, frozen=True):
    message: str = ""
    reason: str = ""


class _Details(Struct, frozen=True):
    causes: list[_Cause] | None = None


class _Said(Struct, frozen=True):
    message: str = ""
    reason: str = ""
    details: _Details | None = None


class _ListMeta(Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _Page(Struct, Generic[T]):
    metadata: _ListMeta = _ListMeta()
    items: list[T] = []


class Listed(NamedTuple, Generic[T]):
    """What a list gave, and from which version on a watch goes on."""

    items: list[T]
    version: str


class Cluster:
    """The API server that a context leads to. Every call may raise ApiUnreachable, Denied, and Gone for what is not
    there. What was not answered is asked again for `patience_s`: every request here may be made twice.
    """

    def __init__(self, context: str, connection: "Connection", patience_s: float = PATIENCE_S) -> None:
        self.context = context
        self.server = connection.server
        self.namespace = connection.namespace
        self.unheard = 0
        """How many requests through this very object were not answered, or with an error of the server: each may have
        been done. What is not there when it is asked for again may be gone by our own doing.
        """
        self._connection = connection
        self._patience_s = patience_s

    def within(self, patience_s: float) -> "Cluster":
        """The same, asked again for another time: a probe's sample cannot wait. It counts anew what was unheard."""
        return Cluster(self.context, self._connection, patience_s)

    def get(self, path: str, kind: type[T], query: Query = NO_QUERY) -> T:
        """One object, as far as `kind` knows its fields."""
        return _decoded(self._ask("GET", _url(path, query)), kind)

    def list(self, path: str, item: type[T], query: Query = NO_QUERY) -> Listed[T]:
        """All objects that match, page by page. A list that grew too old on the way is begun anew."""
        while True:
            try:
                return self._pages(path, item, query)
            except Expired:
                continue

    def create(self, path: str, body: Mapping[str, Any], query: Query = NO_QUERY) -> bytes:
        """Makes an object. Raises Conflict when there is one of that name."""
        return self._ask("POST", _url(path, query), body)

    def patch(self, path: str, body: Any, how: str = MERGE, query: Query = NO_QUERY) -> bytes:
        """Changes an object and gives it as it is then. Raises Conflict where the patch has a precondition."""
        return self._ask("PATCH", _url(path, {"fieldManager": _AGENT, **query}), body, how)

    def replace(self, path: str, body: Mapping[str, Any], query: Query = NO_QUERY) -> bytes:
        """Writes an object whole and gives it as it is then. Raises Conflict when it is no longer the one of `body`."""
        return self._ask("PUT", _url(path, {"fieldManager": _AGENT, **query}), body)

    def delete(self, path: str, options: Mapping[str, Any]) -> None:
        """Deletes an object; options as in DeleteOptions: preconditions, gracePeriodSeconds, propagationPolicy."""
        self._ask("DELETE", _url(path, NO_QUERY), {"kind": "DeleteOptions", "apiVersion": "v1", **options})

    def text(self, path: str, query: Query = NO_QUERY) -> str:
        """What is no JSON: logs."""
        return self._ask("GET", _url(path, query)).decode(errors="replace")

    def frames(self, path: str, query: Sequence[tuple[str, str]], within_s: float) -> Iterator[bytes]:
        """What is said over a WebSocket, until its end, or that of the time: to run a command in a container. Not asked
        again. Raises ApiUnreachable also when it breaks off.
        """
        with self._connection.channel(self.context, f"{path}?{urlencode(query)}", within_s) as channel:
            yield from channel

    @contextmanager
    def stream(self, path: str, query: Query, read_s: float) -> Iterator[Iterator[bytes]]:
        """The lines of an answer that goes on, each within `read_s` of the last: they end when it does, or breaks off.
        Not asked again. Raises Expired for a watch from a version that is too old.
        """
        response = self._connection.open("GET", _url(path, query), read_s)
        try:
            if response.status >= 300:
                said = b"".join(_pieces(response))
                raise _refusal(self.context, _Raw(response.status, said, 0.0), f"watch {path}")
            yield _lines(response)
        finally:
            response.close()

    def _pages(self, path: str, item: type[T], query: Query) -> Listed[T]:
        items: list[T] = []
        token = ""
        decoder = _decoder(_Page[item])  # type: ignore[valid-type]
        while True:
            asked = {**query, "limit": str(_PAGE), **({"continue": token} if token else {})}
            page: _Page[T] = decoder.decode(self._ask("GET", _url(path, asked)))
            items += page.items
            token = page.metadata.continue_
            if not token:
                return Listed(items, page.metadata.resource_version)

    def _ask(self, method: str, url: str, body: Any = None, content: str = "application/json") -> bytes:
        deadline_s = time.monotonic() + self._patience_s
        pause_s = _AGAIN_S
        while True:
            try:
                raw = self._connection.ask(method, url, body, content)
                if not _may_pass(raw):
                    break
                problem: Exception = _refusal(self.context, raw, f"{method} {url}")
                pause_s = max(pause_s, raw.retry_after_s)
            except ApiUnreachable as unreachable:
                problem = unreachable
            self.unheard += isinstance(problem, ApiUnreachable) and not isinstance(problem, NotReached)
            if time.monotonic() + pause_s > deadline_s:
                raise problem
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _SLOWEST_AGAIN_S)
        if raw.status < 300:
            return raw.body
        raise _refusal(self.context, raw, f"{method} {url}")


class Connection:
    """The wire: a pool of connections with the configuration's certificates, proxy and credentials."""

    def __init__(self, configuration: Any, namespace: str, headers: Mapping[str, str]) -> None:
        from kubernetes.client.rest import RESTClientObject

        self.server: str = configuration.host
        self.namespace = namespace
        self._configuration = configuration
        self._headers = headers
        self._pool = RESTClientObject(configuration).pool_manager

    def ask(self, method: str, url: str, body: Any, content: str) -> _Raw:
        """One request, once. A token that has just expired is fetched anew by the configuration's own hook."""
        from urllib3.exceptions import HTTPError

        encoded = None if body is None else msgspec.json.encode(body)
        try:
            response = self._pool.request(
                method, self.server + url, body=encoded, retries=False, timeout=self._timeout(_ANSWER_S),
                headers={**self._credentials(), "Content-Type": content, "Accept": "application/json"})
        except HTTPError as error:
            raise self._unreachable(error) from error
        after = response.headers.get("Retry-After", "")
        return _Raw(response.status, response.data, float(after) if after.isdigit() else 0.0)

    def open(self, method: str, url: str, read_s: float) -> Any:
        """A request whose answer is read as it comes."""
        from urllib3.exceptions import HTTPError

        try:
            return self._pool.request(method, self.server + url, retries=False, preload_content=False,
                                      timeout=self._timeout(read_s), headers=self._credentials())
        except HTTPError as error:
            raise self._unreachable(error) from error

    @contextmanager
    def channel(self, context: str, url: str, within_s: float) -> Iterator[Iterator[bytes]]:
        """A WebSocket of the protocol that exec speaks. The kubernetes package's own leaves impersonation out."""
        from kubernetes.stream.ws_client import websocket_proxycare
        from websocket import WebSocket, WebSocketBadStatusException, WebSocketException

        until_s = time.monotonic() + within_s
        socket: Any = WebSocket(sslopt=self._tls())
        try:
            socket.connect(f"ws{self.server.removeprefix('http')}{url}", timeout=_ANSWER_S,
                           header=[f"{key}: {value}" for key, value in self._credentials().items()],
                           **websocket_proxycare({"subprotocols": [_EXEC]}, self._configuration, url, {}))
            yield _frames(socket, until_s)
        except WebSocketBadStatusException as refused:
            body = getattr(refused, "resp_body", None) or str(refused).encode()
            asked = f"open {url.partition('?')[0]}"
            raise _refusal(context, _Raw(refused.status_code, body, 0.0), asked) from refused
        except (WebSocketException, OSError) as error:
            raise self._unreachable(error) from error
        finally:
            socket.shutdown()

    def _tls(self) -> dict[str, Any]:
        import ssl

        said = self._configuration
        found = {"cert_reqs": ssl.CERT_REQUIRED if said.verify_ssl else ssl.CERT_NONE, "ca_certs": said.ssl_ca_cert,
                 "certfile": said.cert_file, "keyfile": said.key_file, "server_hostname": said.tls_server_name,
                 "check_hostname": said.assert_hostname if said.verify_ssl else False}
        return {key: value for key, value in found.items() if value is not None}

    def _credentials(self) -> dict[str, str]:
        """Asked for with each request: that is what renews a token in time."""
        said = self._configuration.auth_settings().values()
        found = {one["key"]: one["value"] for one in said if one.get("in") == "header" and one.get("value")}
        return {"User-Agent": _AGENT, **self._headers, **found}

    def _timeout(self, read_s: float) -> Any:
        from urllib3 import Timeout

        return Timeout(connect=_ANSWER_S / 2, read=read_s)

    def _unreachable(self, error: Exception) -> ApiUnreachable:
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

        reason = str(getattr(error, "reason", None) or error)
        problem = NotReached if isinstance(error, ConnectTimeoutError | NewConnectionError) else ApiUnreachable
        return problem(f"no Kubernetes API server answers at {self.server} ({reason}); is the context the right "
                       f"one, and the cluster up?")


@cache
def cluster(context: str = "") -> Cluster:
    """The cluster that the context leads to: by default the kubeconfig's current one; a pod's own without a kubeconfig.

    Raises UsageError without a configuration, or with one that has no such context.
    """
    try:
        import kubernetes.config  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError("Kubernetes needs the extra: pip install 'chaos-runner[kubernetes]'") from error
    return _from_pod() if context == IN_CLUSTER or (not context and _is_pod()) else _from_kubeconfig(context)


def same_cluster(context: str, server: str) -> Cluster:
    """The cluster an act was recorded for. Raises ActFailed when the context leads to another by now: an object that is
    not found there would be called gone.
    """
    try:
        found = cluster(context)
    except UsageError as error:
        raise ActFailed(str(error)) from error
    if found.server != server:
        raise ActFailed(f"context {context!r} leads to {found.server} now, and the fault was injected at {server}")
    return found


def by_settings(settings: Mapping[str, Any]) -> Cluster:
    """The cluster at KUBERNETES_HOST, with credentials under the names that chaostoolkit-kubernetes gives them."""
    from kubernetes.client import Configuration

    configuration = Configuration()
    configuration.host = str(settings.get("KUBERNETES_HOST", "http://localhost"))
    configuration.verify_ssl = settings.get("KUBERNETES_VERIFY_SSL", False) is not False
    configuration.ssl_ca_cert = settings.get("KUBERNETES_CA_CERT_FILE")
    configuration.proxy = os.environ.get("HTTP_PROXY")
    configuration.no_proxy = os.environ.get("NO_PROXY")
    if "KUBERNETES_API_KEY" in settings:
        configuration.api_key["authorization"] = settings["KUBERNETES_API_KEY"]
        configuration.api_key_prefix["authorization"] = settings.get("KUBERNETES_API_KEY_PREFIX", "Bearer")
    elif "KUBERNETES_CERT_FILE" in settings or "KUBERNETES_KEY_FILE" in settings:
        configuration.cert_file = settings.get("KUBERNETES_CERT_FILE")
        configuration.key_file = settings.get("KUBERNETES_KEY_FILE")
    return Cluster(BY_SETTINGS, Connection(configuration, "default", _basic(settings)))


def _basic(settings: Mapping[str, Any]) -> dict[str, str]:
    if "KUBERNETES_USERNAME" not in settings or "KUBERNETES_API_KEY" in settings:
        return {}
    from urllib3.util import make_headers

    pair = f"{settings['KUBERNETES_USERNAME']}:{settings.get('KUBERNETES_PASSWORD', '')}"
    return {"Authorization": str(make_headers(basic_auth=pair)["authorization"])}


def contexts() -> list[str]:
    """The kubeconfig's contexts. Empty without one."""
    from kubernetes.config import ConfigException, list_kube_config_contexts

    try:
        return sorted(str(one["name"]) for one in list_kube_config_contexts(_named())[0])
    except (ConfigException, OSError):
        return []


def _from_kubeconfig(context: str) -> Cluster:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException, list_kube_config_contexts, load_kube_config

    configuration = Configuration()
    try:
        known, current = list_kube_config_contexts(_named())
        chosen = next((one for one in known if one["name"] == (context or (current or {}).get("name"))), None)
        if chosen is None:
            raise UsageError(_no_context(context, [str(one["name"]) for one in known]))
        load_kube_config(_named(), chosen["name"], configuration, persist_config=False)
    except (ConfigException, OSError, TypeError, KeyError) as error:
        raise UsageError(f"the kubeconfig cannot be used: {error}; set KUBECONFIG, or check it with "
                         "`kubectl config view`") from error
    said = chosen["context"]
    connection = Connection(configuration, str(said.get("namespace") or "default"), _impersonation(str(said["user"])))
    return Cluster(str(chosen["name"]), connection)


def _no_context(context: str, known: list[str]) -> str:
    from difflib import get_close_matches

    if not context:
        return f"the kubeconfig has no current context; name one of: {', '.join(known) or 'none is there'}"
    close = get_close_matches(context, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(known) or 'none'}"
    return f"the kubeconfig has no context {context!r}{hint}"


def _is_pod() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and not os.environ.get("KUBECONFIG") and not _files()


def _from_pod() -> Cluster:
    from kubernetes.client import Configuration
    from kubernetes.config import ConfigException
    from kubernetes.config.incluster_config import SERVICE_TOKEN_FILENAME, load_incluster_config

    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)
        namespace = (Path(SERVICE_TOKEN_FILENAME).parent / "namespace").read_text()
    except (ConfigException, OSError) as error:
        raise UsageError(f"no kubeconfig, and no service account of a pod: {error}") from error
    return Cluster(IN_CLUSTER, Connection(configuration, namespace, {}))


def _named() -> str:
    """The kubeconfigs, by what the environment says now: the kubernetes package has read it once, when it was imported.
    """
    return os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())


def _files() -> list[Path]:
    return [path for name in _named().split(os.pathsep) if name and (path := Path(name)).is_file()]


def _impersonation(user: str) -> dict[str, str]:
    """`as`, `as-uid` and the first of `as-groups` of a kubeconfig's user, which the kubernetes package leaves out."""
    import yaml

    for path in _files():
        for one in (yaml.safe_load(path.read_text()) or {}).get("users") or []:
            if one.get("name") == user:
                said = one.get("user") or {}
                wanted = {"Impersonate-User": said.get("as"), "Impersonate-Uid": said.get("as-uid"),
                          "Impersonate-Group": next(iter(said.get("as-groups") or []), None)}
                return {key: str(value) for key, value in wanted.items() if value}
    return {}


def _url(path: str, query: Query) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def segment(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")


def _decoded(body: bytes, kind: type[T]) -> T:
    wanted: Any = kind
    found: T = _decoder(wanted).decode(body)
    return found


@cache
def _decoder(kind: Any) -> Any:
    """Made once for each kind: that takes longer than to read a small answer."""
    return msgspec.json.Decoder(kind)


def _lines(response: Any) -> Iterator[bytes]:
    rest = b""
    for piece in _pieces(response):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole


def _frames(socket: Any, until_s: float) -> Iterator[bytes]:
    """Whole messages, until the other side closes. Raises WebSocketTimeoutException when the time is over."""
    from websocket import ABNF, WebSocketTimeoutException

    while True:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise WebSocketTimeoutException("it took too long")
        socket.settimeout(left_s)
        kind, data = socket.recv_data()
        if kind == ABNF.OPCODE_CLOSE:
            return
        yield data


def _pieces(response: Any) -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError

    with suppress(HTTPError):
        yield from response.stream(65536)


def _may_pass(raw: _Raw) -> bool:
    """Whether asking again at once may help."""
    return raw.status in (408, 429, 500, 502, 503, 504) and not _budget(_said(raw.body))


def _budget(said: _Said) -> str:
    """What a disruption budget has against an eviction: an answer, although it comes as a 429, or, where a pod has
    several budgets, which no eviction can have, as a 500.
    """
    causes = (said.details.causes if said.details else None) or []
    told = [cause.message for cause in causes if cause.reason == "DisruptionBudget"]
    return "; ".join(told) or (said.message if "more than one PodDisruptionBudget" in said.message else "")


def _refusal(context: str, raw: _Raw, asked: str) -> Exception:
    """What an answer that is not 2xx means. A webhook's denial is the API server's own text."""
    said = _said(raw.body)
    text = f"{context}: {said.message or raw.body[:_ANSWER_MOST].decode(errors='replace')} (HTTP {raw.status})"
    if forbids := _budget(said):
        return BudgetForbids(forbids)
    match raw.status:
        case 401:
            return Forbidden(f"{text}: the credentials are not accepted, or have expired; log in again")
        case 403:
            return Forbidden(text)
        case 404:
            return Gone(text)
        case 409:
            return Conflict(text)
        case 410:
            return Expired(text)
        case 429:
            return Busy(text)
        case status if status >= 500:
            return ApiUnreachable(f"{text}: {asked}")
        case _:
            return Denied(text)


def _said(body: bytes) -> _Said:
    try:
        return msgspec.json.decode(body, type=_Said)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Said()


def compact(data: Any) -> str:
    """Data as one short line of JSON, for an annotation."""
    return json.dumps(data, separators=(",", ":"), sort_keys=True)
