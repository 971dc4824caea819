"""proxy.down, through real proxies. It shares every line with proxy.cut, whose tests say more."""

import socket
import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Act, Answer, Grade, NoArguments, Scannable, Setting
from chaos_runner.errors import NoEffect
from chaos_runner.faults.proxy._toxic import ProxyTarget
from chaos_runner.targets.proxy import ProxyApi, ProxyState, Toxic

Connect = Callable[[], socket.socket]
down = shelf.fault("proxy.down")
MARK = "chaos-runner-01TEST-2-20261120T110000Z"


def prepared(setting: Setting, api: ProxyApi) -> Act:
    acts: list[Act] = down.prepare(ProxyTarget(proxy="orders-db", api=api.address), NoArguments(), setting)
    return acts[0]


def test_down_and_cut_are_one_thing_by_two_names() -> None:
    cut = shelf.fault("proxy.cut")
    for verb in ("prepare", "apply", "undo", "verify", "by_hand", "marked"):
        assert getattr(type(down), verb) is getattr(type(cut), verb)
    assert (down.band.word, cut.band.word) == ("down", "cut")


def test_a_proxy_that_is_down_refuses_connections_until_undone(
    api: ProxyApi, proxy: ProxyState, connect: Connect, setting: Setting,
) -> None:
    act = prepared(setting, api)
    evidence = down.apply(act)
    assert (evidence.grade, evidence.before) == (Grade.PROVEN, "switched on")
    assert evidence.after == f"read back: switched off; {proxy.listen} refuses connections"
    with pytest.raises(ConnectionRefusedError):
        connect()
    with pytest.raises(NoEffect, match="already switched off"):
        prepared(setting, api)
    down.undo(act)
    down.undo(act)
    assert down.verify(act).answer is Answer.RESTORED
    assert api.proxy("orders-db") == proxy
    connect().close()


@pytest.mark.parametrize("killed_at", ["add_toxic", "disable"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_within_apply_it_is_undone_from_the_act_alone_by_another_process(
    killed_at: str, moment: str, api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    act = msgspec.json.encode(prepared(setting, api))
    applied = subprocess.run([sys.executable, "-c", _DIES, killed_at, moment, act], check=False)
    assert applied.returncode == -9
    assert api.proxy("orders-db").enabled == ((killed_at, moment) != ("disable", "after"))
    recovered = msgspec.json.decode(act, type=Act)
    down.undo(recovered)
    assert down.verify(recovered).answer is Answer.RESTORED
    assert api.proxy("orders-db") == proxy


_DIES = """
import os, signal, sys
import msgspec
from chaos_runner import shelf
from chaos_runner.contracts import Act
from chaos_runner.targets.proxy import ProxyApi
killed_at, moment, act = sys.argv[1:]
verb = getattr(ProxyApi, killed_at)
def do_and_die(*given):
    if moment == "after":
        verb(*given)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(ProxyApi, killed_at, do_and_die)
shelf.fault("proxy.down").apply(msgspec.json.decode(act, type=Act))
"""


@pytest.mark.parametrize("state", ["off", "still on"])
def test_its_mark_leads_back_whether_it_was_switched_off_yet_or_not(
    state: str, api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    api.add_toxic("orders-db", Toxic(MARK, "noop", toxicity=0.0))
    if state == "off":
        api.disable("orders-db")
    assert isinstance(down, Scannable)
    [found] = down.marked(api.address)
    assert (found.mark, found.fault, found.target, found.doubt) == (setting.mark, "proxy.down", "orders-db", "")
    down.undo(found.act)
    assert down.verify(found.act).answer is Answer.RESTORED
    assert api.proxy("orders-db") == proxy


def test_what_has_an_effect_is_no_mark_and_switches_nothing_on(
    api: ProxyApi, proxy: ProxyState, setting: Setting,
) -> None:
    api.add_toxic("orders-db", Toxic(MARK, "noop", toxicity=1.0))
    api.disable("orders-db")
    assert isinstance(down, Scannable)
    [found] = down.marked(api.address)
    assert found.doubt
    down.undo(found.act)
    assert not api.proxy("orders-db").enabled
    assert down.verify(found.act).answer is Answer.DRIFT
