"""proxy.latency, through real proxies."""

import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade, Setting
from chaos_runner.errors import ActFailed, NoTarget, Refused
from chaos_runner.faults.proxy._toxic import ProxyTarget
from chaos_runner.faults.proxy.latency import LatencyArguments
from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.proxy import ProxyApi, ProxyState, Toxic

Connect = Callable[[], socket.socket]
latency = shelf.fault("proxy.latency")
MARK = "chaos-runner-01TEST-2-20261120T110000Z"


def prepared(setting: Setting, api: ProxyApi, name: str = "orders-db", **arguments: Any) -> Act:
    wanted = LatencyArguments(**({"latency": 0.2} | arguments))
    acts: list[Act] = latency.prepare(ProxyTarget(proxy=name, api=api.address), wanted, setting)
    return acts[0]


def round_trip_s(line: socket.socket) -> float:
    began = time.monotonic()
    line.sendall(b"?")
    assert line.recv(1) == b"?"
    return time.monotonic() - began


def test_answers_come_later_on_connections_old_and_new_until_undone(
    api: ProxyApi, proxy: ProxyState, connect: Connect, setting: Setting,
) -> None:
    with connect() as old:
        assert round_trip_s(old) < 0.1
        act = prepared(setting, api)
        assert api.proxy("orders-db") == proxy
        evidence = latency.apply(act)
        assert evidence.grade is Grade.PROVEN
        assert (evidence.before, evidence.after) == ("toxics: none", "read back: downstream latency 200 ms")
        assert 0.18 <= round_trip_s(old) < 0.5
        with connect() as new:
            assert 0.18 <= round_trip_s(new) < 0.5
        latency.undo(act)
        assert latency.verify(act).answer is Answer.RESTORED
        assert round_trip_s(old) < 0.1


def test_the_toxic_is_named_by_our_mark_and_carries_every_argument(
    api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    act = prepared(setting, api, jitter=0.02, stream="upstream", toxicity=0.34)
    evidence = latency.apply(act)
    [toxic] = api.proxy("orders-db").toxics
    assert (toxic.name, toxic.type, toxic.stream) == (MARK, "latency", "upstream")
    assert toxic.toxicity == pytest.approx(0.34)
    assert toxic.attributes == {"latency": 200, "jitter": 20}
    assert evidence.after == "read back: upstream latency 200 ms, jitter 20 ms, on 34 % of the connections"


def test_toxics_of_others_are_left_alone(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    foreign = api.add_toxic("orders-db", Toxic("theirs", "latency", attributes={"latency": 1}))
    act = prepared(setting, api)
    assert act.was == {"toxics": ["theirs"]}
    assert latency.apply(act).before == "toxics: theirs"
    latency.undo(act)
    assert api.proxy("orders-db").toxics == (foreign,)


def test_applied_or_undone_twice_is_as_good_as_once(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    act = prepared(setting, api)
    latency.apply(act)
    latency.apply(act)
    assert latency.verify(act).answer is Answer.NOT_RESTORED
    latency.undo(act)
    latency.undo(act)
    assert latency.verify(act).answer is Answer.RESTORED


def test_a_toxic_of_ours_that_somebody_changed_is_drift_and_stays(
    api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    act = prepared(setting, api)
    latency.apply(act)
    api.remove_toxic("orders-db", MARK)
    api.add_toxic("orders-db", Toxic(MARK, "latency", attributes={"latency": 7}))
    latency.undo(act)
    found = latency.verify(act)
    assert found.answer is Answer.DRIFT
    assert found.diff == "somebody changed downstream latency 200 ms to downstream latency 7 ms: left as it is"
    assert len(api.proxy("orders-db").toxics) == 1


def test_a_proxy_that_is_gone_needs_no_undo(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    act = prepared(setting, api)
    latency.apply(act)
    api.delete("orders-db")
    latency.undo(act)
    assert latency.verify(act).answer is Answer.GONE
    with pytest.raises(NoTarget):
        latency.apply(act)


def test_an_api_that_went_away_since_apply_says_so(setting: Setting, echo: int) -> None:
    with ProxyProcess() as process:
        api = ProxyApi(process.address)
        api.create("orders-db", "127.0.0.1:0", f"127.0.0.1:{echo}")
        act = prepared(setting, api)
        latency.apply(act)
    with pytest.raises(ActFailed, match=rf"no proxy API answers at {act.target['api']} .*refused"):
        latency.undo(act)
    with pytest.raises(ActFailed, match="no proxy API answers"):
        latency.verify(act)


def test_a_misspelt_proxy_is_no_target_and_gets_a_suggestion(
    api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    with pytest.raises(NoTarget, match=r"no proxy named 'order-db' .*there are: orders-db; did you mean 'orders-db'"):
        prepared(setting, api, "order-db")


def test_a_proxy_that_is_switched_off_is_refused(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    act = prepared(setting, api)
    api.disable("orders-db")
    with pytest.raises(Refused, match="orders-db is switched off"):
        prepared(setting, api)
    with pytest.raises(Refused, match="orders-db is switched off"):
        latency.apply(act)
    assert api.proxy("orders-db").toxics == ()


def test_what_would_delay_nothing_is_refused(setting: Setting) -> None:
    nowhere = ProxyApi("127.0.0.1:1")
    with pytest.raises(Refused, match="1 ms or more"):
        prepared(setting, nowhere, latency=0.0004)
    with pytest.raises(Refused, match="toxicity of 0%"):
        prepared(setting, nowhere, toxicity=0.0)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "https://127.0.0.1:1"])
def test_an_api_that_is_none_is_refused_before_anything(setting: Setting, address: str) -> None:
    target = ProxyTarget(proxy="orders-db", api=address)
    with pytest.raises(Refused, match=r"127\.0\.0\.1"):
        latency.prepare(target, LatencyArguments(latency=0.2), setting)


def test_the_api_is_found_in_the_configuration(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    place = api.address.removeprefix("http://")
    configured = structs.replace(setting, configuration={"toxiproxy_url": f"http://{place}/"})
    [act] = latency.prepare(ProxyTarget(proxy="orders-db"), LatencyArguments(latency=0.2), configured)
    assert act.target == {"proxy": "orders-db", "api": f"http://{place}"}
    assert ProxyTarget(proxy="db").key(setting)["api"] == "http://127.0.0.1:8474"


def test_a_person_can_finish_the_undo_with_one_command(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    act = prepared(setting, api)
    latency.apply(act)
    subprocess.run(f"{latency.by_hand(act)} -fsS", shell=True, check=True)  # noqa: S602 (what a person would type)
    assert latency.verify(act).answer is Answer.RESTORED
