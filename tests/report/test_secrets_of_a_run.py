"""Twenty secrets, planted wherever a run meets them, are in nothing that it writes or says."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.runner import all_files, run

pytestmark = pytest.mark.slow
FROM_ENVIRONMENT: Final = {f"PLANTED_{number}": f"planted-s3cr3t-{number}-{'qwxyz'[number]}" for number in range(5)}
KEY: Final = "MIIEpAIBAAKCAQEAplanted0123456789"
SHAPED: Final = {
    "AWS key": "AKIAPLANTED123456789"[:20], "temporary AWS key": "ASIAPLANTED987654321"[:20],
    "GitHub": "ghp_PlantedPlantedPlanted0123456789", "Slack": "xoxb-1234567890-planted",
    "JWT": "eyJhbGciOiJQTEFOVEVE.eyJzdWIiOiJQTEFOVEVE.c2lnbmF0dXJl", "bearer": "Bearer planted.bearer.value",
    "basic": "Basic cGxhbnRlZDpwbGFudGVk", "URL": "https://ada:planted-in-url@shop.example/x",
    "connection string": "postgres://shop:planted-in-dsn@db.example:5432/orders",
    "PEM": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY}\n-----END RSA PRIVATE KEY-----",
}
BARE: Final = {
    "URL": "planted-in-url", "connection string": "planted-in-dsn", "PEM": KEY, "bearer": "planted.bearer.value",
    "basic": "cGxhbnRlZDpwbGFudGVk"}
CONFIGURED: Final = {
    "db_password": "planted-configured-password", "api_key": "planted-configured-api-key",
    "access_token": "planted-configured-token", "smtp_passphrase": "planted-configured-phrase",
    "client_secret": "planted-configured-secret"}
PLANTED: Final = [*FROM_ENVIRONMENT.values(), *(BARE.get(name, text) for name, text in SHAPED.items()),
                  *CONFIGURED.values()]


def experiment() -> dict[str, Any]:
    """Steps that print, echo and fail with every secret there is."""
    printed = " ".join([*(f"${{{name.lower()}}}" for name in FROM_ENVIRONMENT), *(f"${{{key}}}" for key in CONFIGURED)])
    spill = "import sys; print(sys.argv[1:]); print(sys.argv[1:], file=sys.stderr); sys.exit(3)"
    python = {"type": "process", "path": sys.executable, "secrets": ["planted"]}
    return {
        "title": "secrets", "description": "d",
        "configuration": dict(CONFIGURED),
        "secrets": {"planted": {name.lower(): {"type": "env", "key": name} for name in FROM_ENVIRONMENT}},
        "steady-state-hypothesis": {"title": "h", "probes": [
            {"name": "says all", "type": "probe", "tolerance": 0,
             "provider": {**python, "arguments": ["-c", spill.replace("3", "0"), printed, *SHAPED.values()]}}]},
        "method": [{"name": "spills all", "type": "action",
                    "provider": {**python, "arguments": ["-c", spill, printed, *SHAPED.values()]}}],
    }


def test_twenty_planted_secrets_are_in_none_of_the_artefacts(tmp_path: Path) -> None:
    assert len(PLANTED) == 20
    events = tmp_path / "events.ndjson"
    ran = run(experiment(), tmp_path, "--events", str(events), **FROM_ENVIRONMENT)
    assert json.loads(ran.out)["faults"], ran.err
    (tmp_path / "experiment.json").unlink()  # the author's own file, in which the secrets were written by hand
    written = all_files(tmp_path) + ran.out + ran.err
    assert events.stat().st_size > 1000
    assert written.count("[redacted]") > 2 * len(PLANTED)
    assert [secret for secret in PLANTED if secret in written] == []
