"""One line of a journal: an event with its number, its wall time and the hash that chains it to all before it.

    {"v":1,"n":7,"at":"2026-11-20T11:02:10.123Z","event":{"type":"Applied",…},"hash":"…64 hex digits…"}

`hash` is SHA-256 over the hash before it (for the first: nothing) and all that was written since, up to this line's own
hash. A sample's line carries none: there are very many, and the next line that does seals them too. A journal that was
changed afterwards, or lost a line, no longer adds up.
"""

from hashlib import sha256
from typing import Final, Literal

import msgspec

from chaos_runner.run.events import VERSION, AnyEvent, Event

HASH_LENGTH: Final = 64
_TAIL: Final = len(',"hash":""}') + HASH_LENGTH
HASHED: Final = slice(None, -_TAIL)
CARRIED: Final = slice(-HASH_LENGTH - 2, -2)
"""Where in a line stands what its hash is taken of, beside what is before it, and where the hash stands."""
SAMPLE: Final = b'"event":{"type":"Sampled"'
"""What stands in the line of a sample, and in no other: inside a text its quotes would be written otherwise."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A line, decoded."""

    n: int
    at: str
    event: AnyEvent
    v: Literal[1] = VERSION
    """A line of another version does not decode."""


class _Body(msgspec.Struct, frozen=True):
    v: int
    n: int
    at: str
    event: Event


_encoder = msgspec.json.Encoder(enc_hook=repr)
_decoder = msgspec.json.Decoder(Record)


class Chain:
    """The hash that goes along a journal's lines, from the first one on. `head` is the last that a line carries."""

    def __init__(self) -> None:
        self.head = ""
        self._since = sha256()

    def pass_over(self, line: bytes) -> None:
        """Goes on over a line that carries no hash, given without its line feed."""
        self._since.update(line + b"\n")

    def seal(self, body: bytes) -> str:
        """The hash for a line that is this up to it."""
        self._since.update(body)
        self.head = self._since.hexdigest()
        self._since = sha256(self.head.encode())
        return self.head


def encode(n: int, at: str, event: Event, chain: Chain) -> bytes:
    """The line without its line feed, and the chain goes on over it."""
    whole = _encoder.encode(_Body(VERSION, n, at, event))
    if event.sealed:
        return b'%s,"hash":"%s"}' % (whole[:-1], chain.seal(whole[:-1]).encode())
    chain.pass_over(whole)
    return whole


def decode_all(lines: bytes) -> list[Record]:
    """The records in many lines: much sooner than one by one. Raises msgspec.DecodeError."""
    return _decoder.decode_lines(lines)


def decode(line: bytes) -> Record:
    """The record in a line. Raises msgspec.DecodeError."""
    return _decoder.decode(line)


def is_sealed(line: bytes) -> bool:
    """Whether a line carries a hash. What carries none ends with its event."""
    return line.endswith(b'"}')


def is_sample(line: bytes) -> bool:
    """Whether a line, as we write it, is one of those that carry no hash."""
    return SAMPLE in line


def carried_digest(line: bytes) -> str:
    """The hash that a line carries."""
    return line[CARRIED].decode("ascii", "replace")
