"""What machines share: locks that keep two runs apart, and folders of runs in S3."""

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from chaos_runner.errors import Refused, UsageError
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.keeping import keep
from chaos_runner.targets.aws.locking import Holder, let_go, take
from tests.cli.runner import chaos_runner, journal, run, running, write
from tests.inverses.servers import eventually
from tests.run.samples import action, experiment, single, wait

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def bucket(at: Account) -> str:
    name = f"chaos-{uuid4().hex[:8]}"
    at.ask("s3", "create_bucket", Bucket=name, CreateBucketConfiguration={"LocationConstraint": at.region})
    return name


def table(at: Account, key: str = "lock", type_: str = "S") -> str:
    name = f"chaos-{uuid4().hex[:8]}"
    at.ask("dynamodb", "create_table", TableName=name, BillingMode="PAY_PER_REQUEST",
           KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
           AttributeDefinitions=[{"AttributeName": key, "AttributeType": type_}])
    return name


@pytest.fixture(params=["s3", "dynamodb"])
def lock(request: pytest.FixtureRequest, at: Account, bucket: str) -> str:
    return f"s3://{bucket}/locks/shop" if request.param == "s3" else f"dynamodb://{table(at)}/shop"


def holder(run_id: str, minutes: float = 5) -> Holder:
    return Holder(run=run_id, by="here", expires=datetime.now(UTC) + timedelta(minutes=minutes))


# ── locks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_what_one_run_holds_no_other_gets(lock: str) -> None:
    take([lock], holder("ONE"))
    with pytest.raises(Refused, match="held by run ONE on here, until 2"):
        take([lock], holder("TWO"))
    assert let_go([lock], "TWO") == ""
    with pytest.raises(Refused, match="held by run ONE"):
        take([lock], holder("TWO"))
    assert let_go([lock], "ONE") == ""
    take([lock], holder("TWO"))


def test_taken_twice_by_the_same_run_it_is_taken(lock: str) -> None:
    take([lock, lock], holder("ONE"))
    take([lock], holder("ONE"))


def test_what_a_dead_runner_has_left_ends_by_itself(lock: str) -> None:
    take([lock], holder("DEAD", minutes=-1))
    take([lock], holder("TWO"))
    assert let_go([lock], "DEAD") == ""
    with pytest.raises(Refused, match="held by run TWO"):
        take([lock], holder("THREE"))


def test_of_several_none_is_kept_when_one_cannot_be_had(bucket: str) -> None:
    first, second = f"s3://{bucket}/a", f"s3://{bucket}/b"
    take([second], holder("ONE"))
    with pytest.raises(Refused, match="/b is held"):
        take([second, first], holder("TWO"))
    take([first], holder("THREE"))


def test_where_no_lock_can_be_had_nothing_is_done(at: Account, bucket: str) -> None:
    with pytest.raises(Refused, match="cannot be had"):
        take([f"s3://none-{uuid4().hex}/a"], holder("ONE"))
    with pytest.raises(Refused, match="must have one key, and that a text"):
        take([f"dynamodb://{table(at, type_='N')}/a"], holder("ONE"))
    with pytest.raises(Refused, match="cannot be had"):
        take([f"dynamodb://none-{uuid4().hex}/a"], holder("ONE"))
    at.ask("s3", "put_object", Bucket=bucket, Key="notes.txt", Body=b"buy milk")
    with pytest.raises(Refused, match="no lock of chaos-runner"):
        take([f"s3://{bucket}/notes.txt"], holder("ONE"))


def test_of_many_at_once_one_gets_it(lock: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def won(number: int) -> bool:
        try:
            take([lock], holder(f"RUN{number}"))
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(won, range(8))) == 1


