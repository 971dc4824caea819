"""`new`: an experiment to begin with, for what is there."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos_runner import shelf
from chaos_runner.cli.drafts.draft import Wish, draft, look, question
from chaos_runner.cli.new import settled
from chaos_runner.errors import UsageError
from chaos_runner.experiment.loading import load_text
from chaos_runner.experiment.reusable import Library
from chaos_runner.faults.host._processes import selector
from chaos_runner.lint import lint
from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.host import Process
from chaos_runner.targets.proxy import ProxyApi
from tests.cli.runner import chaos_runner

_LISTENS = """
import socket, sys, time
held = socket.create_server(("127.0.0.1", 0))
print(held.getsockname()[1], flush=True)
time.sleep(60)
"""


@pytest.fixture
def proxies() -> Iterator[str]:
    """The address of a proxy API with two proxies."""
    with ProxyProcess() as process:
        for name in ("orders-db", "stock-db"):
            ProxyApi(process.address).create(name, "127.0.0.1:0", "127.0.0.1:9")
        yield process.address


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of a process of ours that listens."""
    process = subprocess.Popen([sys.executable, "-c", _LISTENS, "the-listener"], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def findings(text: str) -> list[str]:
    """Everything that `validate` would say."""
    loaded = load_text(text.encode(), "draft.yaml")
    traps = lint(loaded.experiment) if loaded.experiment else []
    return [f"{finding.code} {finding.message}" for finding in (*loaded.findings, *traps)]


def drafted(name: str, tmp_path: Path, **more: Any) -> str:
    fault, wish = shelf.fault(name), Wish(name=name, **more)
    found = look(wish, fault)
    return draft(wish, fault, found, question(wish, found, Library(tmp_path)))


@pytest.mark.parametrize("name", shelf.fault_names())
def test_the_draft_for_every_fault_is_valid_and_has_no_trap(name: str, tmp_path: Path) -> None:
    assert findings(drafted(name, tmp_path)) == []


def test_the_proxies_that_an_api_lists_become_the_target(proxies: str) -> None:
    ran = chaos_runner("new", "proxy.latency", TOXIPROXY_URL=proxies)
    data = yaml.safe_load(ran.out)
    assert ran.exit == 0
    assert data["method"][0]["target"] == {"proxy": "orders-db"}
    assert data["configuration"]["toxiproxy_url"]["default"] == proxies
    assert "# also there: {proxy: stock-db}" in ran.out
    assert "and 1 other is there" in ran.err
    assert findings(ran.out) == []


def test_an_api_that_is_named_stands_in_the_target(proxies: str) -> None:
    ran = chaos_runner("new", "proxy.cut", "--target", f"api={proxies}", "--target", "proxy=stock-db")
    assert yaml.safe_load(ran.out)["method"][0]["target"] == {"api": proxies, "proxy": "stock-db"}


def test_a_process_that_listens_becomes_the_target_and_its_port_the_address(listener: int, tmp_path: Path) -> None:
    data = yaml.safe_load(drafted("host.process_pause", tmp_path, target={"command": "the-listener"}))
    assert data["method"][0]["target"] == {"at-most": 1, "command": "the-listener"}
    assert data["configuration"]["service_url"]["default"] == f"http://127.0.0.1:{listener}/"


def test_the_processes_that_listen_are_found_by_themselves(listener: int) -> None:
    there = {one.port: one for one in shelf.fault("host.process_pause").candidates({})}
    assert there[listener].target["at-most"] == 1


def test_a_process_is_told_from_others_in_as_few_words_as_possible() -> None:
    def process(pid: int, name: str, *command: str) -> Process:
        return Process(pid=pid, parent=1, started=0.0, state="running", name=name, command=command)

    there = [process(2, "nginx", "nginx"), process(3, "python", "/usr/bin/python", "-m", "shop.a", "--port", "1"),
             process(4, "python", "/usr/bin/python", "-m", "shop.b", "--port", "2"), process(5, "sh", "sh", "x"),
             process(6, "sh", "sh", "x")]
    assert [selector(one, there) for one in there[:4]] == [
        {"name": "nginx"}, {"command": r"-m shop\.a"}, {"command": r"-m shop\.b"}, {"command": "sh x"}]


def test_what_is_settled_is_typed_as_the_fault_wants_it() -> None:
    partition, pause = shelf.fault("host.network_partition"), shelf.fault("host.process_pause")
    assert settled("target", partition.target, ["ports=5432,5433", "to=10.0.0.7"]) == {
        "ports": [5432, 5433], "to": ["10.0.0.7"]}
    assert settled("target", pause.target, ["pid=4711", "percent=50%"]) == {"pid": 4711, "percent": "50%"}


@pytest.mark.parametrize("word", ["nmae=nginx", "nginx", "pid=many", "percent=50"])
def test_what_the_fault_does_not_take_is_an_error(word: str) -> None:
    with pytest.raises(UsageError):
        settled("target", shelf.fault("host.process_pause").target, [word])


def test_the_project_s_own_probes_are_used(tmp_path: Path) -> None:
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "shop.yaml").write_text(
        'fast: {probe: http.latency, arguments: {url: "${shop_url}/buy"}, below: 100ms, every: 1s}\n')
    out = tmp_path / "experiments" / "one.yaml"
    ran = chaos_runner("new", "host.cpu_load", "--out", str(out))
    data = yaml.safe_load(out.read_text())
    assert data["steady-state-hypothesis"]["probes"] == [{"use": "fast"}]
    assert data["configuration"]["shop_url"]["key"] == "SHOP_URL"
    assert ran.exit == 0
    assert "W" not in ran.err


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    out.write_text("mine")
    ran = chaos_runner("new", "host.cpu_load", "--out", str(out))
    assert (ran.exit, out.read_text()) == (2, "mine")


def test_a_draft_that_would_not_be_valid_is_not_written(tmp_path: Path) -> None:
    ran = chaos_runner("new", "host.cpu_load", "--duration", "20", "--out", str(tmp_path / "new.yaml"))
    assert ran.exit == 2
    assert "E201" in ran.err
    assert not (tmp_path / "new.yaml").exists()


def test_hostile_names_of_proxies_stay_values(tmp_path: Path) -> None:
    name = 'x"}\n- evil: # ${HOME} \x1b[31m'
    text = drafted("proxy.latency", tmp_path, target={"proxy": name})
    assert yaml.safe_load(text)["method"][0]["target"] == {"proxy": name}
    assert "\x1b" not in text


@pytest.mark.slow
def test_a_draft_runs_and_passes(tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        out = tmp_path / "busy.yaml"
        url = f"http://127.0.0.1:{server.server_port}/"
        chaos_runner("new", "host.cpu_load", "--url", url, "--duration", "2s", "--argument", "load=20%",
                     "--out", str(out))
        text = out.read_text().replace("baseline: 5s", "baseline: 3s").replace("for: 5s", "for: 1s")
        out.write_text(text.replace("below: 300ms", "below: 5s"))  # other tests load the machine too
        ran = chaos_runner("run", str(out), "--json", "--reports", str(tmp_path / "reports"))
        server.shutdown()
    assert ran.outcome["verdict"] == "passed", ran.err
