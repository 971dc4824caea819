"""Every fault that is a toxic, through real proxies: the laws for all of them, then what each does to real bytes."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade, Scannable, Setting
from chaos_runner.errors import ActFailed, NoTarget, Refused
from chaos_runner.experiment.arguments import convert
from chaos_runner.faults.proxy._toxic import ProxyTarget
from chaos_runner.targets.proxy import ProxyApi, ProxyState, Toxic

Connect = Callable[[], socket.socket]
MARK = "chaos-runner-01TEST-2-20261120T110000Z"
KINDS: dict[str, tuple[dict[str, str], dict[str, int], str]] = {
    "latency": ({"latency": "200ms", "jitter": "20ms"}, {"latency": 200, "jitter": 20},
                "downstream latency 200 ms, jitter 20 ms"),
    "bandwidth": ({"rate": "64k"}, {"rate": 64}, "downstream bandwidth: rate 64 kB/s"),
    "slow_close": ({"delay": "300ms"}, {"delay": 300}, "downstream slow_close: delay 300 ms"),
    "timeout": ({"timeout": "30s"}, {"timeout": 30_000}, "downstream timeout 30 s"),
    "reset_peer": ({}, {"timeout": 0}, "downstream reset_peer: timeout 0 s"),
    "slicer": ({"average-size": "64B", "size-variation": "8B", "delay": "2ms"},
               {"average_size": 64, "size_variation": 8, "delay": 2000},
               "downstream slicer: average_size 64 B, size_variation 8 B, delay 2 ms"),
    "limit_data": ({"bytes": "10Ki"}, {"bytes": 10_240}, "downstream limit_data: bytes 10 KiB"),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def prepared(kind: str, setting: Setting, api: ProxyApi, proxy: str = "orders-db", **arguments: str) -> Act:
    fault = shelf.fault(f"proxy.{kind}")
    wanted = convert(fault.arguments, arguments or KINDS[kind][0])
    acts: list[Act] = fault.prepare(ProxyTarget(proxy=proxy, api=api.address), wanted, setting)
    return acts[0]


# ── the laws ────────────────────────────────────────────────────────────────────────────────────────────────────────

@kinds
def test_it_is_applied_with_proof_undone_and_verified(
    kind: str, api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    fault = shelf.fault(f"proxy.{kind}")
    act = prepared(kind, setting, api)
    assert api.proxy("orders-db") == proxy
    evidence = fault.apply(act)
    _, attributes, told = KINDS[kind]
    assert (evidence.grade, evidence.before, evidence.after) == (Grade.PROVEN, "toxics: none", f"read back: {told}")
    assert api.proxy("orders-db").toxics == (Toxic(MARK, kind, "downstream", 1.0, {**attributes}),)
    assert fault.verify(act).answer is Answer.NOT_RESTORED
    fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED
    assert api.proxy("orders-db") == proxy


@kinds
def test_undo_may_run_before_apply_and_more_than_once(
    kind: str, api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    fault = shelf.fault(f"proxy.{kind}")
    act = prepared(kind, setting, api)
    fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED
    fault.apply(act)
    fault.apply(act)
    assert len(api.proxy("orders-db").toxics) == 1
    fault.undo(act)
    fault.undo(act)
    assert fault.verify(act).answer is Answer.RESTORED


@kinds
def test_a_toxic_that_somebody_changed_is_drift_and_stays_as_do_those_of_others(
    kind: str, api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    fault = shelf.fault(f"proxy.{kind}")
    act = prepared(kind, setting, api)
    theirs = api.add_toxic("orders-db", Toxic("theirs", "latency", attributes={"latency": 1, "jitter": 0}))
    fault.apply(act)
    api.remove_toxic("orders-db", MARK)
    changed = api.add_toxic("orders-db", Toxic(MARK, kind, "upstream", attributes={**KINDS[kind][1]}))
    fault.undo(act)
    found = fault.verify(act)
    assert (found.answer, f"somebody changed {KINDS[kind][2]} to upstream" in found.diff) == (Answer.DRIFT, True)
    assert {toxic.name for toxic in api.proxy("orders-db").toxics} == {theirs.name, changed.name}


@kinds
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_within_apply_it_is_undone_from_the_act_alone_by_another_process(
    kind: str, moment: str, api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    fault = shelf.fault(f"proxy.{kind}")
    act = msgspec.json.encode(prepared(kind, setting, api))
    applied = subprocess.run([sys.executable, "-c", _DIES, kind, moment, act], check=False)
    assert applied.returncode == -9
    assert len(api.proxy("orders-db").toxics) == (moment == "after")
    recovered = msgspec.json.decode(act, type=Act)
    fault.undo(recovered)
    assert fault.verify(recovered).answer is Answer.RESTORED
    assert api.proxy("orders-db") == proxy


_DIES = """
import os, signal, sys
import msgspec
from chaos_runner import shelf
from chaos_runner.contracts import Act
from chaos_runner.targets.proxy import ProxyApi
kind, moment, act = sys.argv[1:]
add = ProxyApi.add_toxic
def add_and_die(*given):
    if moment == "after":
        add(*given)
    os.kill(os.getpid(), signal.SIGKILL)
