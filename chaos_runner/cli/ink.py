"""Colour, where a person looks and has not said no."""

import os
import sys
from collections.abc import Mapping
from typing import NamedTuple, TextIO


class Ink(NamedTuple):
    """Colours a word, or leaves it."""

    on: bool

    def red(self, text: str) -> str:
        return self._with("31;1", text)

    def green(self, text: str) -> str:
        return self._with("32;1", text)

    def yellow(self, text: str) -> str:
        return self._with("33;1", text)

    def dim(self, text: str) -> str:
        return self._with("2", text)

    def bold(self, text: str) -> str:
        return self._with("1", text)

    def _with(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on else text


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """NO_COLOR says no, FORCE_COLOR says yes; else only a terminal that is not dumb gets colour."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR"):
        return True
    return stream.isatty() and not is_dumb(environment)


def is_dumb(environment: Mapping[str, str]) -> bool:
    """Whether nothing is known of the terminal, or that it understands no escape sequence."""
    return environment.get("TERM", "") in ("", "dumb")


def err_ink() -> Ink:
    """The ink of standard error, where we talk."""
    return Ink(wants_colour(sys.stderr, os.environ))


def out_ink() -> Ink:
    """The ink of standard output, where results go."""
    return Ink(wants_colour(sys.stdout, os.environ))


