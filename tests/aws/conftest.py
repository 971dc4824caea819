"""AWS for tests: the lab, with its world. Who changes that puts it back, or makes things of its own."""

from collections.abc import Iterator

import pytest

from chaos_runner.targets.aws.access import Account, account
from tests.aws.labs import opened


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who needs the lab is slow: it is a server that answers one at a time, and starts in seconds."""
    for item in items:
        if "aws" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def aws() -> Iterator[None]:
    """The environment leads to a lab."""
    with opened():
        yield


@pytest.fixture
def at(aws: None) -> Account:
    """The lab's account."""
    return account()
