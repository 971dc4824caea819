"""Experiments from the web, by the rules of chaoslib's loader; but with an end to waiting."""

import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlparse

from chaos_runner.errors import UsageError
from chaos_runner.experiment.document import BYTES_MAX

TIMEOUT_S: Final = (5.0, 30.0)
"""To connect, and between two pieces of the answer. chaoslib waits for ever."""
TOKEN_VARIABLE: Final = "CHAOSTOOLKIT_LOADER_AUTH_BEARER_TOKEN"  # noqa: S105 -- the name of a variable
TYPES: Final = ("application/json", "application/x-yaml", "text/yaml", "text/plain")
OK: Final = 200


def is_url(source: str) -> bool:
    """Whether an experiment is to be fetched and not read."""
    return source.startswith(("http://", "https://"))


def fetch(url: str, auths: Mapping[str, Any], *, verify_tls: bool = True) -> bytes:
    """The text at that address. Raises UsageError for every answer but 200 with a type that chaoslib takes."""
    import requests

    try:
        answer = requests.get(url, headers=_headers(url, auths), verify=verify_tls, timeout=TIMEOUT_S, stream=True)
        body: bytes = answer.raw.read(BYTES_MAX + 1, decode_content=True)
    except (OSError, ValueError, requests.RequestException) as problem:
        raise UsageError(f"{_without_password(url)} cannot be fetched: {type(problem).__name__}") from problem
    if answer.status_code != OK:
        raise UsageError(f"{_without_password(url)} cannot be fetched: HTTP status {answer.status_code}")
    kind = answer.headers.get("Content-Type", "")
    if not any(known in kind for known in TYPES):
        raise UsageError(f"{_without_password(url)} is of the type {kind or '(none)'}, and one of {', '.join(TYPES)} "
                         "is wanted")
    return body


def _headers(url: str, auths: Mapping[str, Any]) -> dict[str, str]:
    """A token of the environment, else what the settings have for that very host and port."""
    headers = {"Accept": "application/json, application/x-yaml"}
    token = os.environ.get(TOKEN_VARIABLE)
    auth = auths.get(urlparse(url).netloc)
    if token:
        headers["Authorization"] = f"bearer {token.strip()}"
    elif isinstance(auth, Mapping) and "type" in auth and "value" in auth:
        headers["Authorization"] = f"{auth['type']} {auth['value']}"
    return headers


def _without_password(url: str) -> str:
    found = urlparse(url)
    return found._replace(netloc=found.netloc.rpartition("@")[2]).geturl()
