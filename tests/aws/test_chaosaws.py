"""What chaostoolkit-aws did is brought back, though its author wrote no way back."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from uuid import uuid4

import pytest
from msgspec import Struct

from chaos_runner.contracts import Act, Answer
from chaos_runner.errors import NoTarget, Refused
from chaos_runner.experiment.model import KnownUndo
from chaos_runner.inverses import Asked, Call, Looking, looking
from chaos_runner.inverses.chaosaws import INVERSES
from chaos_runner.lab.aws.world.compute import IMAGE
from chaos_runner.mark import Mark
from chaos_runner.targets.aws.access import Account, pairs
from tests.crash.aws.picturing import normalised

pytestmark = [pytest.mark.usefixtures("aws"),
              pytest.mark.skipif(find_spec("chaosaws") is None, reason="chaostoolkit-aws is not installed")]
MARK = Mark(run="01TEST", number=0, expires="20261121T000000Z")
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
ROOT = {"arn": "arn:aws:iam::aws:policy/none"}


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


SCENES: Mapping[str, list[Callable[[Account], Thing]]] = {
    "asg.actions.change_subnets": [moving],
    "asg.actions.detach_random_instances": [shrinking],
    "asg.actions.resume_processes": [resuming],
    "asg.actions.suspend_processes": [suspending],
    "awslambda.actions.add_error": [layered],
    "awslambda.actions.add_latency": [layered],
    "awslambda.actions.add_layer": [layered],
    "awslambda.actions.delete_function_concurrency": [reserved],
    "awslambda.actions.put_function_concurrency": [throttled, throttled_more],
    "awslambda.actions.put_function_memory_size": [lambda at: function(at, memory_size=1024)],
    "awslambda.actions.put_function_timeout": [lambda at: function(at, timeout=1)],
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
