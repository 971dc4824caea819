"""The shop as real processes: small and quick, with the strengths and the weakness it claims; it leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from chaos_runner.errors import Refused
from chaos_runner.lab.parts import State
from chaos_runner.lab.shop import shop as shops
from chaos_runner.lab.shop.shop import Shop, ShopNotUp
from chaos_runner.lab.shop.store import Shelf
from chaos_runner.lab.shop.store_pool import StoreError, StorePool
from tests import turns

PARTS = ["store", "proxy", "orders-1", "orders-2", "front", "traffic"]
pytestmark = [pytest.mark.slow, turns.SHOP]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One shop for the tests that leave it as it was."""
    with shops.running(tmp_path_factory.mktemp("shop")) as it:
        yield it


@pytest.fixture
def own_shop(tmp_path: Path) -> Iterator[Shop]:
    """A shop for a test that breaks it."""
    with shops.running(tmp_path) as it:
        yield it


def get(url: str, timeout_s: float = 5) -> bytes:
    with urllib.request.urlopen(url, timeout=timeout_s) as response:
        return bytes(response.read())


def checkout_s(shop: Shop, customer: int, timeout_s: float = 5) -> float:
    """How long a checkout took. Raises OSError when it failed or took longer than the timeout."""
    began_s = time.monotonic()
    get(f"{shop.url}/checkout?customer={customer}", timeout_s)
    return time.monotonic() - began_s


def checkouts_s(shop: Shop, count: int, timeout_s: float = 5) -> list[float]:
    """How long each of some checkouts took, shortest first; a failed one took for ever."""
    def one(customer: int) -> float:
        try:
            return checkout_s(shop, customer, timeout_s)
        except OSError:
            return float("inf")

    with ThreadPoolExecutor(4) as customers:
        return sorted(customers.map(one, range(1, count + 1)))


def within(limit_s: float, holds: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.02)
    return True


def none_left(pids: Sequence[int]) -> bool:
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)


def slow_store(shop: Shop, latency_ms: int) -> str:
    """Makes the store's answers later, and says where the toxic can be deleted."""
    toxics = f"{shop.proxy_api}/proxies/{shops.PROXY}/toxics"
    toxic = {"name": "late", "type": "latency", "stream": "downstream", "attributes": {"latency": latency_ms}}
    request = urllib.request.Request(toxics, json.dumps(toxic).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=2):
        return f"{toxics}/late"


def test_the_whole_shop_is_up_within_three_seconds_and_down_leaves_no_process(tmp_path: Path) -> None:
    began_s = time.monotonic()
    shop = shops.up(tmp_path)
    took_s = time.monotonic() - began_s
    try:
        assert list(shop.services) == PARTS
        assert set(shops.status(tmp_path).values()) == {State.RUNNING}
    finally:
        ended = shops.down(tmp_path)
    assert took_s < 3
    assert sorted(ended) == sorted(PARTS)
    assert none_left(list(shop.services.values()))
    assert shops.status(tmp_path) == {}
    assert shops.down(tmp_path) == []


def test_a_checkout_answers_at_once_and_the_order_reaches_the_store(shop: Shop) -> None:
    order = json.loads(get(f"{shop.url}/checkout?customer=901"))["order"]

    def is_stored() -> bool:
        return bool(json.loads(get(f"{shop.orders['orders-2']}/orders?customer=901"))["orders"] == [order])

    assert within(2, is_stored)


def test_a_customer_soon_sees_the_orders_placed_before(shop: Shop) -> None:
    first = json.loads(get(f"{shop.url}/checkout?customer=902"))["order"]

    def is_shown() -> bool:
        return first in json.loads(get(f"{shop.url}/checkout?customer=902"))["before"]

    assert within(20, is_shown)


def test_the_catalogue_and_every_health_page_answer(shop: Shop) -> None:
    assert b"tea" in get(f"{shop.url}/")
    for url in (shop.url, *shop.orders.values()):
        assert json.loads(get(f"{url}/health")) == {"status": "up"}


