"""aws.cloudfront_origin: a distribution fetches what it has not cached from another host."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting
from chaos_runner.errors import Refused, UsageError
from chaos_runner.faults.aws._change import ChangeFault, Order, Values, Wanted
from chaos_runner.faults.aws._fault import ref_of
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.cloudfront import (
    DISTRIBUTION,
    DistributionTarget,
    find_distributions,
    read_origins,
    redirect,
)
from chaos_runner.targets.aws.refs import Ref
from chaos_runner.targets.aws.rights import Need, Permissions

_ORIGIN: Final = "origin "
"""Each origin is a setting of its own: "origin api"."""
_LABEL: Final = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_HOST: Final = re.compile(rf"(?=.{{1,128}}$){_LABEL}(\.{_LABEL})+", re.IGNORECASE)
_OF_S3: Final = re.compile(r"\.s3[.-].*amazonaws\.com(\.cn)?$")
_UPDATE: Final = Need("cloudfront:UpdateDistribution")


class CloudfrontOriginArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`to`: the host that takes the origin's place, a name in DNS. `origin`: the id of the origin, where a distribution
    has several.
    """

    to: str
    origin: str = ""


class CloudfrontOrigin(ChangeFault[DistributionTarget, CloudfrontOriginArguments]):
    """Gives an origin of distributions another host: one that refuses, or the one that is to stand in for it. What is
    cached is still given from the cache. CloudFront takes minutes to tell all its places of a change, and of the undo.
    """

    target = DistributionTarget
    arguments = CloudfrontOriginArguments
    band = Band(word="led elsewhere")
    kind = DISTRIBUTION
    undone_by = "the origin gets its former host back, unless somebody else has changed it"
    permissions = Permissions(
        look=(Need("cloudfront:ListDistributions", on="*"), Need("cloudfront:GetDistributionConfig")),
        do=(_UPDATE,), undo=(_UPDATE, Need("cloudfront:GetDistributionConfig")))
    example = Example(target={"ids": ["E2QWRUHAPOMQZL"]}, arguments={"to": "down.example.com"})

    def wanted(
        self, target: DistributionTarget, arguments: CloudfrontOriginArguments, setting: Setting,
    ) -> list[Wanted]:
        if not _HOST.fullmatch(arguments.to):
            raise UsageError(f"to: {arguments.to!r} is no host's name, like \"down.example.com\"")
        found = find_distributions(target, setting.seed)
        return [Wanted.of(found, one, {f"{_ORIGIN}{_origin(found.ref(one), arguments)}": arguments.to})
                for one in found.things]

    def read(self, at: Account, thing: str) -> Values:
        return {f"{_ORIGIN}{origin}": seen["DomainName"] for origin, seen in read_origins(at, thing).items()}

    def write(self, order: Order) -> None:
        redirect(order.at, order.thing, {key.removeprefix(_ORIGIN): host for key, host in order.values.items()})

    def touches(self, values: Values) -> bool:
        return bool(values) and all(key.startswith(_ORIGIN) and isinstance(host, str) and _HOST.fullmatch(host)
                                    for key, host in values.items())

    def by_hand(self, act: Act) -> str:
        """No single command changes a part of a configuration: this one reads it, and says what has to stand there."""
        ref = ref_of(act)
        back = "; ".join(f"{key} gets DomainName {host}" for key, host in act.was["values"].items())
        read = ref.command("cloudfront", "get-distribution-config", "--id", ref.thing)
        return f"{read}  # {back}; then update-distribution with its ETag"


def _origin(ref: Ref, arguments: CloudfrontOriginArguments) -> str:
    """The id of the origin to change. Raises Refused when it is not there, or not the only one."""
    there = read_origins(ref.at(), ref.thing)
    origin = arguments.origin or (next(iter(there)) if len(there) == 1 else "")
    if origin not in there:
        wrong = f"has no origin {origin!r}" if origin else "has several origins, and `origin` says none"
        raise Refused(f"{ref.label} {wrong}: they are {', '.join(sorted(there))}")
    _check_fits(ref, there[origin], arguments.to)
    return origin


def _check_fits(ref: Ref, seen: Mapping[str, Any], host: str) -> None:
    """Raises Refused for what CloudFront would refuse, or would forget."""
    if "S3OriginConfig" in seen and not _OF_S3.search(host):
        raise Refused(f"{ref.label}: origin {seen['Id']} is a bucket of S3, and CloudFront takes only another bucket "
                      f"in its place, not {host}")
