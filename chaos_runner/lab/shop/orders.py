"""An orders service.

    POST /orders?customer=7&order=ID   202 at once: the order is written to the store behind the answer
    GET  /orders?customer=7            the customer's last orders, read from the store; 503 when it does not answer
    GET  /health                       200 without asking the store
    GET  /metrics                      how its requests fare, for Prometheus
"""

import argparse
import queue
import re
import threading
import time
from typing import Final

from chaos_runner.lab.shop.serving import Answer, BadRequestError, Request, customer_of, health, say, serve_http
from chaos_runner.lab.shop.store_pool import StoreError, StorePool

_WAITING_MAX: Final = 5000
_BATCH_MAX: Final = 100
_PAUSE_AFTER_FAILURE_S: Final = 0.5
_ORDER: Final = re.compile(r"[\w-]{1,64}", re.ASCII)


class OrderBook:
    """Orders on their way to the store and back."""

    def __init__(self, name: str, store: StorePool) -> None:
        self._name = name
        self._store = store
        self._waiting: queue.Queue[str] = queue.Queue(_WAITING_MAX)

    def place(self, request: Request) -> Answer:
        """Takes an order. Refuses with 503 when too many wait for the store already."""
        customer, order = customer_of(request), request.query.get("order", "")
        if not _ORDER.fullmatch(order):
            raise BadRequestError("order is 1 to 64 letters, digits, - and _")
        try:
            self._waiting.put_nowait(f"ADD orders/{customer} {order}")
        except queue.Full:
            return Answer(503, {"error": f"{_WAITING_MAX} orders wait for the store"})
        return Answer(202, {"order": order, "by": self._name})

    def read(self, request: Request) -> Answer:
        """The customer's last orders, oldest first."""
        customer = customer_of(request)
        try:
            [reply] = self._store.ask([f"GET orders/{customer}"])
        except StoreError as why:
            return Answer(503, {"error": str(why)})
        return Answer(200, {"customer": customer, "orders": reply.split("\t")[1:], "by": self._name})

    def write_for_good(self) -> None:
        """Brings what waits to the store, in order, and keeps it until the store has it."""
        while True:
            batch = self._next_batch()
            while not self._written(batch):
                time.sleep(_PAUSE_AFTER_FAILURE_S)

    def _next_batch(self) -> list[str]:
        batch = [self._waiting.get()]
        while len(batch) < _BATCH_MAX and not self._waiting.empty():
            batch.append(self._waiting.get())
        return batch

    def _written(self, batch: list[str]) -> bool:
        try:
            self._store.ask(batch)
        except StoreError as why:
            say(f"{len(batch)} orders wait: {why}")
            return False
        return True


def main() -> None:
    """Serves until it is ended."""
    options = argparse.ArgumentParser("python -m chaos_runner.lab.shop.orders", description=__doc__.split("\n")[0])
    options.add_argument("--name", required=True)
    options.add_argument("--store", required=True, metavar="HOST:PORT")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    given = options.parse_args()
    host, _, port = given.store.rpartition(":")
    book = OrderBook(given.name, StorePool(host, int(port)))
    threading.Thread(target=book.write_for_good, daemon=True).start()
    serve_http(given.port, {"GET /health": health, "GET /orders": book.read, "POST /orders": book.place})


if __name__ == "__main__":
    main()
