"""How the requests of one of the shop's programs fare, in Prometheus' text format.

    shop_requests_total{path,code}        requests that were answered
    shop_requests_in_flight{path}         requests that still wait for their answer
    shop_request_seconds{path}            a histogram of how long the answered ones took

A request that hangs is in none of the figures of answered ones: only the second metric shows it.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
_OTHER: Final = "other"


class Metrics:
    """What is counted, by the paths that are known; all others count as one."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = sorted(set(paths))
        self._counting = threading.Lock()
        self._answered: Counter[tuple[str, int]] = Counter()
        self._in_flight: Counter[str] = Counter()
        self._within: Counter[tuple[str, float]] = Counter()
        self._took_s = dict.fromkeys((*self._paths, _OTHER), 0.0)

    @contextmanager
    def one(self, path: str) -> Iterator[Callable[[int], None]]:
        """Counts one request: in flight for as long as the block lasts, answered with the status that is told."""
        known = path if path in self._paths else _OTHER
        began_s, codes = time.perf_counter(), [500]
        with self._counting:
            self._in_flight[known] += 1
        try:
            yield codes.append
        finally:
            self._count(known, codes[-1], time.perf_counter() - began_s)

    def text(self) -> str:
        """Everything counted so far, for Prometheus to scrape."""
        with self._counting:
            return "".join(f"{line}\n" for line in self._lines())

    def _count(self, path: str, code: int, took_s: float) -> None:
        with self._counting:
            self._in_flight[path] -= 1
            self._answered[path, code] += 1
            self._took_s[path] += took_s
            self._within.update((path, bound) for bound in _BOUNDS_S if took_s <= bound)

    def _lines(self) -> Iterator[str]:
        yield "# TYPE shop_requests_total counter"
        for (path, code), count in sorted(self._answered.items()):
            yield f'shop_requests_total{{path="{path}",code="{code}"}} {count}'
        yield "# TYPE shop_requests_in_flight gauge"
        for path in self._paths:
            yield f'shop_requests_in_flight{{path="{path}"}} {self._in_flight[path]}'
        yield "# TYPE shop_request_seconds histogram"
        for path in self._paths:
            yield from self._histogram(path)

    def _histogram(self, path: str) -> Iterator[str]:
        count = sum(number for (of, _), number in self._answered.items() if of == path)
        for bound in _BOUNDS_S:
            yield f'shop_request_seconds_bucket{{path="{path}",le="{bound}"}} {self._within[path, bound]}'
        yield f'shop_request_seconds_bucket{{path="{path}",le="+Inf"}} {count}'
        yield f'shop_request_seconds_sum{{path="{path}"}} {self._took_s[path]:.6f}'
        yield f'shop_request_seconds_count{{path="{path}"}} {count}'
