"""Network ACLs that let nothing through, listeners that answer by themselves, health checks that say the opposite."""

from collections.abc import Iterator
from typing import Any, Final

from chaos_runner.errors import Gone
from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.left.whose import command, is_ours, tool_of
from chaos_runner.targets.leftover import Leftover

_FAILED: Final = "5"


def closed(at: Account) -> Iterator[Leftover]:
    """Network ACLs of subnets that allow nothing in one direction at least."""
    for acl in at.every("ec2", "describe_network_acls", "NetworkAcls[]"):
        tags, shut = unpaired(acl.get("Tags")), _shut(acl)
        if shut and not is_ours(tags):
            yield from (_of_acl(at, one, tags, shut) for one in acl.get("Associations") or ())


def _of_acl(at: Account, held: dict[str, str], tags: dict[str, str], shut: list[str]) -> Leftover:
    """Steadybit writes down which one the subnet had."""
    subnet = held["SubnetId"]
    former = next((acl for key, acl in tags.items() if key.endswith(subnet)), "THE-FORMER-ONE")
    return Leftover(
        code="closed-acl", what=f"network ACL {held['NetworkAclId']} of {subnet}",
        says=f"lets nothing {' and nothing '.join(shut)}", whose=tool_of(tags),
        undo=command(at, "ec2", "replace-network-acl-association", "--association-id",
                     held["NetworkAclAssociationId"], "--network-acl-id", former),
        first="the subnet is not meant to be shut, and that is the ACL that it had")


def _shut(acl: dict[str, Any]) -> list[str]:
    return [word for egress, word in ((False, "in"), (True, "out"))
            if not any(one["RuleAction"] == "allow" and one["Egress"] is egress for one in acl["Entries"])]


def answering(at: Account) -> Iterator[Leftover]:
    """Listeners whose default is an error of their own."""
    for balancer in at.every("elbv2", "describe_load_balancers", "LoadBalancers[]"):
        arn = balancer["LoadBalancerArn"]
        for listener in at.every("elbv2", "describe_listeners", "Listeners[]", LoadBalancerArn=arn):
            codes = [one["FixedResponseConfig"]["StatusCode"] for one in listener["DefaultActions"]
                     if one["Type"] == "fixed-response"]
            failing = next((code for code in codes if code.startswith(_FAILED)), "")
            if failing and not is_ours(_tags(at, listener["ListenerArn"])):
                yield Leftover(
                    code="fixed-response", what=f"listener {listener['ListenerArn']}",
                    says=f"answers {failing} to all that no rule of its takes",
                    undo=command(at, "elbv2", "modify-listener", "--listener-arn", listener["ListenerArn"],
                                 "--default-actions", "Type=forward,TargetGroupArn=ITS-TARGET-GROUP"),
                    whose=tool_of(_tags(at, listener["ListenerArn"])), first="that is not how it is meant to be")


def _tags(at: Account, arn: str) -> dict[str, str]:
    found = at.ask("elbv2", "describe_tags", ResourceArns=[arn])["TagDescriptions"]
    return unpaired(found[0]["Tags"]) if found else {}


def inverted(at: Account) -> Iterator[Leftover]:
    """Health checks that call the well ill, and those that are switched off."""
    for check in at.every("route53", "list_health_checks", "HealthChecks[]"):
        config = check["HealthCheckConfig"]
        said = [word for key, word in (("Inverted", "inverted"), ("Disabled", "disabled")) if config.get(key)]
        tags = _tags_of_check(at, check["Id"]) if said else {}
        if said and not is_ours(tags):
            yield Leftover(
                code="health-check", what=f"health check {check['Id']}", says=f"is {' and '.join(said)}",
                undo=command(at, "route53", "update-health-check", "--health-check-id", check["Id"],
                             *(f"--no-{word}" for word in said)),
                whose=tool_of(tags), first="nobody has set it so on purpose")


def _tags_of_check(at: Account, check: str) -> dict[str, str]:
    try:
        said = at.ask("route53", "list_tags_for_resource", ResourceType="healthcheck", ResourceId=check)
    except Gone:
        return {}
    return unpaired(said["ResourceTagSet"]["Tags"])
