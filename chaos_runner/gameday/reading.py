"""From a game day's file to a GameDay, with every complaint in one go."""

from collections.abc import Sequence
from typing import Final

from chaos_runner.experiment.document import Document, Node
from chaos_runner.experiment.fields import Fields, Found
from chaos_runner.experiment.findings import Severity
from chaos_runner.gameday.model import GameDay, Item, Kind

DAY_KEYS: Final = ("title", "description", "owner", "env", "roles", "agenda")
ITEM_KEYS: Final = {
    Kind.EXPERIMENT: ("experiment", "title", "sealed", "at-most", "observe"),
    Kind.MANUAL: ("manual", "role", "at-most"),
    Kind.ASK: ("ask", "of"),
    Kind.NOTE: ("note",),
}
ITEMS_MAX: Final = 200
NOBODY: Final = "the conductor"
"""Who answers where the file names no roles."""


def game_day(document: Document) -> tuple[GameDay | None, Found]:
    """The game day in a document, without what its experiments say; None when any finding is an error.

    A key that is not known is an error: one that is misspelt may be what keeps an experiment sealed.
    """
    found: Found = list(document.findings)
    if document.root is None or not isinstance(document.root.value, dict):
        return None, found
    read = _day(document.file, Fields(document.root, "the game day", found).known(DAY_KEYS))
    broken = any(finding.severity is Severity.ERROR or finding.code == "W101" for finding in found)
    return None if broken else read, found


def _day(file: str, fields: Fields) -> GameDay:
    fields.require("agenda")
    roles = _roles(fields)
    return GameDay(title=fields.filled_text("title"), file=file, roles=roles, agenda=_agenda(fields, roles),
                   description=fields.text("description"), owner=fields.text("owner"), env=fields.text("env"))


def _roles(fields: Fields) -> dict[str, str]:
    """A mapping of roles to people, or a mere list of roles."""
    node = fields.node_of("roles")
    if node is None:
        return {}
    if isinstance(node.value, list):
        return {_word(fields, one, "a role"): "" for one in node.value}
    written = node.value if isinstance(node.value, dict) else {}
    if not isinstance(node.value, dict):
        fields.complain("E103", "roles must be a mapping of roles to people, or a list of roles", node, found=node.kind)
    return {role: "" if entry.node.value in (None, "") else _word(fields, entry.node, "who plays a role")
            for role, entry in written.items()}


def _agenda(fields: Fields, roles: dict[str, str]) -> tuple[Item, ...]:
    nodes = fields.items("agenda")
    if "agenda" in fields and not nodes:
        fields.complain("E503", "the agenda is empty", fields.node_of("agenda"))
    if len(nodes) > ITEMS_MAX:
        fields.complain("E503", f"an agenda has at most {ITEMS_MAX} items", nodes[ITEMS_MAX], found=f"{len(nodes)}")
    return tuple(item for number, node in enumerate(nodes[:ITEMS_MAX], start=1)
                 if (item := _item(fields.inner(node, f"item {number} of the agenda"), roles)))


def _item(fields: Fields, roles: dict[str, str]) -> Item | None:
    if not isinstance(fields.node.value, dict):
        return None
    kinds = [kind for kind in Kind if kind.value in fields]
    if len(kinds) != 1:
        fields.complain("E501", f"{fields.what} must be exactly one of {', '.join(Kind)}", None,
                        "write `experiment: experiments/01-….yaml`, `manual: …`, `ask: …` or `note: …`",
                        found=" and ".join(kinds))
        return None
    kind = kinds[0]
    fields.known(ITEM_KEYS[kind])
    said, node = fields.filled_text(kind.value), fields.node_of(kind.value)
    return Item(
        kind=kind, text=fields.text("title") if kind is Kind.EXPERIMENT else said,
        place=(node or fields.node).place, role=_role(fields, roles),
        of=_of(fields, roles) if kind is Kind.ASK else (), file=said if kind is Kind.EXPERIMENT else "",
        sealed=fields.flag("sealed"), at_most_s=fields.positive_s("at-most"),
        observe_s=fields.duration_s("observe", 0.0) or 0.0)


def _role(fields: Fields, roles: dict[str, str]) -> str:
    node = fields.node_of("role")
    return "" if node is None else _known(fields, node, roles)


def _of(fields: Fields, roles: dict[str, str]) -> tuple[str, ...]:
    """Those who must each say go: all roles, unless some are named."""
    node = fields.node_of("of")
    if node is None:
        return tuple(roles) or (NOBODY,)
    members: Sequence[Node] = node.value if isinstance(node.value, list) else (node,)
    if not members:
        fields.complain("E502", "a question that nobody answers would always be a go", node, "name a role")
    return tuple(dict.fromkeys(_known(fields, member, roles) for member in members))


def _known(fields: Fields, node: Node, roles: dict[str, str]) -> str:
    word = _word(fields, node, "a role")
    if word and word not in roles:
        from chaos_runner.experiment.suggest import did_you_mean

        close = did_you_mean(word, roles)
        fields.complain("E502", f'there is no role "{word}"', node,
                        f'did you mean "{close}"?' if close else "add it to `roles`", found=word)
    return word


def _word(fields: Fields, node: Node, what: str) -> str:
    if isinstance(node.value, str) and node.value.strip():
        return node.value
    fields.complain("E103", f"{what} must be a text that is not empty", node, found=node.kind)
    return ""
