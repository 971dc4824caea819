"""Finding marks on a platform and undoing what they stand for, through real proxies."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from chaos_runner import shelf
from chaos_runner.contracts import Act, Setting
from chaos_runner.errors import UsageError
from chaos_runner.faults.proxy._toxic import ProxyTarget
from chaos_runner.faults.proxy.latency import LatencyArguments
from chaos_runner.mark import Key, Mark
from chaos_runner.recovery.scan import Row, Rules, platforms, scan
from chaos_runner.targets.proxy import ProxyApi, ProxyState, Toxic

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MARK = "chaos-runner-01TEST-2-20261120T110000Z"
KEY = Key("a long secret")
SLOW: dict[str, object] = {"latency": 200, "jitter": 0}
latency = shelf.fault("proxy.latency")


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    return Rules(now=NOW, reports=tmp_path)


@pytest.fixture
def other(api: ProxyApi, echo: int) -> Iterator[ProxyState]:
    """A second proxy of the same API."""
    yield api.create("users-db", "127.0.0.1:0", f"127.0.0.1:{echo}")
    api.delete("users-db")


def applied(setting: Setting, api: ProxyApi, name: str = "latency", proxy: str = "orders-db") -> Act:
    fault = shelf.fault(f"proxy.{name}")
    arguments = LatencyArguments(latency=0.2) if name == "latency" else fault.arguments()
    act: Act = fault.prepare(ProxyTarget(proxy=proxy, api=api.address), arguments, setting)[0]
    fault.apply(act)
    return act


def scanned(api: ProxyApi, rules: Rules) -> list[Row]:
    found = scan("proxy", [api.address], rules)
    assert not found.unread
    return found.runs


def names(api: ProxyApi, proxy: str = "orders-db") -> list[str]:
    return [toxic.name for toxic in api.proxy(proxy).toxics]


def test_what_a_run_left_is_undone_and_what_others_did_is_not(
    api: ProxyApi, proxy: ProxyState, other: ProxyState, setting: Setting, rules: Rules,
) -> None:
    applied(setting, api)
    applied(structs.replace(setting, mark=structs.replace(setting.mark, number=3)), api, "cut", "users-db")
    theirs = api.add_toxic("orders-db", Toxic("theirs", "latency", attributes=SLOW))
    [row] = scanned(api, rules)
    assert (row.run, row.undone, row.restored) == ("01TEST", ["users-db", "orders-db"], "restored")
    assert (row.drift, row.shown, row.unrestored) == ([], [], [])
    assert api.proxy("orders-db").toxics == (theirs,)
    assert api.proxy("users-db") == other
    assert scanned(api, rules) == []


def test_what_a_living_run_elsewhere_may_hold_stays_when_only_the_expired_is_wanted(
    api: ProxyApi, proxy: ProxyState, setting: Setting, rules: Rules,
) -> None:
    applied(setting, api)
    careful = structs.replace(rules, expired_only=True)
    [row] = scanned(api, careful)
    assert (row.undone, row.restored, row.shown[0].why) == ([], "shown", "its run may live until 20261120T110000Z")
    assert names(api) == [MARK]
    [row] = scanned(api, structs.replace(careful, now=LATER))
    assert (row.undone, row.restored) == (["orders-db"], "restored")
    assert names(api) == []


@pytest.mark.parametrize("wanted", ["all", "expired"])
def test_a_run_that_lives_on_this_machine_is_left_alone(
    wanted: str, api: ProxyApi, proxy: ProxyState, setting: Setting, rules: Rules,
) -> None:
    applied(setting, api)
    folder = rules.reports / "runs" / "01TEST"
    folder.mkdir(parents=True)
    holding = ("import sys; from pathlib import Path; from chaos_runner.journal.lock import hold;"
               "held = hold(Path(sys.argv[1])); print('up', flush=True); sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", holding, folder], stdin=-1, stdout=-1) as runner:
        assert runner.stdout
        assert runner.stdout.readline() == b"up\n"
        late = structs.replace(rules, now=LATER, expired_only=wanted == "expired")
        [row] = scanned(api, late)
        assert (row.restored, row.shown[0].why) == ("shown", "its run lives on this machine")
        assert names(api) == [MARK]
        runner.communicate()
    [row] = scanned(api, late)
    assert row.undone == ["orders-db"]


def test_showing_undoes_nothing_and_tells_a_person_how_to(
    api: ProxyApi, proxy: ProxyState, setting: Setting, rules: Rules,
) -> None:
    act = applied(setting, api)
    found = scan("proxy", [api.address], structs.replace(rules, show_only=True))
    [shown] = found.runs[0].shown
    assert (shown.target, shown.fault, shown.where, shown.mark) == ("orders-db", "proxy.latency", api.address, MARK)
    assert shown.by_hand == latency.by_hand(act)
    assert not found.left
    assert names(api) == [MARK]


# ── forged marks ────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("name", [
    "chaos-runner", "chaos-runner-01TEST-2", "Chaos-runner-01TEST-2-20261120T110000Z",
    "chaos-runner-01TEST-99999999999999999999-20261120T110000Z", "chaos-runner-01TEST-2-99999999T999999Z",
    "chaos-runner-01TEST-2-20261120T110000Z-0", "chaos-runner-..%2F..%2Fusers-db-2-20261120T110000Z",
])
def test_names_that_only_look_like_marks_are_not_touched(
    name: str, api: ProxyApi, proxy: ProxyState, rules: Rules,
) -> None:
    toxic = api.add_toxic("orders-db", Toxic(name, "latency", attributes=SLOW))
    assert scanned(api, structs.replace(rules, now=LATER)) == []
    assert api.proxy("orders-db").toxics == (toxic,)


@pytest.mark.parametrize("toxic", [
    Toxic(MARK, "latency", toxicity=0.0, attributes=SLOW),
    Toxic(MARK, "latency", attributes={"latency": -1, "jitter": 0}),
    Toxic(MARK, "bandwidth", attributes={"rate": 2**62}),
    Toxic(MARK, "noop", toxicity=0.5),
], ids=str)
def test_a_toxic_that_no_fault_of_ours_makes_is_only_shown_whatever_its_name(
    toxic: Toxic, api: ProxyApi, proxy: ProxyState, rules: Rules,
) -> None:
    there = api.add_toxic("orders-db", toxic)
    [row] = scanned(api, rules)
    assert (row.undone, row.restored, len(row.shown)) == ([], "shown", 1)
    assert api.proxy("orders-db").toxics == (there,)


def test_a_forged_mark_moves_nothing_but_the_very_thing_that_bears_it(
    api: ProxyApi, proxy: ProxyState, other: ProxyState, rules: Rules,
) -> None:
    api.disable("users-db")
    api.add_toxic("orders-db", Toxic(MARK, "noop", toxicity=0.0))
    [row] = scanned(api, rules)
    assert row.undone == ["orders-db"]
    assert api.proxy("orders-db") == proxy
    assert not api.proxy("users-db").enabled


def test_with_a_key_only_what_is_signed_for_this_fault_on_this_proxy_is_undone(
    api: ProxyApi, proxy: ProxyState, other: ProxyState, setting: Setting, rules: Rules,
) -> None:
    signed = str(setting.mark.signed(KEY, "proxy.latency", "orders-db"))
    copied = api.add_toxic("users-db", Toxic(signed, "latency", attributes=SLOW))
    as_other = Mark(run="01TEST", number=4, expires="20261120T110000Z").signed(KEY, "proxy.latency", "users-db")
    other_fault = api.add_toxic("users-db", Toxic(str(as_other), "timeout", attributes={"timeout": 0}))
    unsigned = api.add_toxic("orders-db", Toxic(MARK, "latency", attributes=SLOW))
    wrong = api.add_toxic("orders-db", Toxic(f"{MARK}-{'0' * 32}", "latency", attributes=SLOW))
    applied(structs.replace(setting, key=KEY), api)
    assert signed in names(api)
    [row] = scanned(api, structs.replace(rules, key=KEY, now=LATER))
    assert (row.undone, row.restored, len(row.shown)) == (["orders-db"], "restored", 4)
    assert {one.why for one in row.shown} == {"not signed with our key for this fault on this target"}
    assert set(names(api)) == {unsigned.name, wrong.name}
    assert set(names(api, "users-db")) == {copied.name, other_fault.name}


@pytest.mark.parametrize("name", ["down", "cut"])
def test_a_signed_switch_is_found_by_either_of_its_names_and_undone_once(
    name: str, api: ProxyApi, proxy: ProxyState, setting: Setting, rules: Rules,
) -> None:
    applied(structs.replace(setting, key=KEY), api, name)
    assert not api.proxy("orders-db").enabled
    [row] = scanned(api, structs.replace(rules, key=KEY))
    assert row.undone == ["orders-db"]
    assert api.proxy("orders-db") == proxy


# ── what cannot be done ─────────────────────────────────────────────────────────────────────────────────────────────

def test_one_address_without_an_answer_does_not_keep_the_others_from_being_scanned(
    api: ProxyApi, proxy: ProxyState, setting: Setting, rules: Rules,
) -> None:
    applied(setting, api)
    found = scan("proxy", ["127.0.0.1:1", api.address], rules)
    assert found.left
    assert [unread.where for unread in found.unread] == ["127.0.0.1:1"]
    assert [row.undone for row in found.runs] == [["orders-db"]]


def test_one_undo_that_fails_does_not_keep_the_others_from_being_undone(
    api: ProxyApi, proxy: ProxyState, other: ProxyState, setting: Setting, rules: Rules,
) -> None:
    import socket

    applied(setting, api, "down")
    applied(structs.replace(setting, mark=structs.replace(setting.mark, number=1)), api, "latency", "users-db")
    host, _, port = proxy.listen.rpartition(":")
    with socket.create_server((host, int(port))):
        found = scan("proxy", [api.address], rules)
    [row] = found.runs
    assert found.left
    assert (row.undone, row.restored) == (["users-db"], "not-restored")
    [left] = row.unrestored
    assert "address already in use" in left.why
    assert "curl" in left.by_hand
    assert scanned(api, rules)[0].undone == ["orders-db"]


def test_a_platform_without_marks_and_an_address_that_is_none_are_refused(rules: Rules) -> None:
    assert "proxy" in platforms()
    with pytest.raises(UsageError, match=r"no fault leaves marks on 'prox'; there are marks on: .*proxy"):
        scan("prox", [], rules)
    with pytest.raises(UsageError, match="https://x"):
        scan("proxy", ["https://x"], rules)


def test_a_row_is_data(api: ProxyApi, proxy: ProxyState, setting: Setting, rules: Rules) -> None:
    applied(setting, api)
    told = msgspec.json.decode(msgspec.json.encode(scan("proxy", [api.address], rules)))
    assert told == {"unread": [], "runs": [{"run": "01TEST", "undone": ["orders-db"], "drift": [], "shown": [],
                                            "restored": "restored", "unrestored": []}]}
