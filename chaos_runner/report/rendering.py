"""The one place that fills templates: whatever one forgets, nothing reaches a page unescaped or with control codes."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from chaos_runner.report.text import firm, visible

if TYPE_CHECKING:
    from minijinja import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"


class Script(NamedTuple):
    """The page's own script, and the hash by which its policy lets that one run and no other."""

    text: str
    hash: str


@cache
def script() -> Script:
    """The script as it stands in every page: our own file, with nothing in it from elsewhere."""
    from minijinja import Markup

    text = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    return Script(Markup(text),
                  f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}")


def rendered(template: str, **values: Any) -> str:
    """The template of that name with these values in it.

    MiniJinja escapes slashes too, which nothing asks for: links are to be found in a page by who searches its source.
    """
    return _environment().render_template(template, **values).replace("&#x2f;", "/")


def piece(template: str, **values: Any) -> str:
    """The same, to be placed in another template as it is."""
    from minijinja import Markup

    return Markup(rendered(template, **values))


@cache
def _environment() -> "Environment":
    """Templates of this package, with autoescape always on. A name that is not there is an error."""
    from minijinja import Environment, Markup

    def shown(value: Any) -> Any:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    return Environment(loader=_source, auto_escape_callback=lambda _: "html", finalizer=shown,
                       undefined_behavior="strict", trim_blocks=True, lstrip_blocks=True, filters={"firm": firm})


def _source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
