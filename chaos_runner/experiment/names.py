"""Looking for `${name}` that nothing stands for: it stays as it is, and the activity then hits nothing, quietly."""

from collections.abc import Iterator
from string import Template
from typing import Any, Final

from chaos_runner.experiment.document import Node
from chaos_runner.experiment.fields import Fields
from chaos_runner.experiment.suggest import did_you_mean

_LISTS: Final = ("method", "rollbacks", "stop-when")
_FILLED: Final = ("provider", "arguments", "target")
_BY_A_SHELL: Final = "process"
"""A process may be a shell, which has `${name}` of its own."""


def check_names(fields: Fields) -> None:
    """Complains about every `${name}` in the file's activities that neither configuration nor secrets declare.

    One that is close to a declared name is an error, any other a warning: `$$` is how the author says that it is meant.
    In a file that declares nothing, nothing is filled in, and `${name}` may be somebody else's.
    """
    declared = _declared(fields)
    if not declared:
        return
    for text in _texts(fields):
        for name in _names(str(text.value)):
            if name not in declared:
                _complain(fields, text, name, did_you_mean(name, declared))


def _complain(fields: Fields, text: Node, name: str, close: str | None) -> None:
    says = f"neither configuration nor secrets declare {name}, so ${{{name}}} stays as it is"
    if close:
        fields.complain("E321", says, text, f'did you mean "{close}"?', found=f"${{{name}}}")
    else:
        fields.complain("W304", says, text, f"declare it, or write $${{{name}}} where that is meant",
                        found=f"${{{name}}}")


def _declared(fields: Fields) -> list[str] | None:
    """The names that `${name}` may have. None when they are not known: a vault may hold any."""
    secrets = fields.plain("secrets")
    if secrets is not None and not isinstance(secrets, dict):
        return None
    groups = [group for group in (secrets or {}).values() if isinstance(group, dict)]
    if any(_from_a_vault(group) for group in groups):
        return None
    configuration = fields.plain("configuration")
    own = list(configuration) if isinstance(configuration, dict) else []
    return [*own, *(secrets or {}), *(name for group in groups for name in group)]


def _from_a_vault(group: dict[str, Any]) -> bool:
    members = [group, *(member for member in group.values() if isinstance(member, dict))]
    return any(member.get("type") == "vault" for member in members)


def _texts(fields: Fields) -> Iterator[Node]:
    """Every text of an activity that is filled in before the activity is called."""
    for activity in _activities(fields):
        for key in _FILLED:
            node = activity.node_of(key)
            if node and not _is_a_process(node):
                yield from _leaves(node)


def _activities(fields: Fields) -> Iterator[Fields]:
    hypothesis = fields.node_of("steady-state-hypothesis")
    quiet = Fields(fields.node, "", [])
    lists = [quiet.items(key) for key in _LISTS]
    lists += [Fields(hypothesis, "", []).items("probes")] if hypothesis else []
    for nodes in lists:
        yield from (Fields(node, "", []) for node in nodes)


def _is_a_process(node: Node) -> bool:
    kind = node.value.get("type") if isinstance(node.value, dict) else None
    return kind is not None and kind.node.value == _BY_A_SHELL


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node.value, dict):
        for entry in node.value.values():
            yield from _leaves(entry.node)
    elif isinstance(node.value, list):
        for member in node.value:
            yield from _leaves(member)
    elif isinstance(node.value, str):
        yield node


def _names(text: str) -> Iterator[str]:
    """The names in a text, by the rules of string.Template, which are Chaos Toolkit's."""
    for found in Template.pattern.finditer(text):
        if found["braced"]:
            yield found["braced"]
