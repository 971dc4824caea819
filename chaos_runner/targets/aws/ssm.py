"""Systems Manager: documents, and commands that run them in instances."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chaos_runner.errors import Refused, UsageError
from chaos_runner.mark import Mark, parse
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.choosing import meant

ACTIVE: Final = ("Pending", "Delayed", "InProgress", "Cancelling")
WAITING: Final = ("Pending", "Delayed")
_LONGEST: Final = timedelta(days=2)
"""No command lasts longer (AWS, `executionTimeout`: up to 172800 s)."""
_ASKED_AT_ONCE: Final = 50


def parameters_of(at: Account, document: str, version: str) -> list[dict[str, Any]]:
    """What a document wants to be told. Raises Gone."""
    asked = {"DocumentVersion": version} if version else {}
    found: list[dict[str, Any]] = at.ask("ssm", "describe_document", Name=document, **asked)["Document"].get(
        "Parameters") or []
    return found


def check_parameters(document: str, wants: Sequence[Mapping[str, Any]], given: Mapping[str, Any]) -> None:
    """Raises UsageError for parameters that the document does not know, and for those it needs and is not given."""
    known = [str(one["Name"]) for one in wants]
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UsageError(f"the document {document} has no parameter {unknown[0]!r}{meant(unknown[0], known)}")
    missing = [str(one["Name"]) for one in wants if "DefaultValue" not in one and one["Name"] not in given]
    if missing:
        raise UsageError(f"the document {document} needs to be told {', '.join(missing)}, under `parameters`")


def check_reachable(at: Account, instances: Sequence[str]) -> None:
    """Raises Refused for instances whose agent does not answer: no command reaches them."""
    online = {one["InstanceId"] for start in range(0, len(instances), _ASKED_AT_ONCE) for one in at.every(
        "ssm", "describe_instance_information", "InstanceInformationList[]",
        Filters=[{"Key": "InstanceIds", "Values": list(instances[start:start + _ASKED_AT_ONCE])}])
        if one["PingStatus"] == "Online"}
    silent = [one for one in instances if one not in online]
    if silent:
        raise Refused(f"{', '.join(silent)}: the SSM agent does not answer there, so no command gets through (it needs "
                      "to run, a way to SSM, and the policy AmazonSSMManagedInstanceCore)")


def commands(at: Account, instance: str) -> Iterator[tuple[Mark, dict[str, Any]]]:
    """Commands of ours on an instance, as far back as one may still run, with the mark that they bear."""
    since = (datetime.now(UTC) - _LONGEST).strftime("%Y-%m-%dT%H:%M:%SZ")
    for one in at.every("ssm", "list_command_invocations", "CommandInvocations[]", InstanceId=instance,
                        Filters=[{"key": "InvokedAfter", "value": since}]):
        mark = parse(one.get("Comment", ""))
        if mark:
            yield mark, one


def worded(value: Any) -> list[str]:
    """A parameter as SSM wants it: texts, and True as the documents write it."""
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
