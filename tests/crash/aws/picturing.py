"""What AWS says of things, without what it changes by itself."""

from datetime import datetime
from typing import Any

OF_THE_MOMENT = {"ResponseMetadata", "StateTransitionReason", "StateReason"}
"""Who asked, and why a state is the present one: that is about the time, not about the thing."""


def normalised(said: Any) -> Any:
    """An answer without times, and with tags in the order of their names."""
    if isinstance(said, dict):
        return {key: normalised(value) for key, value in said.items()
                if key not in OF_THE_MOMENT and not isinstance(value, datetime)}
    if isinstance(said, list):
        found = [normalised(one) for one in said]
        return sorted(found, key=lambda one: str(one["Key"])) if all(map(_is_tag, found)) else found
    return said


def _is_tag(said: Any) -> bool:
    return isinstance(said, dict) and said.keys() == {"Key", "Value"}
