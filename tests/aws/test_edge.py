"""Faults on health checks and distributions."""

from collections.abc import Iterator

import pytest

from chaos_runner import shelf
from chaos_runner.contracts import Answer, Scannable
from chaos_runner.errors import NoEffect, Refused, UsageError
from chaos_runner.targets.aws.access import Account, pairs
from chaos_runner.targets.aws.cloudfront import read_origins, redirect
from chaos_runner.targets.aws.route53 import read_health_check
from tests.aws.trying import KEY, prepared
from tests.crash.aws.edge import distribution, health_check

INVERT, ORIGIN = shelf.own_fault("aws.route53_health_check_invert"), shelf.own_fault("aws.cloudfront_origin")


@pytest.fixture
def front(at: Account) -> Iterator[str]:
    with health_check(at) as made:
        yield made


@pytest.fixture
def cdn(at: Account) -> Iterator[str]:
    with distribution(at) as made:
        yield made


def inverted(at: Account, check: str) -> bool:
    return bool(read_health_check(at, check)["HealthCheckConfig"]["Inverted"])


@pytest.mark.parametrize("before", [False, True])
def test_a_health_check_counts_the_other_way_round_and_back(at: Account, front: str, before: bool) -> None:  # noqa: FBT001
    at.ask("route53", "update_health_check", HealthCheckId=front, Inverted=before)
    [act] = prepared("aws.route53_health_check_invert", {"ids": [front]})
    INVERT.apply(act)
    assert inverted(at, front) is not before
    INVERT.undo(act)
    assert INVERT.verify(act).answer is Answer.RESTORED
    assert inverted(at, front) is before


def test_a_health_check_is_of_no_region(at: Account, front: str) -> None:
    name = at.ask("route53", "list_tags_for_resource", ResourceType="healthcheck", ResourceId=front)
    [named] = [tag["Value"] for tag in name["ResourceTagSet"]["Tags"] if tag["Key"] == "Name"]
    [act] = prepared("aws.route53_health_check_invert", {"ids": [named]})
    assert act.where.region == "aws-global"
    assert act.label == f"health check {front} ({named})"


def test_from_another_region_its_mark_is_as_good(at: Account, front: str) -> None:
    [act] = prepared("aws.route53_health_check_invert", {"ids": [front]})
    INVERT.apply(act)
    assert isinstance(INVERT, Scannable)
    [found] = [one for one in INVERT.marked("us-east-1") if one.act.target["thing"] == front]
    assert found.mark.is_signed_by(KEY, "aws.route53_health_check_invert", found.target)
    INVERT.undo(found.act)
    assert not inverted(at, front)


def test_a_health_check_with_too_many_tags_is_refused(at: Account, front: str) -> None:
    at.ask("route53", "change_tags_for_resource", ResourceType="healthcheck", ResourceId=front,
           AddTags=pairs({f"tag-{number}": "x" for number in range(6)}))
    with pytest.raises(Refused, match="8 tags of at most 10"):
        prepared("aws.route53_health_check_invert", {"ids": [front]})


def test_a_distribution_fetches_from_another_host_and_back(at: Account, cdn: str) -> None:
    [act] = prepared("aws.cloudfront_origin", {"ids": [cdn]}, {"to": "down.example.com"})
    ORIGIN.apply(act)
    assert read_origins(at, cdn)["api"]["DomainName"] == "down.example.com"
    assert "origin api gets DomainName api.example.com" in ORIGIN.by_hand(act)
    ORIGIN.undo(act)
    assert ORIGIN.verify(act).answer is Answer.RESTORED
    assert read_origins(at, cdn)["api"]["DomainName"] == "api.example.com"


def test_of_several_origins_one_has_to_be_named(at: Account) -> None:
    with distribution(at, ("api", "api.example.com"), ("pictures", "p.example.com")) as cdn:
        with pytest.raises(Refused, match="has several origins, and `origin` says none: they are api, pictures"):
            prepared("aws.cloudfront_origin", {"ids": [cdn]}, {"to": "down.example.com"})
        with pytest.raises(Refused, match="has no origin 'db'"):
            prepared("aws.cloudfront_origin", {"ids": [cdn]}, {"to": "down.example.com", "origin": "db"})
        [act] = prepared("aws.cloudfront_origin", {"ids": [cdn]}, {"to": "down.example.com", "origin": "pictures"})
        ORIGIN.apply(act)
        assert {name: seen["DomainName"] for name, seen in read_origins(at, cdn).items()} == {
            "api": "api.example.com", "pictures": "down.example.com"}
        ORIGIN.undo(act)


def test_an_origin_that_somebody_led_elsewhere_meanwhile_is_left(at: Account, cdn: str) -> None:
    [act] = prepared("aws.cloudfront_origin", {"ids": [cdn]}, {"to": "down.example.com"})
    ORIGIN.apply(act)
    redirect(at, cdn, {"api": "new.example.com"})
    ORIGIN.undo(act)
    assert ORIGIN.verify(act).answer is Answer.DRIFT
    assert read_origins(at, cdn)["api"]["DomainName"] == "new.example.com"


def test_what_is_no_host_or_already_the_origin_is_not_put_there(cdn: str) -> None:
    for host in ("localhost", "https://down.example.com", "down.example.com/x", "-a.example.com"):
        with pytest.raises(UsageError, match="is no host's name"):
            prepared("aws.cloudfront_origin", {"ids": [cdn]}, {"to": host})
    with pytest.raises(NoEffect, match="already has origin api"):
        prepared("aws.cloudfront_origin", {"ids": [cdn]}, {"to": "api.example.com"})
