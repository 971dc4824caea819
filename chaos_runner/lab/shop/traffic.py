"""The shop's customers: a steady 20 checkouts a second, sent whether or not the last ones were answered.

It ends by itself: after 15 minutes, when the file given with --while is gone, and with --with-parent when the process
that started it is. Every 2 s it logs what happened.
"""

import argparse
import http.client
import itertools
import os
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final

from chaos_runner.lab.shop.serving import say

_PER_S: Final = 20
_CUSTOMERS: Final = 50
_PATIENCE_S: Final = 5.0
_IN_FLIGHT_MAX: Final = 150
_LOG_EVERY_S: Final = 2.0
_LASTS_S_MAX: Final = 900.0


class Customers:
    """Customers who come one after the other and wait no longer than 5 s."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._next = itertools.cycle(range(1, _CUSTOMERS + 1))
        self._places = threading.BoundedSemaphore(_IN_FLIGHT_MAX)
        self._counting = threading.Lock()
        self._counts: Counter[str] = Counter()

    def send_one(self) -> None:
        """Sends the next customer, or nobody while too many wait: the load stays bounded whatever the shop does."""
        if not self._places.acquire(blocking=False):
            self._count("not sent")
            return
        threading.Thread(target=self._check_out, args=(next(self._next),), daemon=True).start()

    def counts_since_last(self) -> str:
        """What happened since this was last asked, for the log."""
        with self._counting:
            counts, self._counts = self._counts, Counter()
        return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "nothing"

    def _check_out(self, customer: int) -> None:
        try:
            self._count(self._outcome(customer))
        finally:
            self._places.release()

    def _outcome(self, customer: int) -> str:
        connection = http.client.HTTPConnection(self._address, timeout=_PATIENCE_S)
        try:
            connection.request("GET", f"/checkout?customer={customer}")
            return f"answered {connection.getresponse().status}"
        except TimeoutError:
            return "gave up waiting"
        except (OSError, http.client.HTTPException):
            return "failed"
        finally:
            connection.close()

    def _count(self, what: str) -> None:
        with self._counting:
            self._counts[what] += 1


class Leave:
    """Until when the load may go on."""

    def __init__(self, standing: Path, *, with_parent: bool) -> None:
        self._standing = standing
        self._parent = os.getppid() if with_parent else None
        self._end_s = time.monotonic() + _LASTS_S_MAX

    def holds(self) -> bool:
        if self._parent is not None and os.getppid() != self._parent:
            return False
        return time.monotonic() < self._end_s and self._standing.exists()


def send_while(leave: Leave, customers: Customers) -> None:
    """Sends customers at a steady pace. What was missed while the machine slept is not made up for."""
    due_s = logged_s = time.monotonic()
    while leave.holds():
        customers.send_one()
        due_s = max(due_s + 1 / _PER_S, time.monotonic())
        if due_s - logged_s > _LOG_EVERY_S:
            logged_s = due_s
            say(customers.counts_since_last())
        time.sleep(max(0.0, due_s - time.monotonic()))


def main() -> None:
    """Sends customers until it is time to leave."""
    options = argparse.ArgumentParser("python -m chaos_runner.lab.shop.traffic", description=__doc__.split("\n")[0])
    options.add_argument("--front", required=True, metavar="HOST:PORT")
    options.add_argument("--while", required=True, type=Path, metavar="FILE", dest="standing")
    options.add_argument("--with-parent", action="store_true")
    given = options.parse_args()
    leave = Leave(given.standing, with_parent=given.with_parent)
    say(f"sending {_PER_S} checkouts a second to {given.front}")
    send_while(leave, Customers(given.front))
    say("time to leave")


if __name__ == "__main__":
    main()
