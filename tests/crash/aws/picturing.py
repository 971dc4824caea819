"""What AWS says of things, without what it changes by itself."""

from datetime import datetime
from typing import Any

OF_THE_MOMENT = {"ResponseMetadata", "StateTransitionReason", "StateReason", "NetworkAclAssociationId"}
"""Who asked, why a state is the present one, and ids that every change makes anew: that is not about the thing."""
_UNORDERED = ({"Key", "Value"}, {"NetworkAclId", "SubnetId"}, {"GroupId", "GroupName"})


def normalised(said: Any) -> Any:
    """An answer without times, and with lists of tags and associations, which have no order, in one."""
    if isinstance(said, dict):
        return {key: normalised(value) for key, value in said.items()
                if key not in OF_THE_MOMENT and not isinstance(value, datetime)}
    if isinstance(said, list):
        found = [normalised(one) for one in said]
        return sorted(found, key=str) if all(map(_is_unordered, found)) else found
    return said


def _is_unordered(said: Any) -> bool:
    return isinstance(said, dict) and said.keys() in _UNORDERED