ProxyApi.add_toxic = add_and_die
shelf.fault(f"proxy.{kind}").apply(msgspec.json.decode(act, type=Act))
"""


@kinds
def test_a_proxy_that_is_gone_off_or_misspelt_is_said(
    kind: str, api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    fault = shelf.fault(f"proxy.{kind}")
    with pytest.raises(NoTarget, match="did you mean 'orders-db'"):
        prepared(kind, setting, api, "order-db")
    act = prepared(kind, setting, api)
    api.disable("orders-db")
    with pytest.raises(Refused, match="orders-db is switched off"):
        prepared(kind, setting, api)
    with pytest.raises(Refused, match="orders-db is switched off"):
        fault.apply(act)
    api.delete("orders-db")
    fault.undo(act)
    assert fault.verify(act).answer is Answer.GONE
    with pytest.raises(NoTarget):
        fault.apply(act)


@kinds
def test_a_person_can_finish_the_undo_with_one_command(
    kind: str, api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    fault = shelf.fault(f"proxy.{kind}")
    act = prepared(kind, setting, api)
    fault.apply(act)
    subprocess.run(f"{fault.by_hand(act)} -fsS", shell=True, check=True)  # noqa: S602 (what a person would type)
    assert fault.verify(act).answer is Answer.RESTORED


@kinds
def test_it_finds_its_own_marks_and_no_others(kind: str, api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    fault = shelf.fault(f"proxy.{kind}")
    fault.apply(prepared(kind, setting, api))
    api.add_toxic("orders-db", Toxic("theirs", kind, attributes={**KINDS[kind][1]}))
    assert isinstance(fault, Scannable)
    [found] = fault.marked(api.address)
    assert (found.mark, found.fault, found.target, found.doubt) == (setting.mark, f"proxy.{kind}", "orders-db", "")
    fault.undo(found.act)
    assert [toxic.name for toxic in api.proxy("orders-db").toxics] == ["theirs"]
    for other in KINDS:
        if other != kind:
            assert shelf.fault(f"proxy.{other}").marked(api.address) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "arguments", "words"), [
    ("latency", {"latency": "200us"}, "1 ms or more"),
    ("latency", {"latency": "0s"}, "1 ms or more"),
    ("latency", {"latency": "30d"}, "more than proxies count"),
    ("latency", {"latency": "1s", "toxicity": "0%"}, "toxicity of 0%"),
    ("bandwidth", {"rate": "0B"}, "1k or more; proxy.timeout"),
    ("bandwidth", {"rate": "400B"}, "1 kB/s or more"),
    ("bandwidth", {"rate": "9000000T"}, "more than proxies count"),
    ("slow_close", {"delay": "0s"}, "1 ms or more"),
    ("timeout", {"timeout": "400us"}, "1 ms or more"),
    ("timeout", {"toxicity": "0%"}, "toxicity of 0%"),
    ("reset_peer", {"timeout": "31s"}, "could not be undone in time"),
    ("slicer", {"average-size": "0B"}, "1 byte or more"),
    ("slicer", {"average-size": "10B", "size-variation": "10B"}, "less variation"),
    ("limit_data", {"bytes": "1Ti"}, "more than proxies count"),
])
def test_what_would_change_nothing_or_cannot_be_counted_is_refused_before_anything(
    kind: str, arguments: dict[str, str], words: str, setting: Setting,
) -> None:
    with pytest.raises(Refused, match=words):
        prepared(kind, setting, ProxyApi("127.0.0.1:1"), **arguments)


# ── what each does ──────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.fixture
def act_with(api: ProxyApi, proxy: ProxyState, setting: Setting) -> Iterator[Callable[..., Callable[[], None]]]:
    """Applies a fault; what it gives back undoes it, and looks that it is undone."""
    number = 0

    def acting(kind: str, **arguments: str) -> Callable[[], None]:
        nonlocal number
        number += 1
        fault = shelf.fault(f"proxy.{kind}")
        mine = structs.replace(setting, mark=structs.replace(setting.mark, number=number))
        act = prepared(kind, mine, api, **{name.replace("_", "-"): value for name, value in arguments.items()})
        fault.apply(act)

        def undo() -> None:
            fault.undo(act)
            assert fault.verify(act).answer is Answer.RESTORED
        return undo

    yield acting
    assert not api.proxy("orders-db").toxics


def took_s(line: socket.socket, data: bytes) -> float:
    """How long it takes until everything is back."""
    began = time.monotonic()
    line.sendall(data)
    left = len(data)
    while left:
        left -= len(line.recv(left))
    return time.monotonic() - began


def test_a_narrow_line_takes_its_time_until_undone(connect: Connect, act_with: Any) -> None:
    undo = act_with("bandwidth", rate="20k")
    with connect() as line:
        assert 0.3 <= took_s(line, bytes(8000)) < 1.0
        undo()
        assert took_s(line, bytes(8000)) < 0.2


def test_connections_close_late_until_undone(connect: Connect, act_with: Any) -> None:
    undo = act_with("slow_close", delay="300ms")
    assert 0.28 <= _close_s(connect) < 0.8
    undo()
    assert _close_s(connect) < 0.2


def _close_s(connect: Connect) -> float:
    with connect() as line:
        began = time.monotonic()
        line.shutdown(socket.SHUT_WR)
        assert line.recv(1) == b""
        return time.monotonic() - began


def test_nothing_passes_until_undone_and_what_was_hit_is_closed(connect: Connect, act_with: Any) -> None:
    undo = act_with("timeout")
    with connect() as line:
        line.settimeout(0.2)
        line.sendall(b"?")
        with pytest.raises(TimeoutError):
            line.recv(1)
        undo()
        line.settimeout(3)
        assert line.recv(1) == b""
    with connect() as line:
        assert took_s(line, b"?") < 0.2


def test_after_a_while_of_silence_connections_are_closed(connect: Connect, act_with: Any) -> None:
    undo = act_with("timeout", timeout="150ms")
    with connect() as line:
        began = time.monotonic()
        line.sendall(b"?")
        assert line.recv(1) == b""
        assert 0.1 <= time.monotonic() - began < 1.0
    undo()


def test_connections_are_reset_until_undone(connect: Connect, act_with: Any) -> None:
    undo = act_with("reset_peer", timeout="0s")
    with connect() as line:
        line.sendall(b"?")
        with pytest.raises(ConnectionResetError):
            line.recv(1)
    undo()
    with connect() as line:
        assert took_s(line, b"?") < 0.2


def test_a_reset_that_is_under_way_does_not_fail_the_undo(connect: Connect, act_with: Any) -> None:
    undo = act_with("reset_peer", timeout="2500ms")
    with connect() as line:
        line.sendall(b"?")
        time.sleep(0.1)
        undo()


def test_answers_come_in_slices_until_undone(connect: Connect, act_with: Any) -> None:
    undo = act_with("slicer", average_size="10B", delay="5ms")
    with connect() as line:
        line.sendall(bytes(100))
        assert 0 < len(line.recv(100)) <= 50
    undo()
    with connect() as line:
        line.sendall(bytes(100))
        assert len(line.recv(100)) == 100


def test_connections_end_in_the_middle_of_an_answer_until_undone(connect: Connect, act_with: Any) -> None:
    undo = act_with("limit_data", bytes="10B")
    with connect() as line:
        line.sendall(bytes(100))
        assert _all(line) == 10
    undo()
    with connect() as line:
        assert took_s(line, bytes(100)) < 0.2


def _all(line: socket.socket) -> int:
    count = 0
    while data := line.recv(100):
        count += len(data)
    return count


def test_the_other_direction_is_hit_when_asked(api: ProxyApi, act_with: Any) -> None:
    undo = act_with("timeout", stream="upstream", toxicity="34%")
    [toxic] = api.proxy("orders-db").toxics
    assert toxic.stream == "upstream"
    assert toxic.toxicity == pytest.approx(0.34)
    undo()


def test_an_api_that_does_not_answer_fails_the_undo_in_clear_words(setting: Setting) -> None:
    for kind, (_, attributes, _told) in KINDS.items():
        act = Act(target={"proxy": "orders-db", "api": "http://127.0.0.1:1"}, was={}, label="orders-db",
                  do=msgspec.to_builtins(Toxic(MARK, kind, attributes={**attributes})))
        for verb in (shelf.fault(f"proxy.{kind}").undo, shelf.fault(f"proxy.{kind}").verify):
            with pytest.raises(ActFailed, match="no proxy API answers"):
                verb(act)