def figures(url: str) -> dict[str, float]:
    """What a program of the shop tells Prometheus."""
    lines = [line for line in get(f"{url}/metrics").decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_metrics_count_what_was_answered_and_how_fast(shop: Shop) -> None:
    def answered() -> float:
        return figures(shop.url)['shop_requests_total{path="/checkout",code="200"}']

    before = answered()
    checkouts_s(shop, 20)
    assert answered() >= before + 20
    with pytest.raises(urllib.error.HTTPError) as refusal:
        get(f"{shop.url}/checkout?customer=x")
    refusal.value.close()
    with pytest.raises(urllib.error.HTTPError) as nowhere:
        get(f"{shop.url}/%7Bnowhere%7D")
    nowhere.value.close()
    found = figures(shop.url)
    of_checkout = '{path="/checkout"}'
    assert found['shop_requests_total{path="/checkout",code="400"}'] == 1
    assert found['shop_requests_total{path="other",code="404"}'] == 1
    count = found[f"shop_request_seconds_count{of_checkout}"]
    assert found['shop_request_seconds_bucket{path="/checkout",le="+Inf"}'] == count > 20
    assert found['shop_request_seconds_bucket{path="/checkout",le="10.0"}'] == count
    assert 0 < found[f"shop_request_seconds_sum{of_checkout}"] < count
    assert 'shop_requests_total{path="/orders",code="202"}' in figures(shop.orders["orders-1"])


@pytest.mark.parametrize("customer", ["x", "0", "1001", "-1", "1%0aPING", "٣", "9" * 5000])
def test_a_customer_that_cannot_be_is_refused_by_name(shop: Shop, customer: str) -> None:
    encoded = urllib.parse.quote(customer, safe="%")
    with pytest.raises(urllib.error.HTTPError) as refusal:
        get(f"{shop.url}/checkout?customer={encoded}")
    with refusal.value as answer:
        assert answer.code == 400
        assert b"from 1 to 1000" in answer.read()


def test_the_parts_are_small_and_can_be_told_apart_by_their_command_line(shop: Shop) -> None:
    processes = {name: psutil.Process(pid) for name, pid in shop.services.items()}
    for name in shops.ORDERS:
        matching = [it for it in processes.values() if f"lab.shop.orders --name {name}" in " ".join(it.cmdline())]
        assert matching == [processes[name]]
    own = [process.memory_info().rss for name, process in processes.items() if name != "proxy"]
    assert max(own) < 25 * 2**20


def test_traffic_checks_out_about_twenty_times_a_second(shop: Shop) -> None:
    log = Path(shop.folder) / "traffic.log"

    def is_counted() -> bool:
        return "answered 200" in log.read_text()

    assert within(4, is_counted)
    counted = next(line for line in log.read_text().splitlines() if "answered 200" in line)
    assert 20 < int(counted.split()[0]) <= 42
    assert "failed" not in counted


def test_a_store_slower_by_200_ms_is_not_felt_at_the_checkout(shop: Shop) -> None:
    toxic = slow_store(shop, 200)
    try:
        began_s = time.monotonic()
        get(f"{shop.orders['orders-1']}/orders?customer=1")
        assert time.monotonic() - began_s > 0.19
        took_s = checkouts_s(shop, 100)
    finally:
        with urllib.request.urlopen(urllib.request.Request(toxic, method="DELETE"), timeout=2):
            pass
    assert took_s[95] < 0.19  # who had waited for the store would have taken longer


def test_a_paused_orders_service_makes_half_the_checkouts_hang_until_it_goes_on(own_shop: Shop) -> None:
    pid = own_shop.services["orders-1"]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert within(1, lambda: shops.status(Path(own_shop.folder))["orders-1"] is State.STOPPED)
        took_s = checkouts_s(own_shop, 24, timeout_s=1)
        assert figures(own_shop.url)['shop_requests_in_flight{path="/checkout"}'] > 4
    finally:
        os.kill(pid, signal.SIGCONT)
    hung = sum(each_s > 1 for each_s in took_s)
    assert 4 <= hung <= 20
    assert took_s[0] < 0.3
    began_s = time.monotonic()
    assert within(3, lambda: max(checkouts_s(own_shop, 12, timeout_s=1)) < 0.3)
    assert time.monotonic() - began_s < 3


def test_a_killed_orders_service_is_survived_without_one_failed_checkout(own_shop: Shop) -> None:
    killer = threading.Timer(0.1, os.kill, (own_shop.services["orders-1"], signal.SIGKILL))
    killer.start()
    took_s = [checkout_s(own_shop, customer) for customer in range(1, 101)]
    killer.join()
    assert max(took_s) < 1
    assert max(checkouts_s(own_shop, 40)) < 1
    assert shops.status(Path(own_shop.folder))["orders-1"] is State.GONE


def test_down_ends_a_shop_of_which_parts_are_stopped_or_killed(tmp_path: Path) -> None:
    shop = shops.up(tmp_path)
    os.kill(shop.services["front"], signal.SIGSTOP)
    os.kill(shop.services["store"], signal.SIGKILL)
    began_s = time.monotonic()
    assert within(1, lambda: shops.status(tmp_path)["store"] is State.GONE)
    assert sorted(shops.down(tmp_path)) == sorted(set(PARTS) - {"store"})
    assert time.monotonic() - began_s < 2
    assert none_left(list(shop.services.values()))


def test_down_spares_a_process_that_has_a_parts_pid_but_not_its_start(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        part = {"name": "store", "pid": stranger.pid, "started": 1.0}
        (tmp_path / "shop.json").write_text(json.dumps({"folder": str(tmp_path), "parts": [part]}))
        assert shops.down(tmp_path) == []
        assert stranger.poll() is None
        stranger.kill()


def test_up_twice_is_the_same_shop_and_a_broken_one_is_refused_with_the_way_out(tmp_path: Path) -> None:
    shop = shops.up(tmp_path)
    try:
        assert shops.up(tmp_path) == shop
        with pytest.raises(Refused, match=r"runs in .* already"), shops.running(tmp_path):
            pass
        os.kill(shop.services["orders-2"], signal.SIGKILL)
        assert within(1, lambda: shops.status(tmp_path)["orders-2"] is State.GONE)
        with pytest.raises(Refused, match=r"orders-2 is gone.*lab shop down"):
            shops.up(tmp_path)
    finally:
        shops.down(tmp_path)


def test_two_who_open_the_same_shop_at_once_get_one_shop(tmp_path: Path) -> None:
    try:
        with ThreadPoolExecutor(2) as openers:
            first, second = openers.map(shops.up, [tmp_path, tmp_path])
        assert first == second
    finally:
        shops.down(tmp_path)


def test_a_part_that_does_not_start_is_named_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "not a number")
    with pytest.raises(ShopNotUp, match=r"(?s)store ended.*store\.log.*PYTHONHASHSEED"):
        shops.up(tmp_path)
    assert shops.current(tmp_path) is None


def test_an_opening_that_fails_half_way_ends_what_it_started(tmp_path: Path) -> None:
    (tmp_path / "toxiproxy.json").mkdir()
    before = set(psutil.Process().children())
    with pytest.raises(IsADirectoryError):
        shops.up(tmp_path)
    assert set(psutil.Process().children()) <= before
    assert not (tmp_path / "shop.json").exists()


def test_traffic_does_not_outlive_the_process_that_holds_the_shop(tmp_path: Path) -> None:
    script = ("import sys, time; from pathlib import Path; from chaos_runner.lab.shop.shop import running\n"
              "with running(Path(sys.argv[1])): print('open', flush=True); time.sleep(60)")
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        holder.kill()
    try:
        assert within(3, lambda: shops.status(tmp_path)["traffic"] is State.GONE)
        assert shops.status(tmp_path)["front"] is State.RUNNING
    finally:
        assert "front" in shops.down(tmp_path)


def test_an_unreadable_state_file_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text('{"folder": 3}')
    with pytest.raises(Refused, match=r"shop\.json is not a shop's state"):
        shops.down(tmp_path)


def test_the_default_folder_follows_xdg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert shops.default_folder() == Path("/state/chaos-runner/shop")
    monkeypatch.setenv("XDG_STATE_HOME", "")
    assert shops.default_folder() == Path.home() / ".local/state/chaos-runner/shop"


def test_the_store_keeps_the_last_ten_values_and_takes_each_once() -> None:
    shelf = Shelf()
    assert shelf.reply("PING") == "PONG"
    for number in [*range(12), 11]:
        assert shelf.reply(f"ADD orders/1 {number}") == "OK"
    assert shelf.reply("GET orders/1").split("\t") == ["VALUES", *map(str, range(2, 12))]
    assert shelf.reply("GET orders/2") == "VALUES"
    assert shelf.reply("DROP everything").startswith("ERROR")


def test_the_pool_survives_a_store_connection_that_died_unnoticed(shop: Shop) -> None:
    host, port = shop.store.split(":")
    pool = StorePool(host, int(port))
    assert pool.ask(["PING", "PING"]) == ["PONG", "PONG"]
    pool._idle[0]._socket.shutdown(2)
    assert pool.ask(["PING"]) == ["PONG"]
    with pytest.raises(StoreError, match="ERROR"):
        pool.ask(["NONSENSE"])
