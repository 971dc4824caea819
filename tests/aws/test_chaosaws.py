"""What chaostoolkit-aws did is brought back, though its author wrote no way back."""

import io
import json
import signal
import time
import zipfile
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec import Struct

from chaos_runner.contracts import Act, Answer
from chaos_runner.errors import NoTarget, Refused
from chaos_runner.experiment.model import KnownUndo
from chaos_runner.inverses import Asked, Call, Looking, looking
from chaos_runner.inverses.chaosaws import INVERSES, _containers
from chaos_runner.lab.aws.world.compute import IMAGE
from chaos_runner.mark import Mark
from chaos_runner.targets.aws.access import Account, Way, account, pairs
from tests.aws.labs import opened
from tests.cli.runner import journal, run
from tests.cli.runner import running as running_
from tests.crash.aws.picturing import normalised
from tests.inverses.servers import eventually
from tests.run.samples import action, experiment, single

pytestmark = [pytest.mark.usefixtures("aws"),
              pytest.mark.skipif(find_spec("chaosaws") is None, reason="chaostoolkit-aws is not installed")]
MARK = Mark(run="01TEST", number=0, expires="20991121T000000Z")
UNTRACKED = {
    "asg": [], "awslambda": ["delete_event_source_mapping", "invoke_function"], "cloudwatch": ["put_metric_data"],
    "ec2": ["stop_instances_by_incremental_steps"], "ecs": ["delete_cluster", "delete_service",
                                                            "deregister_container_instance"],
    "eks": ["create_cluster", "delete_cluster"], "elasticache": ["delete_cache_clusters", "delete_replication_groups"],
    "elbv2": ["delete_load_balancer"], "emr": ["modify_instance_groups_shrink_policy"],
    "fis": ["restore_availability_zone_power_after_interruption", "start_availability_zone_power_interruption_scenario",
            "start_stress_pod_delete_scenario", "stop_experiment", "stop_experiments_by_tags"],
    "msk": ["delete_cluster"], "rds": ["delete_db_cluster", "delete_db_cluster_endpoint", "delete_db_instance"],
    "ssm": ["create_document", "delete_document", "put_parameter", "send_command"],
}


def known(path: str) -> Looking:
    return looking(KnownUndo(action=f"chaosaws.{path}"))


def seen(path: str, given: Mapping[str, Any], earlier: list[Act] | None = None) -> list[Act]:
    asked = Asked(call=Call(arguments=given, access={}), mark=MARK, earlier=earlier or [])
    return known(path).look(asked)


def call(path: str, given: Mapping[str, Any]) -> Any:
    module, _, func = path.rpartition(".")
    return getattr(import_module(f"chaosaws.{module}"), func)(**given)


def undo(path: str, acts: list[Act]) -> set[Answer]:
    """Undone twice, newest first, as a run does that dies in between."""
    for _ in range(2):
        for act in reversed(acts):
            known(path).undo(act, {})
    return verify(path, acts)


def verify(path: str, acts: list[Act]) -> set[Answer]:
    return {known(path).verify(act, {}).answer for act in acts}


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────────

def test_every_action_of_the_package_is_in_the_table_or_known_to_have_no_way_back() -> None:
    discovered = import_module("chaosaws").load_exported_activities()
    actions = {f"{each['mod']}.{each['name']}" for each in discovered if each["type"] == "action"}
    untracked = {f"chaosaws.{service}.actions.{name}" for service, names in UNTRACKED.items() for name in names}
    assert actions - set(INVERSES) == untracked
    module_of = {path: path.rpartition(".") for path in INVERSES}
    assert all(callable(getattr(import_module(module), func)) for module, _, func in module_of.values())


# ── things to act on ────────────────────────────────────────────────────────────────────────────────────────────────

class Thing(Struct, frozen=True):
    """What the action is given, what there is to be seen of it, and who is called the same in tests."""

    given: dict[str, Any]
    picture: Callable[[], Any]
    names: tuple[str, ...] = ()


def unique(word: str = "inverse") -> str:
    return f"{word}-{uuid4().hex[:8]}"


def instances(at: Account, count: int = 1, **more: Any) -> list[str]:
    made = at.ask("ec2", "run_instances", ImageId=IMAGE, MinCount=count, MaxCount=count,
                  NetworkInterfaces=[{"DeviceIndex": 0, "AssociatePublicIpAddress": False}],
                  TagSpecifications=[{"ResourceType": "instance", "Tags": pairs({"inverse": unique()})}], **more)
    return [one["InstanceId"] for one in made["Instances"]]


def of_instances(at: Account, ids: list[str]) -> Callable[[], Any]:
    return lambda: normalised(at.ask("ec2", "describe_instances", InstanceIds=ids))


def running(at: Account) -> Thing:
    ids = instances(at, 2)
    return Thing({"instance_ids": ids}, of_instances(at, ids))


def one_running(at: Account) -> Thing:
    [one] = instances(at)
    return Thing({"instance_id": one, "force": True}, of_instances(at, [one]))


def any_running(at: Account) -> Thing:
    ids = instances(at, 2)
    return Thing({"filters": [{"Name": "instance-id", "Values": ids}], "az": f"{at.region}a"}, of_instances(at, ids))


def standing(at: Account) -> Thing:
    ids = instances(at, 2)
    at.ask("ec2", "stop_instances", InstanceIds=ids)
    return Thing({"instance_ids": ids}, of_instances(at, ids))


