"""What `chaos run` takes beside the file, `chaos-runner run` takes too: as a user does it, in a process of its own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import Ran, all_files, chaos_runner, run
from tests.toolkit.scenes import call, control, experiment, nap, probe

pytestmark = pytest.mark.slow
TOKEN = "t0ken-of-the-test"


def play(folder: Path, data: dict[str, Any], *options: str, **environment: str) -> Ran:
    return run(data, folder, *options, PYTHONPATH=str(Path(__file__).parents[2]), HOME=str(folder), **environment)


def written(folder: Path) -> dict[str, Any]:
    """Chaos Toolkit's journal of the newest run."""
    found: dict[str, Any] = json.loads((folder / "reports" / "latest" / "journal.json").read_text())
    return found


def file(folder: Path, name: str, data: Any) -> str:
    path = folder / name
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(path)


class Web(ThreadingHTTPServer):
    """Serves one experiment to whoever has the token, and keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, tuple[str, str]] = {}
        self.sent: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        kind, text = self.server.pages.get(self.path, ("", ""))
        allowed = text and self.headers.get("Authorization") in ("bearer s3same", "Basic s3same")
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(text.encode() if allowed else b"no")

    def do_POST(self) -> None:
        self.server.sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


KNOWN = experiment(call("act", "known", provider={"secrets": ["mine"]}), configuration={"who": "nobody"},
                   secrets={"mine": {"token": {"type": "env", "key": "TOOLKIT_TEST_TOKEN"}}})


def test_var_files_override_configuration_and_secrets_and_var_overrides_them(tmp_path: Path) -> None:
    variables = file(tmp_path, "v.json", {"configuration": {"who": "file"}, "secrets": {"mine": {"token": TOKEN}},
                                          "other": 1})
    environment = file(tmp_path, "v.env", "# a comment\nTOOLKIT_TEST_TOKEN=from-the-file\n")
    found = play(tmp_path, KNOWN, "--var-file", variables, "--var-file", environment)
    assert found.exit == 0
    assert written(tmp_path)["run"][0]["output"] == ["file", "[redacted]"]
    assert play(tmp_path, KNOWN, "--var-file", variables, "--var-file", environment, "--var", "who=me").exit == 0
    assert written(tmp_path)["run"][0]["output"][0] == "me"
    assert TOKEN not in all_files(tmp_path)
    assert "from-the-file" not in all_files(tmp_path)


@pytest.mark.parametrize(("name", "text", "said"), [
    ("v.json", "{", "--var-file"), ("v.yaml", "a: [", "--var-file"), ("v.yaml", "- 1", "mapping"),
    ("v.json", '{"secrets": 3}', "secrets must be a mapping"), ("v.env", "nothing", "KEY=VALUE")])
def test_a_var_file_that_cannot_be_read_is_an_error_before_the_run(tmp_path: Path, name: str, text: str,
                                                                  said: str) -> None:
    found = play(tmp_path, experiment(), "--var-file", file(tmp_path, name, text))
    assert found.exit == 2
    assert said in found.err
    assert "Traceback" not in found.err


def test_the_journal_is_written_to_where_it_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    assert play(tmp_path, experiment(), "--journal-path", str(path)).exit == 0
    assert json.loads(path.read_text()) == written(tmp_path)


def test_a_journal_path_that_cannot_be_written_is_found_before_the_run(tmp_path: Path) -> None:
    found = play(tmp_path, experiment(), "--journal-path", str(tmp_path / "no" / "folder.json"))
    assert found.exit == 2
    assert "--journal-path" in found.err
    assert not (tmp_path / "reports").exists()


def test_strategy_frequency_and_fail_fast_stop_the_run_and_undo(tmp_path: Path) -> None:
    data = experiment(nap(20), probes=[probe(True, True, False)])
    found = play(tmp_path, data, "--hypothesis-strategy", "continously", "--hypothesis-frequency", "0.1", "--fail-fast")
    assert (found.exit, found.outcome["verdict"], found.outcome["stop"]["kind"]) == (1, "deviated", "fail-fast")
    journal = written(tmp_path)
    assert journal["status"] == "failed"
    assert [state["steady_state_met"] for state in journal["steady_states"]["during"]] == [True, False]
    assert journal["duration"] < 10


def test_a_dry_run_is_never_green(tmp_path: Path) -> None:
    found = play(tmp_path, experiment(), "--dry", "activities")
    assert (found.exit, found.outcome["reasons"][0]["code"]) == (5, "V508")
    assert written(tmp_path)["run"][0]["status"] == "succeeded"


def test_a_control_file_brings_controls_for_every_experiment(tmp_path: Path) -> None:
    mine = {"mine": {"provider": control(change={"who": "changed"})["provider"]}}
    data = experiment(call("act", "known"), configuration={"who": "nobody"})
    assert play(tmp_path, data, "--control-file", file(tmp_path, "c.json", mine)).exit == 0
    assert written(tmp_path)["run"][0]["output"][0] == "changed"
    broken = play(tmp_path, data, "--control-file", file(tmp_path, "c.json", {"mine": 3}))
    assert broken.exit == 2
    assert "provider" in broken.err


def test_settings_bring_controls_strategies_and_whom_to_notify(tmp_path: Path, web: Web) -> None:
    settings = {"runtime": {"hypothesis": {"strategy": "skip"}, "rollbacks": {"strategy": "never"}},
                "controls": {"mine": {"provider": control(change={"who": "changed"})["provider"]}},
                "notifications": [{"type": "http", "url": web.url}]}
    data = experiment(call("act", "known"), configuration={"who": "nobody", "api_token": TOKEN})
    found = play(tmp_path, data, "--settings", file(tmp_path, "s.yaml", settings))
    assert found.outcome["reasons"][0]["code"] == "V507"
    assert written(tmp_path)["rollbacks"] == []
    assert written(tmp_path)["run"][0]["output"][0] == "changed"
    assert [event["name"] for event in web.sent] == ["run-started", "run-completed"]
    assert web.sent[1]["payload"]["status"] == "completed"
    assert TOKEN not in json.dumps(web.sent)


def test_runtime_in_the_file_goes_before_both_strategies_of_the_settings(tmp_path: Path) -> None:
    settings = {"runtime": {"hypothesis": {"strategy": "skip"}, "rollbacks": {"strategy": "never"}}}
    data = experiment(runtime={"hypothesis": {"strategy": "default"}})
    assert play(tmp_path, data, "--settings", file(tmp_path, "s.yaml", settings)).exit == 0
    assert len(written(tmp_path)["rollbacks"]) == 1


@pytest.mark.parametrize("text", ["[1]", "a: [", "runtime: 3", "runtime: {hypothesis: {strategy: sometimes}}",
                                  "notifications: {}\ncontrols: [1]"])
def test_broken_settings_are_an_error_and_no_traceback(tmp_path: Path, text: str) -> None:
    found = play(tmp_path, experiment(), "--settings", file(tmp_path, "s.yaml", text))
    assert found.exit == 2
    assert "Traceback" not in found.err


def test_an_experiment_comes_from_an_address_with_a_token_or_the_settings_auths(tmp_path: Path, web: Web) -> None:
    web.pages["/e"] = ("application/json", json.dumps(experiment()))
    words = ("run", f"{web.url}/e", "--json", "--reports", str(tmp_path / "reports"))
    here = {"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)}
    assert chaos_runner(*words, CHAOSTOOLKIT_LOADER_AUTH_BEARER_TOKEN="s3same", **here).outcome["verdict"] == "passed"
    settings = {"auths": {web.url.removeprefix("http://"): {"type": "Basic", "value": "s3same"}}}
    assert chaos_runner(*words, "--settings", file(tmp_path, "s.yaml", settings), **here).exit == 0
    refused = chaos_runner(*words, **here)
    assert refused.exit == 2
    assert "HTTP status 401" in refused.err
    web.pages["/e"] = ("text/html", "<html>")
    assert "text/html" in chaos_runner(*words, CHAOSTOOLKIT_LOADER_AUTH_BEARER_TOKEN="s3same", **here).err


def test_what_run_would_fetch_with_the_settings_validate_fetches_too(tmp_path: Path, web: Web) -> None:
    web.pages["/e"] = ("application/json", json.dumps(experiment()))
    settings = {"auths": {web.url.removeprefix("http://"): {"type": "Basic", "value": "s3same"}}}
    words, here = ("validate", f"{web.url}/e"), {"PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)}
    assert chaos_runner(*words, "--settings", file(tmp_path, "s.yaml", settings), **here).exit == 0
    assert "HTTP status 401" in chaos_runner(*words, **here).err


@pytest.mark.parametrize(("settings", "said"), [
    ({"auths": "none"}, "auths must be a mapping"),
    ({"runtime": {"rollbacks": {"strategy": "sometimes"}}}, "the settings' runtime")])
def test_validate_says_what_is_wrong_with_the_settings(tmp_path: Path, settings: Any, said: str) -> None:
    path = file(tmp_path, "e.json", experiment())
    found = chaos_runner("validate", path, "--settings", file(tmp_path, "s.yaml", settings))
    assert found.exit == 2
    assert said in found.err
    assert "Traceback" not in found.err


def test_nobody_there_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    found = chaos_runner("run", "http://127.0.0.1:9/e.json", "--reports", str(tmp_path))
    assert found.exit == 2
    assert "Traceback" not in found.err


def test_a_vault_without_its_package_is_an_error_and_never_an_empty_secret(tmp_path: Path) -> None:
    pytest.importorskip("chaoslib")
    data = experiment(secrets={"mine": {"token": {"type": "vault", "path": "a/b"}}},
                      configuration={"vault_addr": "http://127.0.0.1:9", "vault_token": "x"})
    found = play(tmp_path, data)
    assert found.exit == 2
    assert "vault" in found.err or "secrets" in found.err


def test_dynamic_configuration_that_fails_refuses_the_run_and_tells_no_secret(tmp_path: Path) -> None:
    data = experiment(configuration={"api_token": TOKEN, "who": {"type": "probe", "name": "n", "provider": {
        "type": "process", "path": "sh", "arguments": ["-c", "echo ${api_token} >&2; exit 3"]}}})
    found = play(tmp_path, data)
    assert found.exit == 3
    assert "the configuration who could not be read" in found.err
    assert TOKEN not in found.err
