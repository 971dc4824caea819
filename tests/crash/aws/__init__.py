"""The scenes on AWS, wherever the environment leads: what they need is made for each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.crash.aws import ec2, orders
from tests.crash.scenes import Scene

AWS_SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {**ec2.SCENES, **orders.SCENES}
