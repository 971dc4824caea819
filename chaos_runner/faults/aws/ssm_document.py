"""aws.ssm_document: runs a document of Systems Manager in instances, AWSFIS-Run-CPU-Stress say; undo cancels it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct, field

from chaos_runner.contracts import Act, Band, Evidence, Example, Grade, Seconds, Setting
from chaos_runner.errors import ActFailed, Refused, UsageError
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.mark import Mark, parse
from chaos_runner.targets.aws import ssm
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.ec2 import INSTANCE, InstanceTarget, find_instances, read_instance
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need, Permissions
from chaos_runner.targets.aws.waiting import wait

_RUNS: Final = "runs"
_DURATIONS: Final = ("DurationSeconds", "executionTimeout")
"""What documents call the seconds after which they end by themselves: AWS's for faults, and those for scripts."""
_DELIVERY_S: Final = 30
"""An agent that does not fetch the command within this time never does (the least that SSM takes)."""
_BEGIN_S: Final = 40.0
_CANCEL_S: Final = 90.0


class SsmDocumentArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """Which document, and what it is told, by its own names: {LoadPercent: 80}.

    `duration-parameter` is the one that says in seconds how long it lasts, for documents that call it otherwise than
    DurationSeconds or executionTimeout. It is set by us, to `lasts` at most, and never beyond the run's longest end.
    """

    document: str
    parameters: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    duration_parameter: str = ""
    lasts: Seconds | None = None


