"""A generic webhook: the notice as JSON, signed as Standard Webhooks says (standardwebhooks.com, version 1)."""

import hmac
import time
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from hashlib import sha256
from typing import Any, ClassVar, Final

import msgspec
from msgspec import Struct

from chaos_runner.notify.channel import NotTold, Way, headers
from chaos_runner.notify.elsewhere import Hidden, read
from chaos_runner.notify.notice import Notice
from chaos_runner.notify.posting import Post, post
from chaos_runner.notify.reports import link

VERSION: Final = 1
"""Of the body. Keys may be added under the same number."""
PREFIX: Final = "whsec_"
_KEY_BYTES: Final = (24, 64)


class Settings(Struct, frozen=True, kw_only=True, rename="kebab"):
    """The URL, the key that signs, more headers, and where reports can be read."""

    webhook: str | Hidden
    secret: Hidden | None = None
    headers: dict[str, str | Hidden] = {}
    report_url: str = ""


class Webhook(Way[Settings]):
    """Posts the notice as JSON."""

    settings: ClassVar = Settings
    secret: ClassVar = frozenset({"secret"})

    def send(self, settings: Settings, notice: Notice) -> str:
        url, key, more = read(settings.webhook), _key(settings.secret), headers(settings.headers)
        sent = body(notice, settings.report_url)
        signed = signature_headers(notice, sent, key, int(time.time()))
        return post(Post(url=url, body=sent, headers={**more, **signed}, secrets=tuple(more.values())))


def body(notice: Notice, report_url: str = "") -> bytes:
    """What is posted: the same for the same notice, whenever it is."""
    fields: dict[str, Any] = {"version": VERSION, **msgspec.structs.asdict(notice)}
    return msgspec.json.encode({**fields, "report": link(report_url, notice)})


def identity(notice: Notice) -> str:
    """What `webhook-id` says: the same for the same notice, without a full stop, which is what joins what is signed."""
    return f"msg_{sha256(notice.notice.encode()).hexdigest()[:32]}"


def signature_headers(notice: Notice, sent: bytes, key: bytes, at_s: int) -> dict[str, str]:
    """The three headers of Standard Webhooks; without a key, all but the signature."""
    name = identity(notice)
    found = {"webhook-id": name, "webhook-timestamp": str(at_s)}
    if key:
        signed = hmac.new(key, b"%s.%d.%s" % (name.encode(), at_s, sent), sha256).digest()
        found["webhook-signature"] = f"v1,{b64encode(signed).decode()}"
    return found


def _key(secret: Hidden | None) -> bytes:
    """The key in a secret. Raises NotThere; NotTold for one that is none, which may be put right any time."""
    if secret is None:
        return b""
    text = read(secret)
    try:
        key = b64decode(text.removeprefix(PREFIX), validate=True)
    except (NoBase64, ValueError):
        key = b""
    if not text.startswith(PREFIX) or not _KEY_BYTES[0] <= len(key) <= _KEY_BYTES[1]:
        raise NotTold(f'its secret is none: write {PREFIX} and 24 to 64 bytes in base64: '
                      f'echo "{PREFIX}$(openssl rand -base64 32)"')
    return key
