"""aws.instance_reboot: reboots EC2 instances; they come up again by themselves."""

from datetime import datetime

from chaos_runner.contracts import Act, Answer, Band, Evidence, Example, Grade, NoArguments, Restored
from chaos_runner.errors import Gone
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.faults.aws._instances import LOOK, RUNNING, InstanceHit
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Thing
from chaos_runner.targets.aws.ec2 import read_instance
from chaos_runner.targets.aws.rights import Need, Permissions


class InstanceReboot(InstanceHit[NoArguments]):
    """Reboots running instances: AWS asks the system in them to, and cuts their power after four minutes if it does
    not. Addresses and volumes stay.

    AWS says "running" all the while, so that it rebooted is reported, not proven: what answers on it tells more.
    """

    band = Band(word="rebooted")
    healed_by = "the system in them, which boots again"
    permissions = Permissions(look=(*LOOK, Need("ec2:DescribeInstanceStatus", on="*")),
                              do=(Need("ec2:RebootInstances", {"InstanceIds": ["{thing}"]}),))
    example = Example(target={"tags": {"tier": "web"}, "count": 1})

    def check(self, at: Account, one: Thing, arguments: NoArguments) -> None:
        """Whatever runs can be rebooted."""

    def hit(self, at: Account, thing: str) -> Evidence:
        at.ask("ec2", "reboot_instances", InstanceIds=[thing])
        return Evidence(grade=Grade.REPORTED, before=RUNNING, after="AWS has taken the request to reboot it")

    def verify(self, act: Act) -> Restored:
        ref = ref_of(act)
        try:
            state = read_instance(ref.at(), ref.thing)["State"]["Name"]
        except Gone as gone:
            return Restored(answer=Answer.GONE, diff=str(gone))
        if state == RUNNING:
            return Restored(answer=Answer.RESTORED)
        return Restored(answer=Answer.DRIFT, diff=f"{ref.label} is {state}: somebody stopped it")

    def aftermath(self, act: Act, since: datetime) -> list[str]:  # noqa: ARG002
        ref = ref_of(act)
        found = ref.at().ask("ec2", "describe_instance_status", InstanceIds=[ref.thing], IncludeAllInstances=True)
        return [f"{ref.label} is {one['InstanceState']['Name']}; status checks: system "
                f"{one['SystemStatus']['Status']}, instance {one['InstanceStatus']['Status']}"
                for one in found["InstanceStatuses"]]