class SsmDocument(ChangeFault[InstanceTarget, SsmDocumentArguments]):
    """Runs a document of Systems Manager in instances whose agent answers: AWS has some for latency, loss, CPU, memory,
    disk and processes (AWSFIS-Run-…).

    It ends by itself when no run can still hold it, also when nobody is left to cancel it. What it leaves behind when
    it is cancelled is the document's own matter: those of AWS clean up. What it does at once (a process that it ends)
    is not undone. That it runs is what its agent says: it is reported, not proven.
    """

    target = InstanceTarget
    arguments = SsmDocumentArguments
    band = Band(word="runs")
    kind = INSTANCE
    undone_by = "the command is cancelled, and waited for"
    needs = "an AWS account, and instances whose SSM agent answers"
    undo_s = _CANCEL_S + 20.0
    permissions = Permissions(
        look=(Need("ec2:DescribeInstances", on="*"), Need("ssm:DescribeInstanceInformation", on="*"),
              Need("ssm:DescribeDocument", on="*"), Need("ssm:ListCommandInvocations", on="*")),
        do=(Need("ssm:SendCommand"), Need("ssm:SendCommand", on="arn:aws:ssm:*:*:document/*")),
        undo=(Need("ssm:CancelCommand", on="*"),))
    example = Example(target={"tags": {"tier": "web"}, "count": 1},
                      arguments={"document": "AWSFIS-Run-CPU-Stress", "parameters": {"LoadPercent": 80}})

    def wanted(self, target: InstanceTarget, arguments: SsmDocumentArguments, setting: Setting) -> list[Wanted]:
        found = find_instances(target, setting.seed, ("running",))
        how = _how(found.at, arguments)
        ssm.check_reachable(found.at, [one.thing for one in found.things])
        return [Wanted.of(found, one, {_RUNS: True}, how) for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        read_instance(at, thing)
        return {_RUNS: bool(_active(at, thing))}

    def write(self, order: Order) -> None:
        if order.values[_RUNS]:
            _send(order)
        else:
            _cancel(order.at, order.thing)

    def touches(self, values: Values) -> bool:
        return values.keys() == {_RUNS} and isinstance(values[_RUNS], bool)

    def evidence(self, ref: Ref, values: Values, was: Values) -> Evidence:  # noqa: ARG002
        at = ref.at()
        mark = self.kind.tagging.read(at, ref.thing).get(RUN, "")
        found = [one for its, one in ssm.commands(at, ref.thing) if str(its) == mark]
        if not found:
            raise ActFailed(f"{ref.label}: SSM does not know the command that it has taken")
        said = f"command {found[0]['CommandId']} is {found[0].get('StatusDetails') or found[0]['Status']}"
        if found[0]["Status"] not in (*ssm.ACTIVE, "Success"):
            raise ActFailed(f"{ref.label}: {said}")
        return Evidence(grade=Grade.REPORTED, after=said)

    def by_hand(self, act: Act) -> str:
        ref = ref_of(act)
        query = f"CommandInvocations[?Comment=='{act.do.get('mark')}'].CommandId"
        found = ref.command("ssm", "list-command-invocations", "--instance-id", ref.thing, "--output", "text",
                            "--query", query)
        return ref.command("ssm", "cancel-command", "--instance-ids", ref.thing) + f' --command-id "$({found})"'


def _how(at: Account, arguments: SsmDocumentArguments) -> dict[str, Any]:
    """What sending it takes, as it is recorded. Raises UsageError, and Refused for what nothing would ever end."""
    wants = ssm.parameters_of(at, arguments.document, arguments.version)
    known = [str(one["Name"]) for one in wants]
    duration = arguments.duration_parameter or next((name for name in _DURATIONS if name in known), "")
    if not duration:
        raise Refused(f"nothing would end {arguments.document} if nobody could cancel it: none of its parameters is "
                      f"{' or '.join(_DURATIONS)}; say which one is, in seconds, as `duration-parameter`")
    if duration in arguments.parameters:
        raise UsageError(f"{duration} is set by chaos-runner, so that it never outlives the run: say `lasts: 60s`")
    ssm.check_parameters(arguments.document, wants, {**arguments.parameters, duration: ""})
    more = {"version": arguments.version} if arguments.version else {}
    return {"document": arguments.document, "duration": duration, **more,
            **({"lasts_s": arguments.lasts} if arguments.lasts else {}),
            "parameters": {key: ssm.worded(value) for key, value in arguments.parameters.items()}}


def _send(order: Order) -> None:
    """Sends the command, unless it was sent before, and waits until its agent has begun."""
    at, mark = order.at, parse(order.signs[RUN])
    assert mark is not None  # noqa: S101 -- the base has just written it
    if not _found(at, order.thing, mark):
        how = order.how
        asked = {"DocumentVersion": how["version"]} if "version" in how else {}
        at.ask("ssm", "send_command", DocumentName=how["document"], InstanceIds=[order.thing], Comment=str(mark),
               TimeoutSeconds=_DELIVERY_S, Parameters=_parameters(how, mark), **asked)
    wait(lambda: any(one["Status"] not in ssm.WAITING for one in _found(at, order.thing, mark)),
         f"the agent of {order.thing} has not begun the command", _BEGIN_S)


def _parameters(how: Mapping[str, Any], mark: Mark) -> dict[str, list[str]]:
    left_s = int((mark.ends - datetime.now(UTC)).total_seconds())
    if left_s < 1:
        raise Refused("the run is past its longest end")
    return {**how["parameters"], how["duration"]: [str(min(left_s, int(how.get("lasts_s", left_s))))]}


def _found(at: Account, instance: str, mark: Mark) -> list[dict[str, Any]]:
    return [one for its, one in ssm.commands(at, instance) if its == mark]


def _active(at: Account, instance: str) -> Sequence[dict[str, Any]]:
    return [one for _, one in ssm.commands(at, instance) if one["Status"] in ssm.ACTIVE]


def _cancel(at: Account, instance: str) -> None:
    for one in _active(at, instance):
        if one["Status"] != "Cancelling":
            at.ask("ssm", "cancel_command", CommandId=one["CommandId"], InstanceIds=[instance])
    wait(lambda: not _active(at, instance), f"the command on {instance} is still being cancelled", _CANCEL_S)
