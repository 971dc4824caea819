"""Values as YAML in one line, whatever stands in them."""

from typing import Any


def flow(value: Any) -> str:
    """The value in one line: `{proxy: orders-db}`, `20s`, `"${service_url}"`."""
    import yaml

    text = yaml.safe_dump([value], default_flow_style=True, sort_keys=False, width=float("inf"), allow_unicode=True)
    return text.strip()[1:-1]
