"""One AWS account in one region, spoken to as one identity. boto3 is imported here and nowhere else.

Credentials, profiles, regions, endpoints (`AWS_ENDPOINT_URL`) and retries are boto3's and botocore's own.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import Any, Final, NamedTuple

from msgspec import Struct

from chaos_runner.errors import ActFailed, ChaosRunnerError, Gone, Refused, UsageError
from chaos_runner.targets.choosing import meant

_ANSWER_S: Final = 10
_MAKING: Final = Lock()
_TRIES: Final = 8
"""How often what was throttled, or not answered, is asked again where AWS_MAX_ATTEMPTS says nothing: botocore waits
longer each time, up to 20 s.
"""
_GONE: Final = re.compile(r"NotFound|NoSuch|DoesNotExist|NonExist")
_FORBIDDEN: Final = re.compile(r"UnauthorizedOperation|AccessDenied|NotAuthorized|^Forbidden$")
_SIGNED_OUT: Final = re.compile(r"Expired|InvalidClientTokenId|AuthFailure|UnrecognizedClient|SignatureDoesNotMatch")
_BUSY: Final = re.compile(r"Throttl|RequestLimitExceeded|TooManyRequests|SlowDown|PriorRequestNotComplete")
_NO_POLICY: Final = re.compile(r"^(NoSuchBucketPolicy|PolicyNotFoundException)$")
_OF_AWS: Final = re.compile(r"://[^/]+\.(amazonaws\.com(\.cn)?|api\.aws|amazonaws\.[a-z.]+|c2s\.ic\.gov|sc2s\.sgov\.gov)(/|$)")
_HEEDED: Final = frozenset({
    "StopInstances", "StartInstances", "RebootInstances", "TerminateInstances", "CreateTags", "DeleteTags",
    "AttachVolume", "DetachVolume", "ModifyNetworkInterfaceAttribute", "CreateSecurityGroup"})
"""The actions with which moto heeds DryRun, too. It would do the others."""
_UNMET: Final = re.compile(r"PreconditionFailed|ConditionalCheckFailed|ConditionalRequestConflict")
_BAD_CREDENTIALS: Final = "sign in again (`aws sso login`, or new keys) and check with `aws sts get-caller-identity`"


class AwsUnreachable(ActFailed):
    """AWS did not answer in its time, or with an error of its own; what was asked for may or may not have been done."""


class Denied(Refused):
    """AWS said no, and changed nothing."""


class Forbidden(Denied):
    """This identity has no right to that."""


class NoPolicy(Gone):
    """The thing may be there; it has no policy, or no longer the one that was to be replaced."""


class SignedOut(Denied):
    """The credentials are none, or have ended."""


class Busy(Denied):
    """AWS said "not now", for as long as it was asked."""


class Unmet(Denied):
    """What a call was made on condition of is not so."""


class Way(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How to get there: as the configuration has it, where nothing is said."""

    profile: str = ""
    region: str = ""
    assume_role: str = ""

    @property
    def words(self) -> list[str]:
        """The same for the `aws` command. A role has to be assumed by the profile there."""
        return [word for key, value in (("--profile", self.profile), ("--region", self.region)) if value
                for word in (key, value)]


class Keys(NamedTuple):
    """Credentials that somebody was given outright, and AWS's own chain is not asked for. They are shown to nobody."""

    id: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return "Keys(...)"


