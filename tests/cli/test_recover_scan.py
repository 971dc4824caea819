"""`recover --scan proxy`: runner and watchdog are dead, the folder is gone, and the way back stands on the proxy."""

import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.proxy import ProxyApi, ProxyState, Toxic
from tests.cli.runner import Ran, chaos_runner, running, wait_for
from tests.cli.test_recover import watchdog_of
from tests.run.samples import experiment, single

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def api() -> Iterator[ProxyApi]:
    with ProxyProcess() as process:
        yield ProxyApi(process.address)


@pytest.fixture
def proxy(api: ProxyApi) -> Iterator[ProxyState]:
    """A proxy that leads to nothing but a listener."""
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        yield api.create("orders-db", "127.0.0.1:0", f"127.0.0.1:{upstream.getsockname()[1]}")
        api.delete("orders-db")


def breaking(api: ProxyApi, fault: str = "latency", **arguments: Any) -> dict[str, Any]:
    step = {"name": "break it", "fault": f"proxy.{fault}", "duration": "30s", "arguments": arguments,
            "target": {"proxy": "orders-db", "api": api.address}}
    return experiment(step, probes=[single()])


def left_behind(data: dict[str, Any], folder: Path) -> str:
    """Runs it, kills everything while its fault acts, takes its folder away, and gives its id."""
    with running(data, folder) as process:
        wait_for(folder, "Applied")
        watchdog_of(folder).signal(signal.SIGKILL)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    run = (folder / "reports" / "latest").resolve().name
    shutil.rmtree(folder / "reports")
    return run


def scan(api: ProxyApi, folder: Path, *words: str, **environment: str) -> Ran:
    return chaos_runner("recover", "--scan", "proxy", "--api", api.address, "--json", "--reports",
                        str(folder / "reports"), *words, text=None, **environment)


@pytest.mark.parametrize(("fault", "arguments"), [
    ("latency", {"latency": "200ms"}), ("down", {}), ("slicer", {"average-size": "64B"}),
])
def test_what_a_dead_run_left_is_undone_without_its_journal(
    fault: str, arguments: dict[str, str], api: ProxyApi, proxy: ProxyState, tmp_path: Path,
) -> None:
    run = left_behind(breaking(api, fault, **arguments), tmp_path)
    assert api.proxy("orders-db") != proxy
    ran = scan(api, tmp_path)
    assert (ran.exit, ran.outcome["unread"]) == (0, [])
    assert ran.outcome["runs"] == [{"run": run, "undone": ["orders-db"], "drift": [], "restored": "restored",
                                    "shown": [], "unrestored": []}]
    assert "undone    orders-db" in ran.err
    assert api.proxy("orders-db") == proxy
    assert scan(api, tmp_path).outcome == {"runs": [], "unread": []}


def test_unattended_it_leaves_what_has_not_expired(api: ProxyApi, proxy: ProxyState, tmp_path: Path) -> None:
    left_behind(breaking(api, latency="200ms"), tmp_path)
    old = Toxic("chaos-runner-01AAAA-0-20200101T000000Z", "latency", attributes={"latency": 5, "jitter": 0})
    theirs = Toxic("theirs", "latency", attributes={"latency": 5, "jitter": 0})
    api.add_toxic("orders-db", old)
    api.add_toxic("orders-db", theirs)
    shown = scan(api, tmp_path, "--show")
    assert (shown.exit, [row["restored"] for row in shown.outcome["runs"]]) == (0, ["shown", "shown"])
    assert len(api.proxy("orders-db").toxics) == 3
    ran = scan(api, tmp_path, "--expired")
    assert (ran.exit, [row["restored"] for row in ran.outcome["runs"]]) == (0, ["restored", "shown"])
    assert "its run may live until" in ran.err
    assert len(api.proxy("orders-db").toxics) == 2
    assert scan(api, tmp_path).exit == 0
    assert api.proxy("orders-db").toxics == (theirs,)


def test_a_run_that_lives_here_keeps_its_fault(api: ProxyApi, proxy: ProxyState, tmp_path: Path) -> None:
    with running(breaking(api, latency="200ms"), tmp_path) as process:
        wait_for(tmp_path, "Applied")
        [row] = scan(api, tmp_path).outcome["runs"]
        assert (row["restored"], row["shown"][0]["why"]) == ("shown", "its run lives on this machine")
        assert len(api.proxy("orders-db").toxics) == 1
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert api.proxy("orders-db") == proxy


def test_marks_that_were_signed_with_a_key_need_that_key(
    api: ProxyApi, proxy: ProxyState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHAOS_RUNNER_KEY", "what only we know")
    left_behind(breaking(api, latency="200ms"), tmp_path)
    api.add_toxic("orders-db", Toxic("chaos-runner-01AAAA-0-20200101T000000Z", "latency",
                                     attributes={"latency": 5, "jitter": 0}))
    ran = scan(api, tmp_path, CHAOS_RUNNER_KEY="a guess")
    assert [row["restored"] for row in ran.outcome["runs"]] == ["shown", "shown"]
    ran = scan(api, tmp_path)
    assert (ran.exit, [row["restored"] for row in ran.outcome["runs"]]) == (0, ["shown", "restored"])
    assert [toxic.name for toxic in api.proxy("orders-db").toxics] == ["chaos-runner-01AAAA-0-20200101T000000Z"]


def test_a_run_with_a_key_ends_as_any_other(
    api: ProxyApi, proxy: ProxyState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CHAOS_RUNNER_KEY", "what only we know")
    with running(breaking(api, "timeout"), tmp_path) as process:
        wait_for(tmp_path, "Applied")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 143
    assert api.proxy("orders-db") == proxy


def test_an_api_is_looked_for_where_the_environment_says(api: ProxyApi, tmp_path: Path) -> None:
    words = ("recover", "--scan", "proxy", "--reports", str(tmp_path))
    ran = chaos_runner(*words, text=None, TOXIPROXY_URL=api.address)
    assert (ran.exit, ran.err.strip()) == (0, "no marks were found")
    ran = chaos_runner(*words, text=None, TOXIPROXY_URL="127.0.0.1:1")
    assert ran.exit == 6
    assert "no proxy API answers at 127.0.0.1:1" in ran.err


@pytest.mark.parametrize(("words", "says"), [
    (("--scan", "moon"), "no fault leaves marks on 'moon'"),
    (("--scan", "proxy", "--all"), "name the runs, or give --all, or --scan"),
    (("--scan", "proxy", "latest"), "name the runs, or give --all, or --scan"),
    (("--all", "--expired"), "go with --scan"),
    (("--scan", "proxy", "--api", "https://x"), "https://x"),
])
def test_what_cannot_be_meant_is_refused(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    ran = chaos_runner("recover", *words, "--reports", str(tmp_path))
    assert ran.exit == 2
    assert says in ran.err
