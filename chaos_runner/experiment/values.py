"""What `${name}` stands for. Lives only in the process that runs: never in an Experiment, a Plan or a journal."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from chaos_runner.redaction import leaves, named_like_a_secret


class Values(Struct, frozen=True):
    """Configuration and secrets of one run, resolved. Secrets are groups of names, as chaoslib has them."""

    configuration: Mapping[str, Any] = {}
    secrets: Mapping[str, Any] = {}

    def fill(self, data: Any) -> Any:
        """The data with every `${name}` replaced by chaoslib's own rules. Unknown names stay as they are.

        Names are looked for in groups of secrets; what is no group has none in it, and chaoslib would stumble over it.
        """
        if not any("$" in text for text in leaves(data)):
            return data
        from chaoslib import substitute

        groups = {name: group for name, group in self.secrets.items() if isinstance(group, dict)}
        return substitute(data, dict(self.configuration), groups)

    def sensitive(self) -> Iterator[str]:
        """Every value that must not be written anywhere."""
        yield from leaves(self.secrets)
        for key, value in self.configuration.items():
            if named_like_a_secret(key):
                yield from leaves(value)
