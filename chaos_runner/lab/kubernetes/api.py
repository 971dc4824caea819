"""What the lab itself asks its API server: a handful of requests, without any client library."""

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from chaos_runner.errors import Refused

_TIMEOUT_S: Final = 10.0
_SAID_LENGTH: Final = 500
_CLUSTER_WIDE: Final = frozenset(("ClusterRole", "ClusterRoleBinding", "Namespace", "Node"))
_IRREGULAR: Final = {"NetworkPolicy": "networkpolicies", "Endpoints": "endpoints"}
MANAGER: Final = "chaos-runner-lab"
"""Who made what the lab brings along, as managed fields tell it."""


class NoAnswer(Refused):
    """The API server could not be reached, or did not answer as HTTP has it."""


class ApiError(Refused):
    """The API server answered, and said no. `status` is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """The API server at an `https://` URL, trusted by its authority's certificate, as the bearer of a token."""

    def __init__(self, url: str, authority: Path, token: str) -> None:
        self._address = urlsplit(url).netloc
        self._trust = ssl.create_default_context(cafile=str(authority))
        self._token = token

    def get(self, path: str) -> Any:
        """What is at this path. Raises ApiError, NoAnswer."""
        return json.loads(self._ask("GET", path))

    def text(self, path: str) -> str:
        """As `get`, for what is not JSON."""
        return self._ask("GET", path).decode()

    def has(self, path: str) -> bool:
        """Whether something is at this path. Raises ApiError, NoAnswer."""
        try:
            self.text(path)
        except ApiError as why:
            if why.status == http.client.NOT_FOUND:
                return False
            raise
        return True

    def create(self, path: str, body: Mapping[str, Any]) -> Any:
        """Adds an object to the collection at this path, and gives it as it is. Raises ApiError, NoAnswer."""
        return json.loads(self._ask("POST", path, body, "application/json"))

    def delete(self, path: str) -> None:
        """Removes the object at this path. Raises ApiError, NoAnswer."""
        self._ask("DELETE", path)

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """Makes the object as the manifest has it, whether it is there or not. Raises ApiError, NoAnswer."""
        path = f"{path_of(manifest)}?fieldManager={MANAGER}&force=true"
        self._ask("PATCH", path, manifest, "application/apply-patch+yaml")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> bytes:
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Content-Type": kind} if kind else {})
        connection = http.client.HTTPSConnection(self._address, timeout=_TIMEOUT_S, context=self._trust)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            said = response.read()
        except (OSError, http.client.HTTPException) as why:
            raise NoAnswer(f"the lab's API server at {self._address} does not answer: {why}") from why
        finally:
            connection.close()
        if response.status >= 300:
            text = said[:_SAID_LENGTH].decode(errors="replace")
            raise ApiError(f"the lab's API server answers {method} {path} with {response.status}: {text}",
                           response.status)
        return said


def path_of(manifest: Mapping[str, Any]) -> str:
    """Where the object of a manifest is on the server."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    plural = _IRREGULAR.get(kind, f"{kind.lower()}s")
    metadata = manifest["metadata"]
    where = "" if kind in _CLUSTER_WIDE else f"/namespaces/{metadata.get('namespace', 'default')}"
    return f"{base}{where}/{plural}/{metadata['name']}"
