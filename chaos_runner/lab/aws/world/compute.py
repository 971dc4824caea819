"""The machines: web servers that an Auto Scaling group keeps behind a load balancer, and app servers on their own."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from chaos_runner.lab.aws.world.network import Ground, tagged
from chaos_runner.targets.aws.access import Account, pairs

WEB: Final = "shop-web"
IMAGE: Final = "ami-0123456789abcdef0"
"""Any will do: nothing runs. To look one up takes moto seconds."""
_HALF_A_DAY: Final = 144
_SENT_AT_ONCE: Final = 500


def make(at: Account, ground: Ground) -> None:
    """Makes it all."""
    balanced = _balanced(at, ground, WEB, "public")
    at.ask("ec2", "create_launch_template", LaunchTemplateName=WEB, LaunchTemplateData={
        "ImageId": IMAGE, "InstanceType": "t3.micro", "SecurityGroupIds": [ground.groups["public"]]})
    at.ask("autoscaling", "create_auto_scaling_group", AutoScalingGroupName=WEB, MinSize=0, MaxSize=6,
           DesiredCapacity=0, LaunchTemplate={"LaunchTemplateName": WEB, "Version": "$Latest"},
           TargetGroupARNs=[balanced], VPCZoneIdentifier=",".join(ground.subnets["public"]), HealthCheckType="ELB",
           HealthCheckGracePeriod=60, Tags=[{**one, "PropagateAtLaunch": True} for one in pairs({"shop": "web"})])
    _spread(at, ground.subnets["public"])
    for subnet in ground.subnets["app"]:
        at.ask("ec2", "run_instances", ImageId=IMAGE, MinCount=1, MaxCount=1, InstanceType="t3.small",
               NetworkInterfaces=[{"DeviceIndex": 0, "SubnetId": subnet, "Groups": [ground.groups["app"]]}],
               TagSpecifications=tagged("instance", "app"))
    apps = [str(one) for one in at.every("ec2", "describe_instances", "Reservations[].Instances[].InstanceId",
                                         Filters=[{"Name": "tag:shop", "Values": ["app"]}])]
    at.ask("elbv2", "register_targets", TargetGroupArn=_balanced(at, ground, "shop-app", "app"),
           Targets=[{"Id": one} for one in apps])
    _work(at, apps)


def _spread(at: Account, subnets: Sequence[str]) -> None:
    """One web server for each zone, as AWS itself would do: moto launches all that it needs in the first subnet."""
    for number, subnet in enumerate(subnets, 1):
        at.ask("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=WEB, VPCZoneIdentifier=subnet,
               DesiredCapacity=number)
    at.ask("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=WEB, MinSize=2,
           VPCZoneIdentifier=",".join(subnets))


def _work(at: Account, apps: Sequence[str]) -> None:
    """How busy they are, told beforehand for half a day: nobody measures it here."""
    began = datetime.now(UTC) - timedelta(minutes=30)
    who = [("AutoScalingGroupName", WEB, 46.0), *(("InstanceId", app, 38.0) for app in apps)]
    said: list[dict[str, Any]] = [
        {"MetricName": "CPUUtilization", "Dimensions": [{"Name": name, "Value": value}], "Unit": "Percent",
         "Value": percent, "Timestamp": began + timedelta(minutes=5 * number)}
        for name, value, percent in who for number in range(_HALF_A_DAY)]
    for start in range(0, len(said), _SENT_AT_ONCE):
        at.ask("cloudwatch", "put_metric_data", Namespace="AWS/EC2", MetricData=said[start:start + _SENT_AT_ONCE])


def _balanced(at: Account, ground: Ground, name: str, tier: str) -> str:
    """A load balancer of that name, and its target group."""
    made = at.ask("elbv2", "create_load_balancer", Name=name, Subnets=ground.subnets[tier],
                  SecurityGroups=[ground.groups[tier]], Tags=pairs({"shop": tier}),
                  Scheme="internet-facing" if tier == "public" else "internal")
    group = str(at.ask("elbv2", "create_target_group", Name=name, Protocol="HTTP", Port=8080, VpcId=ground.vpc,
                       TargetType="instance", Tags=pairs({"shop": tier}))["TargetGroups"][0]["TargetGroupArn"])
    at.ask("elbv2", "create_listener", LoadBalancerArn=made["LoadBalancers"][0]["LoadBalancerArn"], Protocol="HTTP",
           Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}], Tags=pairs({"shop": tier}))
    return group
