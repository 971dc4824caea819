"""Experiment 04, for real: a Prometheus scrapes the shop, and an alert that fires ends the run and undoes the fault."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import NoData
from chaos_runner.lab.shop import shop as shops
from chaos_runner.probes.prometheus import AlertArguments, QueryArguments
from tests import turns
from tests.cli.runner import chaos_runner
from tests.probes.monitoring import alertmanager, prometheus, within

pytestmark = [pytest.mark.slow, turns.SHOP]
EXPERIMENTS = Path(__file__).parents[2] / "experiments"
QUERY = shelf.probe("prometheus.query")
ALERT = shelf.probe("prometheus.alert")


class Monitored:
    """The shop, and the two that watch it."""

    def __init__(self, shop: shops.Shop, prometheus_url: str, alertmanager_url: str) -> None:
        self.shop = shop
        self.prometheus = prometheus_url
        self.alertmanager = alertmanager_url

    def state(self) -> str:
        return str(ALERT.read(AlertArguments(alert="CheckoutsHang", url=self.prometheus)).value)

    def received(self) -> str:
        return str(ALERT.read(AlertArguments(alert="CheckoutsHang", alertmanager=self.alertmanager)).value)

    def knows_the_traffic(self) -> bool:
        rate = 'sum(rate(shop_requests_total{path="/checkout"}[5s])) > 10'
        try:
            return QUERY.read(QueryArguments(query=rate, url=self.prometheus)).value > 10 and bool(self.state())
        except NoData:
            return False


@pytest.fixture
def monitored(tmp_path: Path) -> Iterator[Monitored]:
    (tmp_path / "rules.yaml").write_text((EXPERIMENTS / "prometheus" / "rules.yaml").read_text())
    config = (EXPERIMENTS / "prometheus" / "prometheus.yaml").read_text()
    with alertmanager(tmp_path) as manager, shops.running(tmp_path / "shop") as shop:
        config = config.replace("127.0.0.1:8080", shop.url.removeprefix("http://"))
        with prometheus(tmp_path, config.replace("127.0.0.1:9093", manager.removeprefix("http://"))) as url:
            yield Monitored(shop, url, manager)


@contextmanager
def noting(look: Callable[[], str]) -> Iterator[list[str]]:
    """Looks ten times a second for as long as the block lasts, and notes each change."""
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen[:] = [state for state, _ in groupby([*seen, look()])]

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def test_an_alert_that_fires_ends_the_run_and_the_fault(monitored: Monitored, tmp_path: Path) -> None:
    assert within(30, monitored.knows_the_traffic)
    with noting(monitored.state) as states, noting(monitored.received) as received:
        began_s = time.monotonic()
        ran = chaos_runner("run", str(EXPERIMENTS / "04-an-alert-ends-the-run.yaml"), "--json",
                           "--var", f"prometheus_url={monitored.prometheus}", "--reports", str(tmp_path / "reports"))
        took_s = time.monotonic() - began_s
        assert within(10, lambda: states[-1] == "inactive" and received[-1] == "inactive")
    assert (ran.exit, ran.outcome["verdict"], ran.outcome["restored"]) == (4, "aborted", "restored"), ran.err
    assert "somebody is paged: reached firing (stops when firing)" in ran.outcome["sentence"]
    assert states == ["inactive", "pending", "firing", "inactive"]
    assert received == ["inactive", "firing", "inactive"]
    assert took_s < 40
    assert not [probe for probe in ran.outcome["probes"] if probe["phase"] == "during" and probe["bad"]]
    drawn = (tmp_path / "reports" / "latest" / "report.html").read_text()
    assert "95 % of the answered checkouts took less than half a second" in drawn
    assert "below 500 ms" in drawn
