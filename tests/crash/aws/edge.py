"""Scenes in Route 53 and CloudFront."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

from chaos_runner.lab.aws.world.edge import make_distribution, make_health_check
from chaos_runner.targets.aws.access import Account, account
from chaos_runner.targets.aws.cloudfront import DISTRIBUTION
from tests.crash.aws.picturing import normalised
from tests.crash.scenes import Scene


@contextmanager
def health_check(at: Account) -> Iterator[str]:
    """A health check of its own."""
    name = f"crash-{uuid4().hex[:8]}"
    made = make_health_check(at, name, {"crash": name})
    try:
        yield made
    finally:
        at.ask("route53", "delete_health_check", HealthCheckId=made)


@contextmanager
def distribution(at: Account, *origins: tuple[str, str]) -> Iterator[str]:
    """A distribution of its own. It is not removed: CloudFront takes only those away that are disabled and settled."""
    yield make_distribution(at, list(origins) or [("api", "api.example.com")], {"crash": "edge"})


@contextmanager
def _health_check(_: Path) -> Iterator[Scene]:
    at = account()
    with health_check(at) as made:
        yield Scene({"target": {"ids": [made]}}, lambda: normalised([
            at.ask("route53", "get_health_check", HealthCheckId=made),
            at.ask("route53", "list_tags_for_resource", ResourceType="healthcheck", ResourceId=made)]), (), 30.0)


@contextmanager
def _distribution(_: Path) -> Iterator[Scene]:
    at = account()
    with distribution(at) as made:
        step = {"target": {"ids": [made]}, "arguments": {"to": "down.example.com"}}
        yield Scene(step, lambda: normalised([
            at.ask("cloudfront", "get_distribution_config", Id=made)["DistributionConfig"],
            at.ask("cloudfront", "list_tags_for_resource", Resource=DISTRIBUTION.arn_at(at, made))]), (), 30.0)


SCENES: dict[str, Callable[[Path], AbstractContextManager[Scene]]] = {
    "aws.cloudfront_origin": _distribution,
    "aws.route53_health_check_invert": _health_check,
}
