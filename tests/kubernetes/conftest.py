"""Clusters for tests. Where none can be had, the tests are skipped and the summary says why, in one line."""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from chaos_runner.errors import Refused
from chaos_runner.lab.kubernetes.lab import LabNotUp, Wanted
from chaos_runner.lab.kubernetes.node import cleaning, needs, network
from chaos_runner.lab.kubernetes.state import Lab, Pods
from tests.kubernetes.labs import shared, turn

GIVEN = "CHAOS_RUNNER_TEST_KUBECONFIG"
"""A cluster to use instead of the simulated one. Each test keeps to namespaces and nodes of its own."""
NO_CLUSTER = "no cluster"
SIMULATED = Wanted(Pods.SIMULATED, 6)
REAL = Wanted(Pods.REAL, 0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """All tests that are skipped for want of the same cluster are one line in the summary."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and NO_CLUSTER in report.longrepr[2]:
        report.longrepr = (__file__, 0, report.longrepr[2])
    return report


@pytest.fixture(scope="session")
def simulated() -> Iterator[str]:
    """The kubeconfig of a cluster that all tests share, with two simulated nodes in each of three zones. While it is
    there, KUBECONFIG says so too.
    """
    with ExitStack() as stack:
        kubeconfig = os.environ.get(GIVEN) or _shared(stack, "tests", SIMULATED).kubeconfig
        stack.enter_context(_exported(kubeconfig))
        yield kubeconfig


@pytest.fixture(scope="session")
def real_lab() -> Iterator[Lab]:
    """The lab with a real node: for `real_node`, which is what tests ask for."""
    alone, before = not network.FILE.exists(), traces()
    with ExitStack() as stack:
        lab = _shared(stack, "tests-node", REAL)
        yield lab
    if alone and not Path(lab.folder).exists():
        assert traces() == before, "the lab has not put the machine back"


@pytest.fixture
def real_node(real_lab: Lab) -> Iterator[Lab]:
    """The lab with a real node, its kubeconfig and its shop, for one test at a time, whichever process that is in.
    During the test KUBECONFIG names it. Tests that are `turns.REAL_NODE` do not keep other workers waiting.
    """
    with turn(real_lab), _exported(real_lab.kubeconfig):
        yield real_lab


def _shared(stack: ExitStack, name: str, wanted: Wanted) -> Lab:
    try:
        return stack.enter_context(shared(name, wanted))
    except LabNotUp:
        raise
    except Refused as why:
        pytest.skip(f"{NO_CLUSTER} with {wanted.pods} pods: {str(why).splitlines()[0]}")


@contextmanager
def _exported(kubeconfig: str) -> Iterator[None]:
    before = os.environ.get("KUBECONFIG")
    os.environ["KUBECONFIG"] = kubeconfig
    read_once = _default(kubeconfig)
    try:
        yield
    finally:
        _default(read_once)
        if before is None:
            del os.environ["KUBECONFIG"]
        else:
            os.environ["KUBECONFIG"] = before


def _default(kubeconfig: str) -> str:
    """Sets what the kubernetes package itself goes by where nothing is said, as chaosk8s does: it has read the
    environment once, when it was imported. Gives what it was.
    """
    from kubernetes.config import kube_config

    before = str(kube_config.KUBE_CONFIG_DEFAULT_LOCATION)
    kube_config.KUBE_CONFIG_DEFAULT_LOCATION = kubeconfig
    return before


def traces() -> tuple[object, ...]:
    """What a real node changes outside its own folder: mounts, namespaces, the pods' control groups, settings."""
    if not network.FILE.parent.parent.exists() or not Path("/proc/self/mounts").exists():
        return ()
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    ours = sorted(mount for mount in mounts if "chaos-runner" in mount)
    return ours, needs.pod_groups(), cleaning.settings()
