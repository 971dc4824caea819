"""What is said when AWS cannot be reached as it is configured, and what is refused before anything is touched."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Answer
from chaos_runner.errors import Refused
from chaos_runner.targets.aws import access
from chaos_runner.targets.aws.access import Account, pairs
from tests.aws.trying import prepared
from tests.cli.runner import run
from tests.crash.aws.ec2 import instances
from tests.unwell import Words, door

pytestmark = pytest.mark.slow
HOLDS = {"type": "probe", "name": "root is there", "tolerance": True,
         "provider": {"type": "python", "module": "os.path", "func": "exists", "arguments": {"path": "/"}}}
STOP = "aws.instance_stop"
_EXPIRED = (b"<Response><Errors><Error><Code>RequestExpired</Code><Message>Request has expired.</Message></Error>"
            b"</Errors><RequestID>0</RequestID></Response>")


def refused(target: Mapping[str, Any], folder: Path, **more: Any) -> str:
    """The sentence of a run that touched nothing."""
    ran = run({"title": "t", "description": "d", "steady-state-hypothesis": {"title": "x", "probes": [HOLDS]},
               "method": [{"name": "stop", "fault": STOP, "target": target, "duration": "1s"}], **more}, folder)
    assert (ran.outcome["verdict"], ran.outcome["restored"]) == ("not-started", "nothing-to-restore"), ran.err
    return str(ran.outcome["sentence"])


@contextmanager
def environment(**changes: str | None) -> Iterator[None]:
    """The environment says this, and what is None it does not say."""
    before = dict(os.environ)
    os.environ.update({key: value for key, value in changes.items() if value is not None})
    for key in [key for key, value in changes.items() if value is None]:
        os.environ.pop(key, None)
    access.account.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        access.account.cache_clear()


def test_without_credentials_it_is_said_how_to_sign_in(at: Account, tmp_path: Path) -> None:
    nothing = str(tmp_path / "none")
    with environment(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_SHARED_CREDENTIALS_FILE=nothing,
                     AWS_CONFIG_FILE=nothing, AWS_EC2_METADATA_DISABLED="true"):
        said = refused({"tags": {"shop": "app"}, "count": 1}, tmp_path)
    assert "AWS credentials: Unable to locate credentials" in said
    assert "aws sso login" in said


def test_credentials_that_have_ended_are_told_as_such(at: Account, tmp_path: Path) -> None:
    words: dict[str, Words] = {"expired": (400, _EXPIRED, {"Content-Type": "text/xml"})}
    with door(os.environ["AWS_ENDPOINT_URL"], lambda _, __: "expired", words) as (url, _), environment(
            AWS_ENDPOINT_URL=url):
        said = refused({"tags": {"shop": "app"}, "count": 1}, tmp_path)
    assert "Request has expired" in said
    assert "sign in again" in said


def test_credentials_that_end_before_the_run_could_be_over_are_refused(at: Account, tmp_path: Path) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=12)).isoformat()
    with environment(AWS_CREDENTIAL_EXPIRATION=soon):
        said = refused({"tags": {"shop": "app"}, "count": 1}, tmp_path)
    assert "these credentials end at" in said
    assert "its undo included" in said


def test_a_region_that_is_none_is_told_with_the_one_that_is_meant(at: Account, tmp_path: Path) -> None:
    said = refused({"tags": {"shop": "app"}, "count": 1, "region": "eu-central1"}, tmp_path)
    assert "'eu-central1' is no region of AWS; did you mean 'eu-central-1'?" in said


def test_a_region_in_which_nothing_is_has_no_target(at: Account, tmp_path: Path) -> None:
    said = refused({"tags": {"shop": "app"}, "count": 1, "region": "us-west-2"}, tmp_path)
    assert "no instance in us-west-2 of account" in said


def test_a_profile_that_is_not_there_is_told_with_those_that_are(at: Account, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile staging]\nregion = eu-central-1\n")
    with environment(AWS_CONFIG_FILE=str(config)):
        said = refused({"tags": {"shop": "app"}, "count": 1, "profile": "stagin"}, tmp_path)
    assert "AWS has no profile 'stagin' here; did you mean 'staging'?" in said


def test_limits_keep_an_experiment_out_of_other_accounts_and_regions(at: Account, tmp_path: Path) -> None:
    for key, place in (("accounts", "9*"), ("regions", "us-*")):
        said = refused({"tags": {"shop": "app"}, "count": 1}, tmp_path, limits={key: [place]})
        assert said.endswith(f"and the experiment allows {place}")


def test_what_has_no_room_for_our_tags_is_refused(at: Account) -> None:
    with instances(at, 1) as (_, ids):
        at.ask("ec2", "create_tags", Resources=ids, Tags=pairs({f"k{number}": "v" for number in range(48)}))
        with pytest.raises(Refused, match="has 49 tags of at most 50, and ours are 3 more"):
            prepared(STOP, {"ids": ids})


def test_a_target_that_says_nothing_is_refused(at: Account, tmp_path: Path) -> None:
    assert "which instance? `ids`" in refused({}, tmp_path)


def test_an_instance_that_was_terminated_meanwhile_needs_no_undo(at: Account) -> None:
    with instances(at, 1) as (_, ids):
        [act], fault = prepared(STOP, {"ids": ids}), shelf.fault(STOP)
        fault.apply(act)
        at.ask("ec2", "terminate_instances", InstanceIds=ids)
        fault.undo(act)
        assert fault.verify(act).answer is Answer.GONE


def test_an_instance_that_somebody_else_started_meanwhile_runs_on_and_is_not_marked(at: Account) -> None:
    with instances(at, 1) as (_, ids):
        [act], fault = prepared(STOP, {"ids": ids}), shelf.fault(STOP)
        fault.apply(act)
        at.ask("ec2", "start_instances", InstanceIds=ids)
        fault.undo(act)
        assert fault.verify(act).answer is Answer.RESTORED