class Account:
    """Where a way leads to. Every call may raise AwsUnreachable, Denied, and Gone for what is not there."""

    def __init__(self, way: Way, session: Any, tries: int = _TRIES) -> None:
        self.region: str = session.region_name
        self.way = Way(profile=way.profile, region=self.region, assume_role=way.assume_role)
        self._session = session
        self._tries = tries
        self._clients: dict[str, Any] = {}
        self._caller = ""

    @property
    def caller(self) -> str:
        """The ARN of who asks: of a user, or of a role's session."""
        if not self._caller:
            self._caller = str(self.ask("sts", "get_caller_identity")["Arn"])
        return self._caller

    @property
    def number(self) -> str:
        """The account's twelve digits."""
        return self.caller.split(":")[4]

    def in_partition(self, arn: str) -> str:
        """The same ARN as it is called there: in China it begins with "arn:aws-cn:"."""
        return arn.replace("arn:aws:", f"arn:{self.caller.split(':')[1]}:", 1)

    def once(self) -> "Account":
        """The same, where nothing is asked a second time."""
        return self.patient(1)

    def patient(self, tries: int) -> "Account":
        """The same, where everything is asked at most so often, however patient the configuration is."""
        return Account(self.way, self._session, min(tries, self._tries))

    def ask(self, service: str, operation: str, /, **asked: Any) -> dict[str, Any]:
        """One call, asked again while it is throttled or not answered."""
        with _understood(f"{service}.{operation}"):
            answer: dict[str, Any] = getattr(self._client(service), operation)(**asked)
        return answer

    def every(self, service: str, operation: str, key: str, /, **asked: Any) -> Iterator[Any]:
        """All that a call lists, page by page; `key` is what it is called in the answer ("Reservations[].Instances[]").
        """
        with _understood(f"{service}.{operation}"):
            yield from self._client(service).get_paginator(operation).paginate(**asked).search(key)

    def tried(self, service: str, action: str, /, **asked: Any) -> None:
        """An action ("StopInstances") that EC2 only goes through: it raises what would be against it."""
        from botocore import xform_name

        with _understood(f"{service}.{action}"):
            getattr(self._client(service), xform_name(action))(**asked, DryRun=True)

    def tries(self, service: str, action: str) -> bool:
        """Whether an action can be gone through there: what stands in for AWS may do it instead."""
        return action in _HEEDED or bool(_OF_AWS.search(self._client(service).meta.endpoint_url))

    def ends(self) -> datetime | None:
        """When the credentials end that cannot be renewed. None for those that can, or that do not say."""
        found = self._session.get_credentials()
        expires = getattr(found, "_expiry_time", None) if getattr(found, "method", "") == "env" else None
        return expires.astimezone(UTC) if expires else None

    def _client(self, service: str) -> Any:
        """Clients may be used by many threads at once, but not made by them: a session is for one at a time."""
        with _MAKING:
            if service not in self._clients:
                self._clients[service] = self._made(service)
            return self._clients[service]

    def _made(self, service: str) -> Any:
        from botocore.config import Config

        settings = Config(
            retries={"mode": "standard", "total_max_attempts": self._tries}, connect_timeout=_ANSWER_S / 2,
            read_timeout=_ANSWER_S, user_agent_extra="chaos-runner")
        return self._session.client(service, config=settings)


@cache
def account(way: Way = Way(), keys: Keys | None = None) -> Account:  # noqa: B008 -- frozen
    """Where this way leads to, with these keys if there are any. One session for each, while the process lives.

    Raises UsageError without boto3, a region, or a profile of that name.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ModuleNotFoundError as error:
        raise UsageError("AWS needs the extra: pip install 'chaos-runner[aws]'") from error
    known = _core("").available_profiles
    if way.profile and way.profile not in known:
        raise UsageError(f"AWS has no profile {way.profile!r} here{meant(way.profile, known)}")
    try:
        core = _core(way.profile)
        if keys:
            core.set_credentials(keys.id, keys.secret, keys.token or None)
        session = boto3.Session(botocore_session=_in_role(core, way) if way.assume_role else core,
                                region_name=way.region or None)
        _check_region(session)
        tries = os.environ.get("AWS_MAX_ATTEMPTS", "")
        return Account(way, session, int(tries) if tries.isdigit() else _TRIES)
    except BotoCoreError as error:
        raise UsageError(f"AWS cannot be reached as it is configured: {error}") from error


def _core(profile: str) -> Any:
    """A session of botocore as the configuration has it. All read the services' models once."""
    import botocore.session

    core = botocore.session.Session(profile=profile or None)
    core.register_component("data_loader", _models(core.get_config_variable("data_path")))
    return core


