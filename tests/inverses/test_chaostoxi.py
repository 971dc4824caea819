"""What chaostoolkit-toxiproxy created or disabled is brought back, though its author wrote no way back."""

import json
import signal
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from chaos_runner.errors import ActFailed, Refused
from chaos_runner.experiment.model import Provider, ProviderUndo, Step, Tolerance
from chaos_runner.inverses import undo_of
from chaos_runner.inverses.chaostoxi import INVERSES, proxy_is_disabled, toxic_is_there
from chaos_runner.proxy.process import ProxyProcess
from chaos_runner.targets.proxy import ProxyApi, Toxic
from tests.cli.runner import journal, run, running, wait_for
from tests.inverses.servers import Rude, eventually, plan_of
from tests.run.samples import action, experiment, single

pytestmark = pytest.mark.skipif(find_spec("chaostoxi") is None, reason="chaostoolkit-toxiproxy is not installed")

TOXIC_ACTIONS: dict[str, dict[str, Any]] = {
    "create_toxic": {"toxic_type": "latency", "attributes": {"latency": 5}},
    "create_latency_toxic": {"latency": 5},
    "create_bandwith_degradation_toxic": {"rate": 5},
    "create_slow_connection_close_toxic": {"delay": 5},
    "create_timeout_toxic": {"timeout": 5},
    "create_slicer_toxic": {"average_size": 5, "size_variation": 1, "delay": 5},
    "create_limiter_toxic": {"bytes_limit": 5},
}
WITHOUT: dict[str, dict[str, Any]] = {
    "create_proxy": {"proxy_name": "db", "upstream_host": "127.0.0.1", "upstream_port": 9},
    "delete_proxy": {"proxy_name": "db"},
    "enable_proxy": {"proxy_name": "db"},
    "modify_proxy": {"proxy_name": "db", "upstream_address": "127.0.0.1:9", "enabled": False},
    "reset": {},
}


@pytest.fixture
def api() -> Iterator[ProxyApi]:
    """An embedded proxy server with the proxy `db`."""
    with ProxyProcess() as process:
        api = ProxyApi(process.address)
        api.create("db", "127.0.0.1:0", "127.0.0.1:9")
        yield api


def on(api: ProxyApi, *method: dict[str, Any], **keys: Any) -> dict[str, Any]:
    configuration = {"toxiproxy_url": api.address, **keys.pop("configuration", {})}
    return experiment(*method, probes=[single()], configuration=configuration, **keys)


def toxic(func: str = "create_latency_toxic", **keys: Any) -> dict[str, Any]:
    arguments = {"for_proxy": "db", "toxic_name": "slow", **TOXIC_ACTIONS[func], **keys.pop("arguments", {})}
    return action("make it slow", module="chaostoxi.toxic.actions", func=func, arguments=arguments, **keys)


