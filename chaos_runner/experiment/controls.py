"""Chaos Toolkit's controls in a file, checked as chaoslib checks them. Elsewhere chaoslib itself calls them."""

import importlib
from typing import Final

from chaos_runner.experiment.fields import Fields

CONTROL_KEYS: Final = ("name", "provider", "scope", "automatic", "ref")
CONTROL_PROVIDER_KEYS: Final = ("type", "module", "arguments", "secrets", "configuration")
SCOPES: Final = ("before", "after")


def controls(fields: Fields) -> None:
    """Complains about every control of the experiment, the hypothesis or an activity that chaoslib would not take."""
    if not fields.plain("controls"):  # null, false and what is empty ask for nothing
        return
    for node in fields.items("controls"):
        control = fields.inner(node, "the control").known(CONTROL_KEYS)
        if "ref" not in control:
            _control(control)


def _control(control: Fields) -> None:
    control.filled_text("name")
    control.one_of("scope", SCOPES, "")
    control.flag("automatic")
    node = control.node_of("provider")
    if node is None:
        control.require("provider")
        return
    provider = control.inner(node, "the provider of a control").known(CONTROL_PROVIDER_KEYS)
    provider.one_of("type", ("python",), "python")
    provider.mapping("arguments")
    module = provider.filled_text("module")
    if module.strip():
        _check_module(provider, module)


def _check_module(provider: Fields, name: str) -> None:
    """A control that cannot be imported is left out by chaoslib, with a warning: so it is here."""
    try:
        importlib.import_module(name)
    except (Exception, SystemExit) as problem:  # noqa: BLE001 -- importing runs foreign code, which may raise anything
        provider.complain("W303", f"the control's module {name} cannot be imported: {problem}",
                          provider.node_of("module"), "the experiment runs without this control; install its package")
