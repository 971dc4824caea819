"""AWS for tests: the lab, with its world. Who changes that puts it back, or makes things of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos_runner.targets.aws.access import Account, account
from tests.aws.labs import opened

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who needs a lab is slow, and has it in one process: a server that computes for seconds until it is there."""
    for item in items:
        if {"aws", "lab"} & set(getattr(item, "fixturenames", ())) and item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("aws"))


@pytest.fixture(scope="session")
def aws() -> Iterator[None]:
    """The environment leads to a lab."""
    with opened():
        yield


@pytest.fixture
def at(aws: None) -> Account:
    """The lab's account."""
    return account()
