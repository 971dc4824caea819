"""The one Jinja environment: whatever a template forgets, nothing reaches a page unescaped or with control codes."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from chaos_runner.report.text import firm, visible

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"


class Script(NamedTuple):
    """The page's own script, and the hash by which its policy lets that one run and no other."""

    text: str
    hash: str


@cache
def script() -> Script:
    """The script as it stands in every page."""
    from markupsafe import Markup

    text = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    return Script(Markup(text),  # noqa: S704 -- our own file, and nothing in it from elsewhere
                  f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}")


@cache
def environment() -> "Environment":
    """Templates of this package, with autoescape always on."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from chaos_runner.report.compiled import BesideTheSources

    def shown(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, finalize=shown, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True, auto_reload=False,
                       bytecode_cache=BesideTheSources(TEMPLATES))
    made.filters["firm"] = firm
    return made
