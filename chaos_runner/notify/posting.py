"""Posting JSON, and what the answer means for a second try. An address may be a secret: nothing said here holds it."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct

from chaos_runner.notify.channel import NotTold
from chaos_runner.redaction import Redactor

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

CONNECT_S: Final = 5.0
ANSWER_S: Final = 10.0
WAIT_MAX_S: Final = 3600.0
"""A receiver that wants to be left alone for longer is asked again after this."""
_BODY_BYTES_MAX: Final = 16 * 1024
_SHOWN: Final = 120
_AGAIN: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_OK: Final = range(200, 300)
_SERVER: Final = 500


class Post(Struct, frozen=True, kw_only=True):
    """A request. `secrets` are texts that must not be repeated, whatever the receiver answers."""

    url: str
    body: bytes
    headers: Mapping[str, str] = {}
    secrets: tuple[str, ...] = ()


def post(wanted: Post) -> str:
    """Sends it, and gives what was answered. Redirects are not followed: they would take secrets elsewhere.

    Raises NotTold: for good where the receiver refuses it, else with how long it wants to be left alone.
    """
    import requests

    _check(wanted.url)
    headers = {"User-Agent": "chaos-runner", "Content-Type": "application/json", **wanted.headers}
    try:
        answer = requests.post(wanted.url, data=wanted.body, headers=headers, auth=_as_it_is, stream=True,
                               timeout=(CONNECT_S, ANSWER_S), allow_redirects=False)
    except requests.Timeout as problem:
        raise NotTold(f"no answer within {ANSWER_S:.0f} s") from problem
    except requests.exceptions.SSLError as problem:
        raise NotTold("TLS: its certificate is not trusted, or it speaks no TLS") from problem
    except requests.ConnectionError as problem:
        raise NotTold("no connection") from problem
    except (requests.RequestException, ValueError) as problem:
        raise NotTold(f"a request that cannot be sent ({type(problem).__name__})") from None
    with answer:
        return _judged(answer, Redactor([wanted.url, urlsplit(wanted.url).path, *wanted.secrets]))


def _check(url: str) -> None:
    """Raises NotTold for what is no address, without repeating it."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise NotTold("its address is no URL such as https://example.org/hook")
    if parts.username is not None:
        raise NotTold("a password in its address: use headers")


def _as_it_is(request: "PreparedRequest") -> "PreparedRequest":
    """Leaves the request as it is: without this a .netrc would replace our Authorization."""
    return request


def _judged(answer: "Response", redactor: Redactor) -> str:
    status, said = answer.status_code, _said(answer)
    told = f"HTTP {status}{f' {redactor.text(said)!a}' if said else ''}"
    if status in _OK:
        return told
    for_good = status < _SERVER and status not in _AGAIN
    raise NotTold(told, for_good=for_good, wait_s=None if for_good else _asked_to_wait_s(answer))


def _said(answer: "Response") -> str:
    """The beginning of the body, if it comes in time: all that matters is in the status."""
    import requests

    until_s, body = time.monotonic() + ANSWER_S, b""
    try:
        for piece in answer.iter_content(1024):
            body += piece
            if len(body) >= _BODY_BYTES_MAX or time.monotonic() > until_s:
                break
    except requests.RequestException:
        pass
    text = " ".join(body.decode("utf-8", "replace").split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _asked_to_wait_s(answer: "Response") -> float | None:
    """Retry-After: seconds, or a date (RFC 9110, 10.2.3)."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), WAIT_MAX_S)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    wait_s = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(wait_s, 0.0), WAIT_MAX_S)
