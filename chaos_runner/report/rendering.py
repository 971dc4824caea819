"""The one Jinja environment: whatever a template forgets, nothing reaches a page unescaped or with control codes."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chaos_runner.report.text import visible

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"


@cache
def environment() -> "Environment":
    """Templates of this package, with autoescape always on."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from chaos_runner.report.compiled import BesideTheSources

    def shown(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, finalize=shown, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True, auto_reload=False,
                       bytecode_cache=BesideTheSources(TEMPLATES))
