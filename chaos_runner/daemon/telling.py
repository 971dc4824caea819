"""Who is told of what: from notices to letters in the outbox, in the transaction that makes them true."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection

from chaos_runner.daemon.book import Planned
from chaos_runner.ledger import outbox
from chaos_runner.ledger.ledger import Ledger
from chaos_runner.ledger.outbox import Letter
from chaos_runner.notify.channel import Channel
from chaos_runner.notify.notice import Notice
from chaos_runner.redaction import Redactor

_CLEAN: Final = Redactor()


class Telling:
    """Knows the channels of every schedule that it has learnt of, also of those that are gone since."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._of_schedules: dict[str, tuple[str, tuple[Channel, ...]]] = {}
        self._channels: Mapping[str, Channel] = {}

    @property
    def channels(self) -> Mapping[str, Channel]:
        """All that are known, by key. Another thread may ask."""
        return self._channels

    def learn(self, planned: Iterable[Planned]) -> None:
        """Goes by these schedules from now on."""
        self._of_schedules |= {one.schedule.name: (one.schedule.env, one.notify) for one in planned}
        self._channels = {channel.key: channel for _, some in self._of_schedules.values() for channel in some}

    def tell(self, connection: Connection, notices: Sequence[Notice]) -> None:
        """Puts into the outbox what each channel is to be told, without what looks like a secret."""
        heard = [(notice, who) for notice in notices if (who := self.who_hears(notice))]
        letters = [letter for notice, who in heard for letter in _letters(_CLEAN.struct(notice), who)]
        outbox.put(self._ledger, connection, letters)

    def who_hears(self, notice: Notice) -> list[Channel]:
        """Those that want to be told of it. One that stands in two places is told once."""
        found: list[Channel] = []
        for channel in self._candidates(notice):
            if notice.kind in channel.kinds and all(channel.destination != one.destination for one in found):
                found.append(channel)
        return found

    def _candidates(self, notice: Notice) -> Iterator[Channel]:
        """Those of its schedule. Of a schedule that nobody here has seen: those of its environment's others, as the
        project and the environment are theirs too.
        """
        known = self._of_schedules.get(notice.schedule)
        if known:
            yield from known[1]
            return
        for name, (env, some) in self._of_schedules.items():
            if env == notice.environment:
                yield from (channel for channel in some if not channel.key.startswith(f"schedule {name}/"))


def _letters(notice: Notice, channels: Iterable[Channel]) -> Iterator[Letter]:
    body = msgspec.json.encode(notice).decode()
    return (Letter(notice=notice.notice, channel=channel.key, body=body) for channel in channels)
