"""What the Resource Groups Tagging API knows: things of many services by their tags, a page of a hundred at a time.

What was tagged a moment ago may not be there yet.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from chaos_runner.targets.aws.access import Account, unpaired
from chaos_runner.targets.aws.rights import Need

LOOKING: Final = Need("tag:GetResources", on="*")


def tagged(at: Account, type_: str, key: str = "") -> dict[str, dict[str, str]]:
    """The tags of all things of a type ("lambda:function") that have any, or that key, by their ARNs."""
    asked = {"TagFilters": [{"Key": key}]} if key else {}
    return {one["ResourceARN"]: unpaired(one["Tags"]) for one in at.every(
        "resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList[]", ResourceTypeFilters=[type_], **asked)}


class Untagged(Struct, frozen=True):
    """For things that bear our mark elsewhere than in tags."""

    def read(self, at: Account, thing: str) -> dict[str, str]:  # noqa: ARG002
        return {}

    def put(self, at: Account, thing: str, tags: Mapping[str, str]) -> None:
        """Nothing is put there."""

    def remove(self, at: Account, thing: str, keys: Sequence[str]) -> None:
        """Nothing is there."""

    def bearers(self, at: Account) -> Iterator[tuple[str, dict[str, str]]]:  # noqa: ARG002
        yield from ()
