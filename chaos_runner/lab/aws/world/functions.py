"""The functions: billing, fed from a queue of orders, and thumbnails, which only some ask for.

Orders that billing does not take for long are given up, and an alarm tells. Alarms in a lab say what they were last
told to (`aws cloudwatch set-alarm-state`): nothing measures there.
"""

import io
import json
import zipfile
from typing import Final

from chaos_runner.targets.aws.access import Account, pairs

BILLING: Final = "shop-billing"
THUMBNAILS: Final = "shop-thumbnails"
QUEUE: Final = "shop-orders"
GIVEN_UP: Final = "shop-orders-given-up"
"""A queue, and the alarm that is raised when something is in it."""
_TRUST: Final = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}


def make(at: Account) -> None:
    """Makes it all."""
    role = at.ask("iam", "create_role", RoleName="shop-functions",
                  AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
    for name in (BILLING, THUMBNAILS):
        make_function(at, name, role, {"shop": "functions"})
    make_mapping(at, BILLING, _queue(at), {"shop": "functions"})
    at.ask("cloudwatch", "put_metric_alarm", AlarmName=GIVEN_UP, Namespace="AWS/SQS", Period=60, EvaluationPeriods=1,
           MetricName="ApproximateNumberOfMessagesVisible", Dimensions=[{"Name": "QueueName", "Value": GIVEN_UP}],
           Statistic="Maximum", Threshold=0, ComparisonOperator="GreaterThanThreshold",
           TreatMissingData="breaching", Tags=pairs({"shop": "functions"}))
    at.ask("cloudwatch", "set_alarm_state", AlarmName=GIVEN_UP, StateValue="OK", StateReason="nothing is given up")


def make_function(at: Account, name: str, role: str, tags: dict[str, str]) -> None:
    """A function that says so."""
    at.ask("lambda", "create_function", FunctionName=name, Runtime="python3.12", Role=role, Handler="main.handle",
           Code={"ZipFile": _code()}, Timeout=30, MemorySize=128, Tags=tags)


def make_mapping(at: Account, function: str, queue: str, tags: dict[str, str]) -> str:
    """Feeds a function from a queue, and gives the mapping's UUID."""
    source = at.ask("sqs", "get_queue_attributes", QueueUrl=queue, AttributeNames=["QueueArn"])
    return str(at.ask("lambda", "create_event_source_mapping", FunctionName=function, BatchSize=10, Tags=tags,
                      EventSourceArn=source["Attributes"]["QueueArn"])["UUID"])


def _queue(at: Account) -> str:
    """The URL of the queue of orders. What was tried five times goes to another one."""
    tags = {"shop": "functions"}
    other = at.ask("sqs", "create_queue", QueueName=GIVEN_UP, tags=tags)["QueueUrl"]
    arn = at.ask("sqs", "get_queue_attributes", QueueUrl=other, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    made = at.ask("sqs", "create_queue", QueueName=QUEUE, tags=tags,
                  Attributes={"VisibilityTimeout": "180", "RedrivePolicy": redrive})
    return str(made["QueueUrl"])


def _code() -> bytes:
    """A program in a zip, as Lambda wants it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("main.py", "def handle(event, context):\n    return {'done': True}\n")
    return packed.getvalue()
