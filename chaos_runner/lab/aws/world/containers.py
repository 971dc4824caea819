"""The containers: an ECS cluster on the app servers, with a service. moto starts no tasks for it, so they are started
here, as if the service had.
"""

import json
import os
import urllib.request
from typing import Final

from chaos_runner.targets.aws.access import Account

CLUSTER: Final = "shop"
SERVICE: Final = "checkout"
_LIVES: Final = {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 10**9}}
"""moto would let a task come nearer to its end each time it is looked at. These live until they are stopped."""


def make(at: Account) -> None:
    """Makes it all."""
    _let_live()
    tags = [{"key": "shop", "value": "app"}]
    at.ask("ecs", "create_cluster", clusterName=CLUSTER, tags=tags)
    apps = at.every("ec2", "describe_instances", "Reservations[].Instances[].InstanceId",
                    Filters=[{"Name": "tag:shop", "Values": ["app"]}])
    machines = [machine(at, CLUSTER, one) for one in apps]
    task = definition(at, SERVICE)
    at.ask("ecs", "create_service", cluster=CLUSTER, serviceName=SERVICE, taskDefinition=task, launchType="EC2",
           desiredCount=len(machines), tags=tags)
    at.ask("ecs", "start_task", cluster=CLUSTER, taskDefinition=task, containerInstances=machines,
           group=f"service:{SERVICE}", startedBy="ecs-svc/shop")


def _let_live() -> None:
    """The lab's own address is asked, beside its AWS."""
    address = f"{os.environ['AWS_ENDPOINT_URL']}/moto-api/state-manager/set-transition"
    asked = urllib.request.Request(address, json.dumps(_LIVES).encode(), {"Content-Type": "application/json"})  # noqa: S310
    urllib.request.urlopen(asked).close()  # noqa: S310


def machine(at: Account, cluster: str, instance: str) -> str:
    """Puts an EC2 instance into a cluster, as its agent does."""
    made = at.ask("ecs", "register_container_instance", cluster=cluster,
                  instanceIdentityDocument=json.dumps({"instanceId": instance}))
    return str(made["containerInstance"]["containerInstanceArn"])


def definition(at: Account, family: str) -> str:
    """What a task is made of."""
    container = {"name": family, "image": f"{family}:1", "memory": 64, "cpu": 64, "essential": True}
    made = at.ask("ecs", "register_task_definition", family=family, containerDefinitions=[container])
    return str(made["taskDefinition"]["taskDefinitionArn"])