def locked(lock: str, *method: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {**experiment(*(method or (action(),)), probes=[single()], **keys), "locks": [lock]}


def free(lock: str) -> bool:
    try:
        take([lock], holder("PROBE"))
    except Refused:
        return False
    return let_go([lock], "PROBE") == ""


@pytest.mark.slow
def test_a_run_holds_its_locks_and_lets_go_of_them(lock: str, tmp_path: Path) -> None:
    with running(locked(lock, wait(20)), tmp_path) as process:
        assert eventually(lambda: [one for one in journal(tmp_path) if one["type"] == "StepBegan"], 20)
        assert not free(lock), "and to ask sooner would have taken it from the run"
        (tmp_path / "other").mkdir()
        other = run(locked(lock), tmp_path / "other")
        assert (other.exit, other.out) == (3, "")
        assert "is held by run" in other.err
        assert not (tmp_path / "other" / "reports" / "runs").exists()
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert free(lock)
    assert run(locked(lock), tmp_path).exit == 0
    assert free(lock)


@pytest.mark.slow
def test_the_watchdog_lets_go_of_what_a_killed_run_held(lock: str, tmp_path: Path) -> None:
    pause = {"type": "action", "name": "wait", "provider": {"type": "process", "path": "sleep", "arguments": "60"}}
    with running(locked(lock, pause), tmp_path) as process:
        assert eventually(lambda: [one for one in journal(tmp_path) if one["type"] == "StepBegan"], 20)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert eventually(lambda: free(lock), 20)


@pytest.mark.slow
def test_who_only_measures_takes_no_lock(lock: str, tmp_path: Path) -> None:
    take([lock], holder("ONE"))
    assert run(locked(lock), tmp_path, "--hypothesis-only").exit == 0


@pytest.mark.slow
def test_an_environment_of_chaos_yaml_brings_its_locks(lock: str, tmp_path: Path) -> None:
    take([lock], holder("ONE"))
    (tmp_path / "chaos.yaml").write_text(json.dumps({"environments": {"live": {"locks": [lock]}}}))
    data = experiment(action(), probes=[single()])
    assert run(data, tmp_path).exit == 0
    assert run(data, tmp_path, "--env", "live").exit == 3


def test_what_is_no_address_is_found_before_anything_runs(tmp_path: Path) -> None:
    data = {**experiment(action(), probes=[single()]), "locks": ["s3://bucket", "redis://cache/x", 7]}
    ran = chaos_runner("validate", str(write(data, tmp_path)), "--json")
    found = [one["message"] for one in json.loads(ran.out)["findings"] if one["code"] == "E103"]
    assert len(found) == 3, found


# ── folders ─────────────────────────────────────────────────────────────────────────────────────────────────────────

def stored(at: Account, bucket: str) -> dict[str, int]:
    return {one["Key"]: one["Size"] for one in at.every("s3", "list_objects_v2", "Contents[]", Bucket=bucket) if one}


@pytest.mark.slow
def test_a_run_s_folder_is_kept_in_s3(at: Account, bucket: str, tmp_path: Path) -> None:
    ran = run(experiment(action(), probes=[single()]), tmp_path, "--upload", f"s3://{bucket}/chaos/")
    folder = (tmp_path / "reports" / "latest").resolve()
    prefix = f"chaos/{folder.name}/"
    here = {f"{prefix}{file.relative_to(folder)}": file.stat().st_size for file in folder.rglob("*")
            if file.is_file() and file.name != "lock"}
    assert ran.exit == 0
    assert ran.outcome["verdict"] == "passed"
    assert f"uploaded  s3://{bucket}/{prefix}" in ran.err
    assert stored(at, bucket) == here
    page = at.ask("s3", "head_object", Bucket=bucket, Key=f"{prefix}report.html")
    assert page["ContentType"] == "text/html; charset=utf-8"


@pytest.mark.slow
def test_what_cannot_be_kept_is_said_and_changes_nothing(tmp_path: Path) -> None:
    ran = run(experiment(action(), probes=[single()]), tmp_path, "--upload", "s3://none-such-bucket/chaos")
    assert (ran.exit, ran.outcome["verdict"]) == (0, "passed")
    assert "warning: the run's folder could not be kept in s3://none-such-bucket/chaos" in " ".join(ran.err.split())


@pytest.mark.slow
@pytest.mark.parametrize("address", ["bucket/path", "https://bucket/path", "s3://"])
def test_what_is_no_address_is_refused_before_anything_runs(tmp_path: Path, address: str) -> None:
    ran = run(experiment(action(), probes=[single()]), tmp_path, "--upload", address)
    assert ran.exit == 2
    assert "s3://bucket/path" in ran.err
    assert not (tmp_path / "reports").exists()


@pytest.mark.slow
def test_what_the_watchdog_recovers_is_kept_too(at: Account, bucket: str, tmp_path: Path) -> None:
    pause = {"type": "action", "name": "wait", "provider": {"type": "process", "path": "sleep", "arguments": "60"}}
    os.environ["CHAOS_RUNNER_UPLOAD"] = f"s3://{bucket}"
    try:
        with running(experiment(pause, probes=[single()]), tmp_path) as process:
            assert eventually(lambda: [one for one in journal(tmp_path) if one["type"] == "StepBegan"], 20)
            process.send_signal(signal.SIGKILL)
            process.communicate()
    finally:
        del os.environ["CHAOS_RUNNER_UPLOAD"]
    assert eventually(lambda: any(key.endswith("outcome.json") for key in stored(at, bucket)), 30)


@pytest.mark.slow
def test_several_files_are_all_kept(at: Account, bucket: str, tmp_path: Path) -> None:
    file = write(experiment(action(), probes=[single()]), tmp_path)
    ran = chaos_runner("run", str(file), str(file), "--reports", str(tmp_path / "reports"), "--upload", f"s3://{bucket}")
    assert ran.exit == 0
    assert sum(key.endswith("outcome.json") for key in stored(at, bucket)) == 2


def test_only_s3_keeps_folders(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="s3://bucket/path"):
        keep(tmp_path, "dynamodb://table/name")
