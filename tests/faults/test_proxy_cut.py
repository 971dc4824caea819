"""proxy.cut, through real proxies."""

import socket
import subprocess
from collections.abc import Callable

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade, NoArguments, Setting
from chaos_runner.errors import ActFailed, NoEffect, NoTarget
from chaos_runner.faults.proxy._toxic import ProxyTarget
from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.proxy import ProxyApi, ProxyState, Toxic

Connect = Callable[[], socket.socket]
cut = shelf.fault("proxy.cut")
MARK = "chaos-runner-01TEST-2-20261120T110000Z"


def prepared(setting: Setting, api: ProxyApi) -> Act:
    acts: list[Act] = cut.prepare(ProxyTarget(proxy="orders-db", api=api.address), NoArguments(), setting)
    return acts[0]


def alive(line: socket.socket) -> bool:
    try:
        line.sendall(b"?")
        return line.recv(1) == b"?"
    except OSError:
        return False


def test_a_cut_proxy_ends_connections_and_refuses_new_ones_until_undone(
    api: ProxyApi, proxy: ProxyState, connect: Connect, setting: Setting,
) -> None:
    with connect() as old:
        assert alive(old)
        act = prepared(setting, api)
        assert api.proxy("orders-db") == proxy
        evidence = cut.apply(act)
        assert not alive(old)
    assert evidence.grade is Grade.PROVEN
    assert evidence.after == f"read back: switched off; {proxy.listen} refuses connections"
    with pytest.raises(ConnectionRefusedError):
        connect()
    assert cut.verify(act).answer is Answer.NOT_RESTORED
    cut.undo(act)
    assert cut.verify(act).answer is Answer.RESTORED
    assert api.proxy("orders-db") == proxy
    with connect() as new:
        assert alive(new)


def test_a_toxic_without_effect_marks_who_switched_it_off(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    theirs = api.add_toxic("orders-db", Toxic("theirs", "latency", attributes={"latency": 1}))
    act = prepared(setting, api)
    cut.apply(act)
    marks = [toxic for toxic in api.proxy("orders-db").toxics if toxic != theirs]
    assert [(mark.name, mark.toxicity) for mark in marks] == [(MARK, 0)]
    cut.undo(act)
    assert api.proxy("orders-db").toxics == (theirs,)


def test_applied_or_undone_twice_is_as_good_as_once(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    act = prepared(setting, api)
    cut.undo(act)
    assert cut.verify(act).answer is Answer.RESTORED
    cut.apply(act)
    cut.apply(act)
    cut.undo(act)
    cut.undo(act)
    assert cut.verify(act).answer is Answer.RESTORED


def test_a_proxy_that_is_already_off_is_refused_and_stays_off(
    api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    act = prepared(setting, api)
    api.disable("orders-db")
    with pytest.raises(NoEffect, match="orders-db is already switched off"):
        prepared(setting, api)
    with pytest.raises(NoEffect):
        cut.apply(act)
    assert not api.proxy("orders-db").enabled
    assert api.proxy("orders-db").toxics == ()


def test_a_death_between_mark_and_switch_leaves_only_a_mark_and_the_undo_takes_it(
    api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    act = prepared(setting, api)
    api.add_toxic("orders-db", Toxic(MARK, "noop", toxicity=0.0))
    found = cut.verify(act)
    assert (found.answer, found.diff) == (Answer.NOT_RESTORED, "orders-db is on, but still carries our mark")
    cut.undo(act)
    assert api.proxy("orders-db") == proxy


def test_switched_on_by_somebody_else_only_the_mark_is_left_to_remove(
    api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    act = prepared(setting, api)
    cut.apply(act)
    api.enable("orders-db")
    cut.undo(act)
    assert cut.verify(act).answer is Answer.RESTORED
    assert api.proxy("orders-db") == proxy


def test_switched_off_without_our_mark_is_the_doing_of_another_and_stays(
    api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    act = prepared(setting, api)
    cut.apply(act)
    api.remove_toxic("orders-db", MARK)
    cut.undo(act)
    found = cut.verify(act)
    assert (found.answer, found.diff) == (Answer.DRIFT, "orders-db is switched off, but not by us: left as it is")


def test_a_proxy_that_is_gone_needs_no_undo(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    act = prepared(setting, api)
    cut.apply(act)
    api.delete("orders-db")
    cut.undo(act)
    assert cut.verify(act).answer is Answer.GONE
    with pytest.raises(NoTarget):
        cut.apply(act)


def test_an_api_that_went_away_since_apply_says_so(setting: Setting, echo: int) -> None:
    with ProxyProcess() as process:
        api = ProxyApi(process.address)
        api.create("orders-db", "127.0.0.1:0", f"127.0.0.1:{echo}")
        act = prepared(setting, api)
        cut.apply(act)
    for verb in (cut.undo, cut.verify):
        with pytest.raises(ActFailed, match="no proxy API answers"):
            verb(act)


def test_a_port_that_was_taken_meanwhile_fails_the_undo_in_clear_words(
    api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    act = prepared(setting, api)
    cut.apply(act)
    host, _, port = proxy.listen.rpartition(":")
    with socket.create_server((host, int(port))), pytest.raises(ActFailed, match="address already in use"):
        cut.undo(act)
    assert cut.verify(act).answer is Answer.NOT_RESTORED
    cut.undo(act)
    assert cut.verify(act).answer is Answer.RESTORED


def test_a_person_can_finish_the_undo_with_one_command(api: ProxyApi, proxy: ProxyState, setting: Setting) -> None:
    act = prepared(setting, api)
    cut.apply(act)
    subprocess.run(cut.by_hand(act), shell=True, check=True, capture_output=True)  # noqa: S602 (what a person types)
    assert cut.verify(act).answer is Answer.RESTORED
