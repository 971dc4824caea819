"""The scenes on AWS, wherever the environment leads: what they need is made for each."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tests.crash.aws import containers, ec2, edge, lambdas, network, orders, rds, scaling, stores
from tests.crash.scenes import Scene

AWS_SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    name: scene for module in (containers, ec2, edge, lambdas, network, orders, rds, scaling, stores)
    for name, scene in module.SCENES.items()}