@cache
def _models(data_path: str | None) -> Any:
    """What botocore knows of the services: reading EC2's takes longer than all else that a client needs."""
    from botocore.loaders import create_loader

    return create_loader(data_path)


def way_of(text: str) -> Account:
    """Where "[PROFILE@]REGION" leads to; "" as it is configured. Raises UsageError."""
    profile, _, region = text.rpartition("@")
    return account(Way(profile=profile, region=region))


def same_account(way: Way, number: str, keys: Keys | None = None) -> Account:
    """The account an act was recorded for. Raises ActFailed when the way leads to another by now: what is not found
    there would be called gone.
    """
    try:
        found = account(way, keys)
    except UsageError as error:
        raise ActFailed(str(error)) from error
    if found.number != number:
        raise ActFailed(f"these credentials lead to account {found.number}, and the fault was injected in {number}")
    return found


def _check_region(session: Any) -> None:
    known = session.get_available_regions("ec2")
    if not session.region_name:
        raise UsageError("AWS needs a region: say `region:` in the target, or set AWS_DEFAULT_REGION")
    if session.region_name not in known and not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", session.region_name):
        raise UsageError(f"{session.region_name!r} is no region of AWS{meant(session.region_name, known)}")


def _in_role(first: Any, way: Way) -> Any:
    """A session in another role, whose credentials are renewed as long as those of the first one live."""
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    assumed = _core(way.profile)
    fetcher = AssumeRoleCredentialFetcher(first.create_client, first.get_credentials(), way.assume_role,
                                          extra_args={"RoleSessionName": "chaos-runner"})
    assumed._credentials = DeferredRefreshableCredentials(  # noqa: SLF001 -- botocore has no other way to say it
        fetcher.fetch_credentials, "assume-role")
    return assumed


@contextmanager
def _understood(asked: str) -> Iterator[None]:
    """Turns what botocore raises into our errors. A call that was only gone through is none."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        if _code(error) != "DryRunOperation":
            raise _refusal(error) from error
    except BotoCoreError as error:
        raise _trouble(error, asked) from error
    except ResponseParserError as error:
        first = str(error).partition("\n")[0]
        raise AwsUnreachable(f"what answers {asked} is not AWS, or is out of order: {first}") from error


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _refusal(error: Any) -> ChaosRunnerError:
    """What AWS answered, as one of our errors. An error of its own (5xx) says nothing about what was done."""
    code, said = _code(error), str(error.response.get("Error", {}).get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"AWS refused {error.operation_name}: {said or 'it gave no reason'} ({code})"
    if _NO_POLICY.search(code):
        return NoPolicy(text)
    if _GONE.search(code):
        return Gone(text)
    if _FORBIDDEN.search(code):
        return Forbidden(text)
    if _SIGNED_OUT.search(code):
        return SignedOut(f"{text}; {_BAD_CREDENTIALS}")
    if _UNMET.search(code):
        return Unmet(text)
    if _BUSY.search(code):
        return Busy(f"{text}; it was asked again and again")
    if status >= 500:
        return AwsUnreachable(f"AWS failed at {error.operation_name}: {said} ({code or status})")
    return Denied(text)


def _trouble(error: Any, asked: str) -> ChaosRunnerError:
    """What botocore itself found wrong, before or instead of an answer."""
    from botocore import exceptions as bo

    if isinstance(error, bo.NoCredentialsError | bo.PartialCredentialsError | bo.CredentialRetrievalError
                  | bo.TokenRetrievalError | bo.SSOTokenLoadError | bo.UnauthorizedSSOTokenError):
        return SignedOut(f"AWS credentials: {error}; {_BAD_CREDENTIALS}")
    if isinstance(error, bo.HTTPClientError | bo.ConnectionError | bo.EndpointConnectionError):
        return AwsUnreachable(f"AWS does not answer {asked} ({error}); is the region right, and the network up?")
    return Denied(f"AWS cannot be asked for {asked}: {error}")


def pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most services want them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def unpaired(tags: Any) -> dict[str, str]:
    """Tags as most services give them."""
    return {one["Key"]: one["Value"] for one in tags or ()}