def proxy(func: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    given = {"proxy_name": "db"} if arguments is None else arguments
    return action(func, module="chaostoxi.proxy.actions", func=func, arguments=given)


def planned(step: dict[str, Any], **keys: Any) -> Step:
    return plan_of(experiment(step, probes=[single()], **keys)).experiment.method[0]


def way_back(step: dict[str, Any]) -> ProviderUndo:
    undo = planned(step).undo
    assert undo
    return undo


def looks(undo: ProviderUndo) -> dict[str, Any]:
    assert undo.verify
    assert undo.verify.judge == Tolerance(False)
    assert isinstance(undo.verify.call, Provider)
    return undo.verify.call.spec


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("path", INVERSES)
def test_every_action_of_the_table_is_in_the_package(path: str) -> None:
    module, _, func = path.rpartition(".")
    assert callable(getattr(import_module(module), func))


def test_every_action_of_the_package_is_in_the_table_or_known_to_have_no_inverse() -> None:
    known = {*INVERSES, "chaostoxi.toxic.actions.delete_toxic",
             *(f"chaostoxi.proxy.actions.{func}" for func in WITHOUT)}
    modules = ("chaostoxi.proxy.actions", "chaostoxi.toxic.actions")
    assert {f"{module}.{func}" for module in modules for func in import_module(module).__all__} == known


@pytest.mark.parametrize("func", TOXIC_ACTIONS)
def test_a_created_toxic_is_deleted_and_looked_for(func: str) -> None:
    undo = way_back(toxic(func))
    named = {"for_proxy": "db", "toxic_name": "slow"}
    assert undo.call.spec == {"type": "python", "module": "chaostoxi.toxic.actions", "func": "delete_toxic",
                              "arguments": named}
    assert looks(undo) == {"type": "python", "module": "chaos_runner.inverses.chaostoxi", "func": "toxic_is_there",
                           "arguments": named}


def test_values_of_the_configuration_stay_names() -> None:
    step = toxic(arguments={"for_proxy": "${db}", "toxic_name": "${toxic}-1"})
    undo = planned(step, configuration={"db": "orders", "toxic": "slow"}).undo
    assert undo
    assert undo.call.spec["arguments"] == {"for_proxy": "${db}", "toxic_name": "${toxic}-1"}


@pytest.mark.parametrize(("more", "name"), [({}, "latency_downstream"), ({"stream": "upstream"}, "latency_upstream")])
def test_a_toxic_without_a_name_has_the_one_that_the_server_gives_it(more: dict[str, str], name: str) -> None:
    undo = way_back(toxic("create_toxic", arguments={"toxic_name": "", **more}))
    assert undo.call.spec["arguments"]["toxic_name"] == name


def test_the_author_s_own_undo_wins() -> None:
    own = {"provider": {"type": "process", "path": "true"}}
    undo = way_back(toxic(undo=own))
    assert (undo.call.kind, undo.verify) == ("process", None)


@pytest.mark.parametrize("func", WITHOUT)
def test_an_action_that_does_not_say_how_it_was_has_no_inverse(func: str) -> None:
    assert planned(proxy(func, WITHOUT[func])).undo is None


def test_to_disable_a_proxy_by_modifying_it_is_to_disable_it() -> None:
    undo = way_back(proxy("modify_proxy", {"proxy_name": "db", "enabled": False}))
    assert (undo.call.spec["func"], looks(undo)["func"]) == ("enable_proxy", "proxy_is_disabled")
    assert planned(proxy("modify_proxy", {"proxy_name": "db", "enabled": True})).undo is None


def test_an_argument_that_is_missing_means_no_inverse() -> None:
    call = Provider({"type": "python", "module": "chaostoxi.toxic.actions", "func": "create_timeout_toxic"})
    assert undo_of(structs.replace(planned(action()), call=call)) is None


def test_a_package_without_a_table_has_no_inverse() -> None:
    assert planned(action()).undo is None


def test_the_secrets_of_the_action_are_those_of_its_inverse() -> None:
    step = toxic()
    step["provider"]["secrets"] = ["proxy"]
    assert way_back(step).call.spec["secrets"] == ["proxy"]


def test_an_inverse_with_a_secret_written_out_is_not_recorded() -> None:
    step = planned(toxic(arguments={"toxic_name": "AKIAIOSFODNN7EXAMPLE"}))
    assert step.undo is None


def test_a_known_inverse_is_enough_where_verified_undo_is_required() -> None:
    plan_of(experiment(toxic(), probes=[single()], require_verified_undo=True))
    with pytest.raises(Refused, match="no undo that can be verified"):
        plan_of(experiment(proxy("reset", {}), probes=[single()], require_verified_undo=True))


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.parametrize("by_url", [True, False])
def test_it_looks_where_the_package_acts(api: ProxyApi, *, by_url: bool) -> None:
    host, port = api.address.removeprefix("http://").split(":")
    where = {"toxiproxy_url": api.address} if by_url else {"toxiproxy_host": host, "toxiproxy_port": port}
    assert not toxic_is_there("db", "slow", where)
    api.add_toxic("db", Toxic("slow", "latency", attributes={"latency": 5}))
    assert toxic_is_there("db", "slow", where)


def test_a_toxic_is_gone_with_its_proxy(api: ProxyApi) -> None:
    where = {"toxiproxy_url": api.address}
    assert not toxic_is_there("other", "slow", where)
    assert not proxy_is_disabled("other", where)
    assert not proxy_is_disabled("other", where)


@pytest.mark.parametrize(("status", "body"), [(503, b"{}"), (404, b"<html>"), (404, b"[]"), (200, b"{}")])
def test_what_is_no_toxiproxy_says_nothing_is_gone(status: int, body: bytes) -> None:
    with Rude(status, body) as address, pytest.raises(ActFailed, match=f"HTTP {status}"):
        proxy_is_disabled("db", {"toxiproxy_url": f"http://{address}"})


# ── runs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

@pytest.mark.slow
@pytest.mark.parametrize("func", TOXIC_ACTIONS)
def test_a_run_takes_its_toxic_away(api: ProxyApi, tmp_path: Path, func: str) -> None:
    ran = run(on(api, toxic(func)), tmp_path)
    assert (ran.exit, ran.outcome["restored"], ran.outcome["faults"][0]["untracked"]) == (0, "restored", False)
    assert not api.proxy("db").toxics


@pytest.mark.slow
def test_a_run_enables_what_it_disabled_and_leaves_what_it_created(api: ProxyApi, tmp_path: Path) -> None:
    new = {"proxy_name": "new", "upstream_host": "127.0.0.1", "upstream_port": 9, "listen_host": "127.0.0.1"}
    ran = run(on(api, proxy("disable_proxy"), proxy("create_proxy", new)), tmp_path)
    assert (ran.exit, ran.outcome["restored"]) == (0, "restored")
    assert sorted((each.name, each.enabled) for each in api.proxies()) == [("db", True), ("new", True)]
    assert [fault["untracked"] for fault in ran.outcome["faults"]] == [False, True]


@pytest.mark.slow
def test_what_the_method_brought_back_itself_is_restored(api: ProxyApi, tmp_path: Path) -> None:
    new = {"proxy_name": "new", "upstream_host": "127.0.0.1", "upstream_port": 9, "listen_host": "127.0.0.1"}
    only = {"proxy_name": "new"}
    ran = run(on(api, proxy("create_proxy", new), proxy("disable_proxy", only), proxy("delete_proxy", only),
                 toxic(), rollbacks=[proxy("reset", {})]), tmp_path)
    assert ran.exit == 0
    assert {fault["name"]: fault["restored"] for fault in ran.outcome["faults"]} == {
        "create_proxy": None, "disable_proxy": "restored", "delete_proxy": None, "make it slow": "restored"}


@pytest.mark.slow
def test_the_watchdog_takes_the_toxic_of_a_killed_run_away(api: ProxyApi, tmp_path: Path) -> None:
    step = toxic(arguments={"toxic_name": "${toxic}"}, pauses={"after": 60})
    with running(on(api, step, configuration={"toxic": "slow"}), tmp_path) as process:
        wait_for(tmp_path, "StepEnded")
        assert [each.name for each in api.proxy("db").toxics] == ["slow"]
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert eventually(lambda: not api.proxy("db").toxics)
    assert eventually((tmp_path / "reports" / "latest" / "outcome.json").exists)
    told = json.loads((tmp_path / "reports" / "latest" / "outcome.json").read_text())
    assert (told["exit"], told["restored"], told["faults"][0]["untracked"]) == (137, "restored", False)
    [began] = [event for event in journal(tmp_path) if event["type"] == "StepBegan"]
    assert began["undo"]["call"]["spec"]["arguments"]["toxic_name"] == "${toxic}"


@pytest.mark.slow
def test_a_toxic_that_cannot_be_reached_is_not_called_restored(tmp_path: Path) -> None:
    with ProxyProcess() as other:
        elsewhere = ProxyApi(other.address)
        elsewhere.create("db", "127.0.0.1:0", "127.0.0.1:9")
        end = {"path": "kill", "arguments": ["-KILL", str(other.pid)], "type": "process"}
        ran = run(on(elsewhere, toxic(), {"type": "action", "name": "end it", "provider": end}), tmp_path)
    assert (ran.exit, ran.outcome["restored"]) == (6, "not-restored")
    assert ran.outcome["unrestored"][0]["diff"].startswith("whether the toxic slow is still on db: connection refused")
