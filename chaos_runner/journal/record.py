"""One line of a journal: an event with its number, its wall time and the hash that chains it to all before it.

    {"v":1,"n":7,"at":"2026-11-20T11:02:10.123Z","event":{"type":"Applied",…},"hash":"…64 hex digits…"}

`hash` is SHA-256 over the hash before it (for line 0: nothing) and the line up to the hash. A journal that was changed
afterwards, or lost a line, no longer adds up.
"""

from hashlib import sha256
from typing import Final

import msgspec

from chaos_runner.run.events import VERSION, AnyEvent, Event

HASH_LENGTH: Final = 64
_TAIL: Final = len(',"hash":""}') + HASH_LENGTH
HASHED: Final = slice(None, -_TAIL)
CARRIED: Final = slice(-HASH_LENGTH - 2, -2)
"""Where in a line stands what its hash is taken of, beside the hash before it, and where the hash stands."""


class Record(msgspec.Struct, frozen=True):
    """A line, decoded."""

    n: int
    at: str
    event: AnyEvent
    v: int = VERSION


class _Body(msgspec.Struct, frozen=True):
    v: int
    n: int
    at: str
    event: Event


_encoder = msgspec.json.Encoder(enc_hook=repr)
_decoder = msgspec.json.Decoder(Record)


def encode(n: int, at: str, event: Event, before: str) -> tuple[bytes, str]:
    """The line without its line feed, and its hash."""
    body = _encoder.encode(_Body(VERSION, n, at, event))[:-1]
    digest = sha256(before.encode() + body).hexdigest()
    return b'%s,"hash":"%s"}' % (body, digest.encode()), digest


def decode_all(lines: bytes) -> list[Record]:
    """The records in many lines: much sooner than one by one. Raises msgspec.DecodeError."""
    return _decoder.decode_lines(lines)


def decode(line: bytes) -> Record:
    """The record in a line. Raises msgspec.DecodeError."""
    return _decoder.decode(line)


def digest_of(line: bytes, before: str) -> str:
    """The hash that the line ought to carry."""
    return sha256(before.encode() + line[HASHED]).hexdigest()


def carried_digest(line: bytes) -> str:
    """The hash that the line does carry."""
    return line[CARRIED].decode("ascii", "replace")
