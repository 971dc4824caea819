"""The edge: names in DNS that fail over with a health check, and a distribution in front of the shop."""

from typing import Any, Final
from uuid import uuid4

from chaos_runner.targets.aws.access import Account, pairs

ZONE: Final = "shop.example.com"
HEALTH: Final = "shop-front"
ORIGIN: Final = "shop"
_STANDBY: Final = "192.0.2.20"
_FRONT: Final = "192.0.2.10"
"""Addresses for documentation (RFC 5737)."""


def make(at: Account) -> None:
    """Makes it all."""
    zone = at.ask("route53", "create_hosted_zone", Name=ZONE, CallerReference=uuid4().hex)["HostedZone"]["Id"]
    health = make_health_check(at, HEALTH, {"shop": "edge"})
    records = [_record("PRIMARY", _FRONT, {"HealthCheckId": health}), _record("SECONDARY", _STANDBY, {})]
    at.ask("route53", "change_resource_record_sets", HostedZoneId=zone, ChangeBatch={
        "Changes": [{"Action": "CREATE", "ResourceRecordSet": one} for one in records]})
    make_distribution(at, [(ORIGIN, f"origin.{ZONE}")], {"shop": "edge"})


def make_health_check(at: Account, name: str, tags: dict[str, str]) -> str:
    """A health check of that name, and its id."""
    made = at.ask("route53", "create_health_check", CallerReference=uuid4().hex, HealthCheckConfig={
        "Type": "HTTPS", "FullyQualifiedDomainName": f"www.{ZONE}", "Port": 443, "ResourcePath": "/health",
        "RequestInterval": 10, "FailureThreshold": 3})["HealthCheck"]["Id"]
    at.ask("route53", "change_tags_for_resource", ResourceType="healthcheck", ResourceId=made,
           AddTags=pairs({"Name": name, **tags}))
    return str(made)


def make_distribution(at: Account, origins: list[tuple[str, str]], tags: dict[str, str]) -> str:
    """A distribution with these origins, each an id and a host; it gives what the first one has."""
    first = origins[0][0]
    config = {"CallerReference": uuid4().hex, "Comment": "the shop", "Enabled": True,
              "Origins": {"Quantity": len(origins), "Items": [_origin(*one) for one in origins]},
              "DefaultCacheBehavior": {
                  "TargetOriginId": first, "ViewerProtocolPolicy": "redirect-to-https", "MinTTL": 0,
                  "ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "none"}}}}
    made = at.ask("cloudfront", "create_distribution_with_tags", DistributionConfigWithTags={
        "DistributionConfig": config, "Tags": {"Items": pairs(tags)}})
    return str(made["Distribution"]["Id"])


def _record(role: str, address: str, more: dict[str, str]) -> dict[str, Any]:
    return {"Name": f"www.{ZONE}", "Type": "A", "SetIdentifier": role.lower(), "Failover": role, "TTL": 60,
            "ResourceRecords": [{"Value": address}], **more}


def _origin(name: str, host: str) -> dict[str, Any]:
    return {"Id": name, "DomainName": host,
            "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}
