"""Everything that can happen can be told."""

from typing import get_args

from chaos_runner.report import telling
from chaos_runner.run.events import AnyEvent


def test_there_are_words_for_every_event() -> None:
    assert set(get_args(AnyEvent)) == set(telling._WORDS)