def taggable(at: Account) -> Thing:
    ids = instances(at)
    return Thing({"tags": "chaos=on,inverse=other", "filters": [{"Name": "instance-id", "Values": ids}]},
                 of_instances(at, ids))


def tagged(at: Account) -> Thing:
    ids, word = instances(at), unique()
    at.ask("ec2", "create_tags", Resources=ids, Tags=pairs({"chaos": word}))
    return Thing({"tags": [{"Key": "chaos", "Value": word}]}, of_instances(at, ids))


def with_volume(at: Account) -> Thing:
    [one] = instances(at)
    zone = at.ask("ec2", "describe_instances", InstanceIds=[one])["Reservations"][0]["Instances"][0]["Placement"]
    volume = at.ask("ec2", "create_volume", AvailabilityZone=zone["AvailabilityZone"], Size=1)["VolumeId"]
    at.ask("ec2", "attach_volume", InstanceId=one, VolumeId=volume, Device="/dev/sdf")
    return Thing({"instance_ids": [one]},
                 lambda: normalised([at.ask("ec2", "describe_volumes", VolumeIds=[volume]), of_instances(at, [one])()]))


def open_group(at: Account) -> Thing:
    group = at.ask("ec2", "create_security_group", GroupName=unique(), Description="inverse")["GroupId"]
    at.ask("ec2", "authorize_security_group_ingress", GroupId=group, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
         "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "within"}]}])
    return Thing({"requested_security_group_id": group, "ip_protocol": "tcp", "from_port": 443, "to_port": 443,
                  "cidr_ip": "10.0.0.0/8"},
                 lambda: normalised(at.ask("ec2", "describe_security_groups", GroupIds=[group])))


def other_port(at: Account) -> Thing:
    found = open_group(at)
    return Thing({**found.given, "from_port": 80, "to_port": 90}, found.picture)


def scaling(at: Account, **more: Any) -> Thing:
    name = unique()
    subnets = at.ask("ec2", "describe_subnets", Filters=[{"Name": "tag:shop", "Values": ["app"]}])["Subnets"]
    at.ask("ec2", "create_launch_template", LaunchTemplateName=name,
           LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.micro"})
    at.ask("autoscaling", "create_auto_scaling_group", AutoScalingGroupName=name, MinSize=0, MaxSize=3,
           DesiredCapacity=2, LaunchTemplate={"LaunchTemplateName": name, "Version": "$Latest"},
           VPCZoneIdentifier=",".join(sorted(one["SubnetId"] for one in subnets)), Tags=[
               {"Key": "inverse", "Value": name, "PropagateAtLaunch": False}])
    return Thing({"asg_names": [name], **more}, lambda: group_of(at, name), (name, *(
        one["SubnetId"] for one in subnets)))


def group_of(at: Account, name: str) -> Any:
    [found] = at.ask("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])["AutoScalingGroups"]
    found["Instances"] = sorted(one["InstanceId"] for one in found["Instances"])
    found["SuspendedProcesses"] = sorted(one["ProcessName"] for one in found["SuspendedProcesses"])
    return normalised(found)


def suspending(at: Account) -> Thing:
    found = scaling(at, process_names=["Launch", "Terminate"])
    at.ask("autoscaling", "suspend_processes", AutoScalingGroupName=found.names[0], ScalingProcesses=["Launch"])
    return found


def resuming(at: Account) -> Thing:
    found = scaling(at)
    at.ask("autoscaling", "suspend_processes", AutoScalingGroupName=found.names[0], ScalingProcesses=["Launch"])
    return Thing({"tags": [{"Key": "inverse", "Value": found.names[0]}]}, found.picture)


def moving(at: Account) -> Thing:
    found = scaling(at)
    return Thing({**found.given, "subnets": [found.names[1]]}, found.picture)


def shrinking(at: Account) -> Thing:
    return scaling(at, instance_count=1, decrement_capacity=True)


def function(at: Account, **more: Any) -> Thing:
    name = unique()
    role = {"Version": "2012-10-17", "Statement": []}
    arn = at.ask("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps(role))["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def handle(event, context): return 1")
    at.ask("lambda", "create_function", FunctionName=name, Runtime="python3.12", Role=arn, Handler="main.handle",
           Code={"ZipFile": code.getvalue()}, Environment={"Variables": {"DB_PASSWORD": "sesame-open"}})
    return Thing({"function_name": name, **more}, lambda: function_of(at, name), (name,))


def function_of(at: Account, name: str) -> Any:
    found = at.ask("lambda", "get_function", FunctionName=name)
    changing = ("RevisionId", "LastModified", "LastUpdateStatus")
    found["Configuration"] = {key: value for key, value in found["Configuration"].items() if key not in changing}
    return normalised([found, at.ask("lambda", "get_function_concurrency", FunctionName=name)])


def throttled(at: Account) -> Thing:
    return function(at, concurrent_executions=0)


def throttled_more(at: Account) -> Thing:
    found = throttled(at)
    at.ask("lambda", "put_function_concurrency", FunctionName=found.names[0], ReservedConcurrentExecutions=7)
    return found


def reserved(at: Account) -> Thing:
    found = function(at)
    at.ask("lambda", "put_function_concurrency", FunctionName=found.names[0], ReservedConcurrentExecutions=7)
    return found


def layered(at: Account) -> Thing:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("more.py", "")
    arn = at.ask("lambda", "publish_layer_version", LayerName=unique(),
                 Content={"ZipFile": code.getvalue()})["LayerVersionArn"]
    return function(at, layer=arn)


def with_layer(at: Account) -> Thing:
    found = layered(at)
    at.ask("lambda", "update_function_configuration", FunctionName=found.names[0], Layers=[found.given["layer"]])
    return found


def slow(at: Account) -> Thing:
    found = layered(at)
    call("awslambda.actions.add_latency", found.given)
    return found


def feeding(at: Account) -> Thing:
    queue = at.ask("sqs", "create_queue", QueueName=unique())["QueueUrl"]
    arn = at.ask("sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    made = at.ask("lambda", "create_event_source_mapping", EventSourceArn=arn, FunctionName=function(at).names[0])
    return Thing({"event_uuid": made["UUID"], "enabled": False},
                 lambda: normalised(at.ask("lambda", "get_event_source_mapping", UUID=made["UUID"])))


def rule(at: Account, **more: Any) -> Thing:
    name = unique()
    at.ask("events", "put_rule", Name=name, ScheduleExpression="rate(5 minutes)", Description="every now and then")
    at.ask("events", "put_targets", Rule=name, Targets=[{"Id": "one", "Arn": f"arn:aws:sqs:{at.region}:1:one"}])
    return Thing({"rule_name": name, **more}, lambda: rule_of(at, name), (name,))


def rule_of(at: Account, name: str) -> Any:
    there = at.ask("events", "list_rules", NamePrefix=name)
    return normalised([there, at.ask("events", "list_targets_by_rule", Rule=name)] if there["Rules"] else [])


def disabled(at: Account) -> Thing:
    found = rule(at)
    at.ask("events", "disable_rule", Name=found.names[0])
    return found


def said_anew(at: Account) -> Thing:
    return rule(at, event_pattern='{"source": ["shop"]}')


def new_rule(at: Account) -> Thing:
    name = unique()
    return Thing({"rule_name": name, "schedule_expression": "rate(1 hour)"},
                 lambda: normalised(at.ask("events", "list_rules", NamePrefix=name)))


def forced(at: Account) -> Thing:
    return rule(at, force=True)


def targeted(at: Account) -> Thing:
    return rule(at, targets=[{"Id": "one", "Arn": f"arn:aws:sqs:{at.region}:1:other"},
                             {"Id": "two", "Arn": f"arn:aws:sqs:{at.region}:1:two"}])


def serving(at: Account, **more: Any) -> Thing:
    cluster, service, task = unique(), unique(), unique()
    at.ask("ecs", "create_cluster", clusterName=cluster)
    at.ask("ecs", "register_task_definition", family=task, containerDefinitions=[
        {"name": "web", "image": "web", "memory": 64}])
    arn = at.ask("ecs", "create_service", cluster=cluster, serviceName=service, taskDefinition=task, desiredCount=2,
                 deploymentConfiguration={"maximumPercent": 150, "minimumHealthyPercent": 50},
                 placementStrategy=[{"type": "spread", "field": "instanceId"}])["service"]["serviceArn"]
    return Thing({"cluster": cluster, "service": service, **more}, lambda: service_of(at, cluster, service), (arn,))


def service_of(at: Account, cluster: str, service: str) -> Any:
    """Without what tells what was done to it, and its tasks, which come by and by. moto forgets its first strategy."""
    [found] = at.ask("ecs", "describe_services", cluster=cluster, services=[service], include=["TAGS"])["services"]
    others = ("deployments", "events", "taskSets", "pendingCount", "runningCount")
    return normalised({"placementStrategy": [], **{key: value for key, value in found.items() if key not in others}})


def scaled_down(at: Account) -> Thing:
    return serving(at, desired_count=0)


def placing(at: Account) -> Thing:
    return serving(at, placement_type="random")


def service_tagged(at: Account) -> Thing:
    found = serving(at)
    return Thing({"resource_arn": found.names[0], "tags": [{"key": "chaos", "value": "on"}]}, found.picture)


def service_untagged(at: Account) -> Thing:
    found = serving(at)
    at.ask("ecs", "tag_resource", resourceArn=found.names[0], tags=[{"key": "chaos", "value": "on"}])
    return Thing({"resource_arn": found.names[0], "tag_keys": ["chaos"]}, found.picture)


def balancing(at: Account) -> Thing:
    vpc = at.ask("ec2", "describe_vpcs", Filters=[{"Name": "tag:shop", "Values": ["network"]}])["Vpcs"][0]["VpcId"]
    name = unique()
    group = at.ask("elbv2", "create_target_group", Name=name, Protocol="HTTP", Port=8080, VpcId=vpc,
                   TargetType="instance")["TargetGroups"][0]["TargetGroupArn"]
    at.ask("elbv2", "register_targets", TargetGroupArn=group, Targets=[{"Id": one} for one in instances(at, 2)])
    return Thing({"tg_name": name}, lambda: normalised(sorted(
        one["Target"]["Id"] for one in at.ask("elbv2", "describe_target_health",
                                              TargetGroupArn=group)["TargetHealthDescriptions"])))


def balancer(at: Account) -> Thing:
    subnets = [one["SubnetId"] for one in at.ask("ec2", "describe_subnets", Filters=[
        {"Name": "tag:shop", "Values": ["app"]}])["Subnets"]]
    groups = [one["GroupId"] for one in at.ask("ec2", "describe_security_groups", Filters=[
        {"Name": "tag:shop", "Values": ["app", "data"]}])["SecurityGroups"]]
    name = unique()
    arn = at.ask("elbv2", "create_load_balancer", Name=name, Subnets=subnets[:2], SecurityGroups=groups[:1],
                 Scheme="internal")["LoadBalancers"][0]["LoadBalancerArn"]
    return Thing({"load_balancer_names": [name]}, lambda: balancer_of(at, arn), (arn, *groups, *subnets))


def balancer_of(at: Account, arn: str) -> Any:
    [found] = at.ask("elbv2", "describe_load_balancers", LoadBalancerArns=[arn])["LoadBalancers"]
    found["AvailabilityZones"].sort(key=lambda one: one["SubnetId"])
    attributes = at.ask("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=arn)["Attributes"]
    return normalised([found, {one["Key"]: one["Value"] for one in attributes if one["Value"]}])


def regrouped(at: Account) -> Thing:
    found = balancer(at)
    return Thing({**found.given, "security_group_ids": [found.names[2]]}, found.picture)


def resettled(at: Account) -> Thing:
    found = balancer(at)
    return Thing({**found.given, "subnet_ids": list(found.names[-2:])}, found.picture)


def logged(at: Account) -> Thing:
    found, bucket = balancer(at), unique()
    at.ask("s3", "create_bucket", Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": at.region})
    policy = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:PutObject",
                             "Resource": f"arn:aws:s3:::{bucket}/*"}], "Version": "2012-10-17"}
    at.ask("s3", "put_bucket_policy", Bucket=bucket, Policy=json.dumps(policy))
    return Thing({"load_balancer_arn": found.names[0], "enable": True, "bucket_name": bucket}, found.picture)


def database(at: Account) -> Thing:
    name = unique()
    at.ask("rds", "create_db_instance", DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="postgres",
           MasterUsername="shop", MasterUserPassword="sesame-open", AllocatedStorage=20)
    return Thing({"db_instance_identifier": name},
                 lambda: normalised(at.ask("rds", "describe_db_instances", DBInstanceIdentifier=name)))


def databases(at: Account) -> Thing:
    name = unique()
    at.ask("rds", "create_db_cluster", DBClusterIdentifier=name, Engine="aurora-postgresql", MasterUsername="shop",
           MasterUserPassword="sesame-open")
    for word in ("one", "two"):
        at.ask("rds", "create_db_instance", DBInstanceIdentifier=f"{name}-{word}", DBInstanceClass="db.r5.large",
               Engine="aurora-postgresql", DBClusterIdentifier=name)
    return Thing({"db_cluster_identifier": name},
                 lambda: normalised(at.ask("rds", "describe_db_clusters", DBClusterIdentifier=name)), (name,))


def failing_over(at: Account) -> Thing:
    found = databases(at)
    return Thing({**found.given, "target_db_instance_identifier": f"{found.names[0]}-two"}, found.picture)


def role(at: Account) -> tuple[str, str]:
    name, said = unique(), {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    at.ask("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps({**said, "Statement": []}))
    return name, at.ask("iam", "create_policy", PolicyName=name, PolicyDocument=json.dumps(said))["Policy"]["Arn"]


def to_attach(at: Account) -> Thing:
    name, arn = role(at)
    return Thing({"role_name": name, "arn": arn},
                 lambda: normalised(at.ask("iam", "list_attached_role_policies", RoleName=name)))


def to_detach(at: Account) -> Thing:
    found = to_attach(at)
    at.ask("iam", "attach_role_policy", RoleName=found.given["role_name"], PolicyArn=found.given["arn"])
    return found


def new_policy(at: Account) -> Thing:
    name, said = unique(), {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    return Thing({"name": name, "policy": said}, lambda: [
        one for one in at.every("iam", "list_policies", "Policies[].PolicyName", Scope="Local") if one == name])


def zone(at: Account) -> Thing:
    first, second = (at.ask("ec2", "create_vpc", CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"] for _ in range(2))
    found = at.ask("route53", "create_hosted_zone", Name="inverse.example.", CallerReference=unique(),
                   VPC={"VPCRegion": at.region, "VPCId": first}, HostedZoneConfig={"PrivateZone": True})
    number = found["HostedZone"]["Id"]
    return Thing({"zone_id": number, "vpc_id": second, "vpc_region": at.region},
                 lambda: normalised(at.ask("route53", "get_hosted_zone", Id=number)["VPCs"]))


def two_zones(at: Account) -> Thing:
    found = zone(at)
    at.ask("route53", "associate_vpc_with_hosted_zone", HostedZoneId=found.given["zone_id"],
           VPC={"VPCRegion": at.region, "VPCId": found.given["vpc_id"]})
    return Thing(found.given, lambda: sorted(found.picture(), key=str))


def bucket(at: Account) -> Thing:
    name = unique()
    at.ask("s3", "create_bucket", Bucket=name, CreateBucketConfiguration={"LocationConstraint": at.region})
    at.ask("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return Thing({"bucket_name": name}, lambda: normalised(at.ask("s3", "get_bucket_versioning", Bucket=name)), (name,))


def stored(at: Account) -> Thing:
    found = bucket(at)
    at.ask("s3", "put_object", Bucket=found.names[0], Key="orders.csv", Body=b"1")
    return Thing({**found.given, "object_key": "orders.csv"},
                 lambda: normalised(at.ask("s3", "list_object_versions", Bucket=found.names[0])), found.names)


def mapreduce(at: Account, **more: Any) -> Thing:
    groups = [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1},
              {"InstanceRole": "CORE", "InstanceType": "m5.xlarge", "InstanceCount": 3}]
    made = at.ask("emr", "run_job_flow", Name=unique(), Instances={
        "InstanceGroups": groups, "KeepJobFlowAliveWhenNoSteps": True}, JobFlowRole="r", ServiceRole="r")["JobFlowId"]
    core = next(one["Id"] for one in at.ask("emr", "list_instance_groups", ClusterId=made)["InstanceGroups"]
                if one["InstanceGroupType"] == "CORE")
    return Thing({"cluster_id": made, "group_id": core, "instance_count": 1},
                 lambda: normalised(at.ask("emr", "list_instance_groups", ClusterId=made)))


def steps(at: Account) -> Thing:
    found = mapreduce(at)
    number = found.given["cluster_id"]
    return Thing({"cluster_id": number, "concurrency": 5}, lambda: normalised(
        at.ask("emr", "describe_cluster", ClusterId=number)))


def template(at: Account) -> Thing:
    """FIS in moto goes one state on at each look."""
    made = at.ask("fis", "create_experiment_template", clientToken=unique(), description="inverse",
                  roleArn=f"arn:aws:iam::{at.number}:role/fis", stopConditions=[{"source": "none"}], targets={},
                  actions={"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT5M"}}})
    number = made["experimentTemplate"]["id"]
    return Thing({"experiment_template_id": number}, lambda: [
        one["id"] for one in at.ask("fis", "list_experiments")["experiments"]
        if one["experimentTemplateId"] == number and one["state"]["status"] not in ("stopped", "completed")])


def all_of_zone(at: Account) -> Thing:
    found = scaling(at, instance_percent=100)
    ids = found.picture()["Instances"]
    return Thing(found.given, of_instances(at, ids))


def group_volume(at: Account) -> Thing:
    found = scaling(at)
    one, *_ = found.picture()["Instances"]
    there = at.ask("ec2", "describe_instances", InstanceIds=[one])["Reservations"][0]["Instances"][0]["Placement"]
    volume = at.ask("ec2", "create_volume", AvailabilityZone=there["AvailabilityZone"], Size=1)["VolumeId"]
    at.ask("ec2", "attach_volume", InstanceId=one, VolumeId=volume, Device="/dev/sdf")
    return Thing(found.given, lambda: normalised(at.ask("ec2", "describe_volumes", VolumeIds=[volume])))


SCENES: Mapping[str, list[Callable[[Account], Thing]]] = {
    "asg.actions.change_subnets": [moving],
    "asg.actions.detach_random_instances": [shrinking],
    "asg.actions.detach_random_volume": [group_volume],
    "asg.actions.resume_processes": [resuming],
    "asg.actions.stop_random_instances": [all_of_zone],
    "asg.actions.suspend_processes": [suspending],
    "awslambda.actions.add_error": [layered],
    "awslambda.actions.add_latency": [layered],
    "awslambda.actions.add_layer": [layered],
    "awslambda.actions.delete_function_concurrency": [reserved],
    "awslambda.actions.put_function_concurrency": [throttled, throttled_more],
    "awslambda.actions.put_function_memory_size": [lambda at: function(at, memory_size=1024)],
    "awslambda.actions.put_function_timeout": [lambda at: function(at, timeout=1)],
    "awslambda.actions.remove_error": [slow],
    "awslambda.actions.remove_latency": [slow],
    "awslambda.actions.remove_layer": [with_layer],
    "awslambda.actions.toggle_event_source_mapping_state": [feeding],
    "cloudwatch.actions.delete_rule": [forced],
    "cloudwatch.actions.disable_rule": [rule],
    "cloudwatch.actions.enable_rule": [disabled],
    "cloudwatch.actions.put_rule": [said_anew, new_rule],
    "cloudwatch.actions.put_rule_targets": [targeted],
    "cloudwatch.actions.remove_rule_targets": [rule],
    "ec2.actions.authorize_security_group_ingress": [other_port],
    "ec2.actions.detach_random_volume": [with_volume],
    "ec2.actions.remove_tags_from_instances": [tagged],
    "ec2.actions.revoke_security_group_ingress": [open_group],
    "ec2.actions.set_tags_on_instances": [taggable],
    "ec2.actions.start_instances": [standing],
    "ec2.actions.stop_instance": [one_running, any_running],
    "ec2.actions.stop_instances": [running],
    "ecs.actions.set_service_placement_strategy": [placing],
    "ecs.actions.tag_resource": [service_tagged],
    "ecs.actions.untag_resource": [service_untagged],
    "ecs.actions.update_desired_count": [scaled_down],
    "elbv2.actions.deregister_target": [balancing],
    "elbv2.actions.enable_access_log": [logged],
    "elbv2.actions.set_security_groups": [regrouped],
    "elbv2.actions.set_subnets": [resettled],
    "emr.actions.modify_cluster": [steps],
    "emr.actions.modify_instance_groups_instance_count": [mapreduce],
    "fis.actions.start_experiment": [template],
    "iam.actions.attach_role_policy": [to_attach],
    "iam.actions.create_policy": [new_policy],
    "iam.actions.detach_role_policy": [to_detach],
    "rds.actions.failover_db_cluster": [failing_over],
    "rds.actions.stop_db_cluster": [databases],
    "rds.actions.stop_db_instance": [database],
    "route53.actions.associate_vpc_with_zone": [zone],
    "route53.actions.disassociate_vpc_from_zone": [two_zones],
    "s3.actions.delete_object": [stored],
    "s3.actions.toggle_versioning": [bucket],
}
CASES = [pytest.param(path, scene, id=f"{path}-{number}")
         for path, scenes in SCENES.items() for number, scene in enumerate(scenes)]


@pytest.mark.parametrize(("path", "scene"), CASES)
def test_what_it_did_is_as_before(at: Account, path: str, scene: Callable[[Account], Thing]) -> None:
    thing = scene(at)
    before = thing.picture()
    acts = seen(path, thing.given)
    assert "sesame" not in str(acts)
    call(path, thing.given)
    assert thing.picture() != before
    assert Answer.NOT_RESTORED in verify(path, acts)
    assert undo(path, acts) == {Answer.RESTORED}
    assert thing.picture() == before


# ── the laws ────────────────────────────────────────────────────────────────────────────────────────────────────────

def test_what_somebody_else_changed_meanwhile_is_left_as_it_is(at: Account) -> None:
    path, thing = "awslambda.actions.put_function_concurrency", throttled(at)
    acts = seen(path, thing.given)
    call(path, thing.given)
    at.ask("lambda", "put_function_concurrency", FunctionName=thing.names[0], ReservedConcurrentExecutions=3)
    assert undo(path, acts) == {Answer.DRIFT}
    assert at.ask("lambda", "get_function_concurrency", FunctionName=thing.names[0])[
        "ReservedConcurrentExecutions"] == 3


def test_what_was_so_before_stays_so(at: Account) -> None:
    path, thing = "asg.actions.suspend_processes", suspending(at)
    [act] = seen(path, thing.given)
    assert act.was == {"values": {"Terminate": False}}
    assert not seen("ec2.actions.stop_instances", standing(at).given)
    assert not seen("ec2.actions.start_instances", running(at).given)


def test_what_is_gone_meanwhile_needs_nothing(at: Account) -> None:
    path, thing = "ec2.actions.stop_instance", one_running(at)
    acts = seen(path, thing.given)
    call(path, thing.given)
    at.ask("ec2", "terminate_instances", InstanceIds=[thing.given["instance_id"]])
    assert undo(path, acts) == {Answer.GONE}


def test_of_those_that_chance_chooses_from_only_the_one_that_was_hit_is_brought_back(at: Account) -> None:
    path, thing = "elbv2.actions.deregister_target", balancing(at)
    before = thing.picture()
    [act] = seen(path, thing.given)
    assert len(act.was["values"]) == 2
    call(path, thing.given)
    assert len(thing.picture()) == 1
    assert undo(path, [act]) == {Answer.RESTORED}
    assert thing.picture() == before


def test_a_group_that_replaces_what_is_detached_is_as_large_as_before(at: Account) -> None:
    path, thing = "asg.actions.detach_random_instances", scaling(at, instance_count=1)
    before = thing.picture()
    acts = seen(path, thing.given)
    [gone] = call(path, thing.given)["DetachingInstances"][0]["InstanceIds"]
    assert undo(path, acts) <= {Answer.RESTORED, Answer.GONE}
    after = thing.picture()
    assert (after["DesiredCapacity"], len(after["Instances"])) == (2, 2) == (
        before["DesiredCapacity"], len(before["Instances"]))
    assert gone in after["Instances"]


def test_a_group_without_room_for_what_would_come_back_is_left_alone(at: Account) -> None:
    thing = scaling(at, instance_count=1)
    at.ask("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=thing.names[0], MaxSize=2)
    with pytest.raises(Refused, match="no room"):
        seen("asg.actions.detach_random_instances", thing.given)


def test_what_a_run_takes_back_itself_is_not_done_once_more(at: Account) -> None:
    thing = with_volume(at)
    before = thing.picture()
    acts = seen("ec2.actions.detach_random_volume", thing.given)
    call("ec2.actions.detach_random_volume", thing.given)
    assert not seen("ec2.actions.attach_volume", thing.given, acts)
    call("ec2.actions.attach_volume", thing.given)
    assert undo("ec2.actions.detach_random_volume", acts) == {Answer.RESTORED}
    assert thing.picture() == before


def test_of_two_changes_each_goes_back_to_the_beginning(at: Account) -> None:
    path, thing = "awslambda.actions.put_function_timeout", function(at)
    before = thing.picture()
    first = seen(path, {**thing.given, "timeout": 1})
    call(path, {**thing.given, "timeout": 1})
    second = seen(path, {**thing.given, "timeout": 60}, first)
    call(path, {**thing.given, "timeout": 60})
    assert undo(path, second) == {Answer.RESTORED}
    assert verify(path, first) == {Answer.RESTORED}
    assert thing.picture() == before


def test_an_object_that_would_be_lost_for_good_is_not_deleted(at: Account) -> None:
    thing = stored(at)
    at.ask("s3", "put_bucket_versioning", Bucket=thing.names[0], VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(Refused, match="lost for good"):
        seen("s3.actions.delete_object", thing.given)


def test_a_spot_instance_is_not_terminated_for_a_stop(at: Account) -> None:
    [one] = instances(at, InstanceMarketOptions={"MarketType": "spot"})
    with pytest.raises(Refused, match="spot instance"):
        seen("ec2.actions.stop_instances", {"instance_ids": [one]})


def test_a_target_whose_words_tell_a_secret_is_not_recorded(at: Account) -> None:
    thing = rule(at)
    at.ask("events", "put_targets", Rule=thing.names[0], Targets=[
        {"Id": "one", "Arn": f"arn:aws:events:{at.region}:1:api-destination/one",
         "HttpParameters": {"HeaderParameters": {"X-Auth-Token": "sesame"}}}])
    with pytest.raises(Refused, match="secret"):
        seen("cloudwatch.actions.remove_rule_targets", thing.given)


@pytest.mark.parametrize(("path", "given"), [
    ("ec2.actions.stop_instance", {}),
    ("ec2.actions.stop_instances", {"instance_ids": ["i-0123456789abcdef0"]}),
    ("asg.actions.suspend_processes", {"asg_names": ["none"]}),
    ("awslambda.actions.put_function_timeout", {"function_name": "none", "timeout": 1}),
    ("awslambda.actions.put_function_timeout", {"function_name": "none"}),
    ("awslambda.actions.put_function_timeout", {"function_name": "none", "timeout": "soon"}),
    ("rds.actions.stop_db_cluster", {"db_cluster_identifier": "none"}),
    ("rds.actions.failover_db_cluster", {"db_cluster_identifier": "none"}),
    ("s3.actions.delete_object", {"bucket_name": "none", "object_key": "none"}),
    ("elbv2.actions.deregister_target", {"tg_name": "none"}),
    ("ecs.actions.update_desired_count", {"cluster": "none", "service": "none", "desired_count": 1}),
])
def test_an_action_on_what_is_not_there_fails_by_itself(at: Account, path: str, given: dict[str, Any]) -> None:
    with pytest.raises(NoTarget):
        seen(path, given)


# ── what moto has not, or forgets ───────────────────────────────────────────────────────────────────────────────────

BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


class Recorded(Account):
    """ECS as far as a test needs it: what was asked, and a service that has what it was told."""

    def __init__(self) -> None:
        self.region, self.way = "eu-central-1", Way()
        self._number = "123456789012"
        self.service: dict[str, Any] = {
            "serviceArn": "arn:aws:ecs:eu-central-1:123456789012:service/shop/web", "status": "ACTIVE",
            "deploymentConfiguration": {"maximumPercent": 150, "minimumHealthyPercent": 50, **BREAKER}}

    def ask(self, _: str, operation: str, /, **asked: Any) -> dict[str, Any]:
        if operation == "update_service":
            self.service |= {key: value for key, value in asked.items() if key not in ("cluster", "service")}
        return {"services": [self.service]}


def test_bounds_of_deployments_are_given_back_and_what_else_there_is_to_them_stays() -> None:
    at = Recorded()
    before = dict(at.service)
    [wish] = _containers.deployed(at, {"cluster": "shop", "service": "web", "maximum_percent": 100,
                                       "minimum_healthy_percent": 0})
    was = wish.settings.read(at, wish.thing, wish.values)
    wish.settings.write(at, wish.thing, wish.values)
    assert at.service["deploymentConfiguration"] == {
        "maximumPercent": 100, "minimumHealthyPercent": 0, **BREAKER}
    wish.settings.write(at, wish.thing, was)
    assert at.service == before


# ── where it acts ───────────────────────────────────────────────────────────────────────────────────────────────────

def asked(given: Mapping[str, Any], configuration: dict[str, str], access: dict[str, str]) -> Asked:
    return Asked(call=Call(arguments=given, access=access, configuration=configuration), mark=MARK)


def test_it_looks_in_the_region_and_with_the_keys_that_the_action_is_given(at: Account) -> None:
    looked = known("ec2.actions.stop_instances")
    with pytest.raises(NoTarget, match="not exist"):
        looked.look(asked(running(at).given, {"aws_region": "us-west-2"}, {}))
    keys = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI"}
    [first, _] = looked.look(asked(running(at).given, {"aws_region": at.region}, keys))
    assert "wJalrXUtnFEMI" not in str(first)
    looked.undo(first, keys)
    assert looked.verify(first, keys).answer is Answer.RESTORED


def test_it_looks_in_the_role_that_the_action_assumes(at: Account) -> None:
    arn = f"arn:aws:iam::{at.number}:role/chaos"
    [act, _] = known("ec2.actions.stop_instances").look(asked(running(at).given, {"aws_assume_role_arn": arn}, {}))
    assert act.target["assume_role"] == arn


def test_a_profile_that_nobody_has_is_left_to_the_package_to_complain_of(at: Account) -> None:
    with pytest.raises(NoTarget, match="no profile"):
        known("ec2.actions.stop_instances").look(asked(running(at).given, {"aws_profile_name": "none"}, {}))


def test_its_tags_are_recorded_for_limits(at: Account) -> None:
    acts = seen("ec2.actions.stop_instances", running(at).given)
    assert all(act.where.account == at.number and "inverse" in act.where.labels for act in acts)


# ── runs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

def step(path: str, given: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    module, _, func = path.rpartition(".")
    return {**action(func, module=f"chaosaws.{module}", func=func, arguments=dict(given)), **more}


@pytest.mark.slow
def test_a_run_brings_all_of_it_back_and_its_author_s_rollbacks_find_nothing_left(at: Account, tmp_path: Path) -> None:
    stopping, limiting, detaching = running(at), throttled(at), with_volume(at)
    before = [thing.picture() for thing in (stopping, limiting, detaching)]
    method = [step("ec2.actions.stop_instances", stopping.given),
              step("awslambda.actions.put_function_concurrency", limiting.given),
              step("ec2.actions.detach_random_volume", detaching.given),
              step("ec2.actions.terminate_instances", running(at).given)]
    rollbacks = [step("ec2.actions.start_instances", stopping.given)]
    data = experiment(*method, probes=[single()], rollbacks=rollbacks)
    ran = run({**data, "configuration": {"aws_region": at.region}}, tmp_path)
    told = {fault["name"]: fault for fault in ran.outcome["faults"]}
    assert (ran.exit, ran.outcome["verdict"], ran.outcome["restored"]) == (0, "passed", "reported")
    assert {fault["restored"] for fault in told.values()} == {"restored", None}
    assert not any(fault["untracked"] for fault in told.values())
    assert "Auto Scaling" in told["terminate_instances"]["irreversible"]
    assert [thing.picture() for thing in (stopping, limiting, detaching)] == before


@pytest.mark.slow
def test_what_has_no_known_way_back_is_called_and_told_to_be_untracked(at: Account, tmp_path: Path) -> None:
    data = [{"MetricName": "chaos", "Value": 1.0}]
    ran = run(experiment(step("cloudwatch.actions.put_metric_data", {"namespace": "shop", "metric_data": data}),
                         probes=[single()]), tmp_path)
    [told] = ran.outcome["faults"]
    assert (ran.exit, told["untracked"], told["restored"]) == (0, True, None)


@pytest.mark.slow
def test_another_process_brings_back_what_a_killed_run_stopped(at: Account, tmp_path: Path) -> None:
    thing = running(at)
    before = thing.picture()
    wait = {"type": "action", "name": "wait", "provider": {"type": "process", "path": "sleep", "arguments": "60"}}
    data = experiment(step("ec2.actions.stop_instances", thing.given), wait, probes=[single()])
    with running_(data, tmp_path) as process:
        assert eventually(lambda: len([one for one in journal(tmp_path) if one["type"] == "StepBegan"]) == 2, 20)
        assert thing.picture() != before
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert eventually((tmp_path / "reports" / "latest" / "outcome.json").exists, 20)
    told = json.loads((tmp_path / "reports" / "latest" / "outcome.json").read_text())
    assert (told["exit"], told["restored"]) == (137, "restored")
    assert thing.picture() == before


@pytest.mark.slow
def test_what_is_protected_by_a_tag_is_not_hit(at: Account, tmp_path: Path) -> None:
    thing = running(at)
    before = thing.picture()
    (tmp_path / "chaos.yaml").write_text("protected:\n  labels:\n    inverse: '*'\n")
    ran = run(experiment(step("ec2.actions.stop_instances", thing.given), probes=[single()]), tmp_path)
    assert (ran.exit, ran.outcome["verdict"]) == (5, "error")
    assert "protected" in ran.outcome["sentence"]
    assert thing.picture() == before


RUNS: Mapping[str, list[str]] = {
    "compute": ["ec2.actions.stop_instance", "ec2.actions.detach_random_volume", "ec2.actions.set_tags_on_instances",
                "ec2.actions.revoke_security_group_ingress", "asg.actions.suspend_processes",
                "asg.actions.change_subnets", "asg.actions.detach_random_instances", "elbv2.actions.deregister_target",
                "elbv2.actions.set_security_groups"],
    "the rest": ["rds.actions.failover_db_cluster", "rds.actions.stop_db_instance", "ecs.actions.update_desired_count",
                 "awslambda.actions.add_latency", "awslambda.actions.toggle_event_source_mapping_state",
                 "cloudwatch.actions.disable_rule", "iam.actions.detach_role_policy", "s3.actions.toggle_versioning",
                 "route53.actions.disassociate_vpc_from_zone", "fis.actions.start_experiment"],
}


@pytest.mark.slow
@pytest.mark.parametrize("which", RUNS)
def test_experiments_written_for_chaos_toolkit_run_unchanged(at: Account, tmp_path: Path, which: str) -> None:
    things = {path: SCENES[path][0](at) for path in RUNS[which]}
    before = {path: thing.picture() for path, thing in things.items()}
    method = [step(path, thing.given) for path, thing in things.items()]
    ran = run(experiment(*method, probes=[single()], configuration={"aws_region": at.region}), tmp_path)
    assert {one["restored"] for one in ran.outcome["faults"]} == {"restored"}
    assert (ran.exit, ran.outcome["verdict"], ran.outcome["restored"]) == (0, "passed", "restored")
    assert {path: thing.picture() for path, thing in things.items()} == before


@pytest.mark.slow
def test_of_many_to_choose_from_all_are_looked_at_in_time() -> None:
    with opened():  # a lab keeps what is terminated, and would be slow for all who come later
        ids = instances(account(), 400)
        began = time.monotonic()
        acts = seen("ec2.actions.stop_instances", {"instance_ids": ids})
        assert len(acts) == 400
        assert time.monotonic() - began < 30
