"""The shop's front end.

    GET /                      the catalogue, from memory
    GET /checkout?customer=7   places an order and shows the customer's last ones
    GET /health                200 without asking anybody
    GET /metrics               how its requests fare, for Prometheus

The customer's last orders come from a cache that is refreshed behind the answer, so nobody waits for the store. Placing
the order needs an orders service, and the other one is asked when a connection is refused or breaks. One that accepts
and never answers holds the customer up: that is the shop's weakness, and `--ask-next-after 0.1` its fix.
"""

import argparse
import http.client
import itertools
import json
import os
import queue
import threading
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from chaos_runner.lab.shop.serving import Answer, Request, customer_of, health, serve_http

ORDERS_TIMEOUT_S: Final = 30.0
_FRESH_S: Final = 5.0
_REFRESHERS: Final = 4
_CATALOGUE: Final = {"tea": 4.50, "coffee": 6.20, "cocoa": 5.10, "biscuits": 2.80}


class OrdersError(Exception):
    """No orders service took the call."""


class OrdersServices:
    """The orders services, asked in turn."""

    def __init__(self, addresses: Sequence[str], ask_next_after_s: float | None = None) -> None:
        self._addresses = addresses
        self._ask_next_after_s = ask_next_after_s
        self._turn = itertools.count()

    def ask(self, method: str, path: str) -> Answer:
        """The answer of the service whose turn it is, or of the next when the connection is refused or breaks.

        Waits up to ORDERS_TIMEOUT_S for one that accepts and does not answer, unless it was told when to ask the next.
        Raises OrdersError.
        """
        first = next(self._turn)
        for step in range(len(self._addresses)):
            address = self._addresses[(first + step) % len(self._addresses)]
            try:
                return _call(address, method, path, self._ask_next_after_s or ORDERS_TIMEOUT_S)
            except TimeoutError as why:
                if self._ask_next_after_s:
                    continue
                raise OrdersError(f"{address} did not answer within {ORDERS_TIMEOUT_S:.0f} s") from why
            except (ConnectionError, http.client.HTTPException):
                continue
        raise OrdersError("no orders service can be reached")


def _call(address: str, method: str, path: str, timeout_s: float) -> Answer:
    connection = http.client.HTTPConnection(address, timeout=timeout_s)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return Answer(response.status, json.loads(response.read()))
    finally:
        connection.close()


class _Known(NamedTuple):
    orders: list[str]
    heard_s: float


class History:
    """Each customer's last orders as last heard: given at once, refreshed behind the answer when older than 5 s."""

    def __init__(self, services: OrdersServices) -> None:
        self._services = services
        self._known: dict[int, _Known] = {}
        self._wanted: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._pending: set[int] = set()
        self._changing = threading.Lock()
        for _ in range(_REFRESHERS):
            threading.Thread(target=self._refresh_for_good, daemon=True).start()

    def of(self, customer: int) -> list[str]:
        """What is known now; nothing for a customer who comes for the first time."""
        known = self._known.get(customer)
        if known is None or time.monotonic() - known.heard_s > _FRESH_S:
            self._want(customer)
        return known.orders if known else []

    def _want(self, customer: int) -> None:
        with self._changing:
            if customer in self._pending:
                return
            self._pending.add(customer)
        self._wanted.put(customer)

    def _refresh_for_good(self) -> None:
        while True:
            customer = self._wanted.get()
            self._refresh(customer)
            with self._changing:
                self._pending.discard(customer)

    def _refresh(self, customer: int) -> None:
        """Keeps the old answer when there is no new one: old orders are better than none."""
        try:
            answer = self._services.ask("GET", f"/orders?customer={customer}")
        except OrdersError:
            return
        if answer.status == 200 and isinstance(answer.content, dict):
            self._known[customer] = _Known(answer.content["orders"], time.monotonic())


class FrontEnd:
    """What customers see."""

    def __init__(self, services: OrdersServices) -> None:
        self._services = services
        self._history = History(services)

    def catalogue(self, _request: Request) -> Answer:
        return Answer(200, {"catalogue": _CATALOGUE})

    def checkout(self, request: Request) -> Answer:
        """Places an order. The order's number is made here, so that asking a second service makes no second one."""
        customer, order = customer_of(request), os.urandom(6).hex()
        try:
            placed = self._services.ask("POST", f"/orders?customer={customer}&order={order}")
        except OrdersError as why:
            return Answer(504, {"error": str(why)})
        if placed.status != 202:
            return Answer(503, {"error": placed.content})
        return Answer(200, {"customer": customer, "order": order, "before": self._history.of(customer)})


def main() -> None:
    """Serves until it is ended."""
    options = argparse.ArgumentParser("python -m chaos_runner.lab.shop.front", description=__doc__.split("\n")[0])
    options.add_argument("--orders", required=True, action="append", metavar="HOST:PORT", help="may be given again")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options.add_argument("--ask-next-after", type=float, metavar="SECONDS", help="how long an orders service may take")
    given = options.parse_args()
    front = FrontEnd(OrdersServices(given.orders, given.ask_next_after))
    serve_http(given.port, {"GET /": front.catalogue, "GET /checkout": front.checkout, "GET /health": health})


if __name__ == "__main__":
    main()
