"""Experiments in a few words, for tests of the loop."""

from typing import Any


def probe(name: str = "errors", **keys: Any) -> dict[str, Any]:
    """A probe on the fake `fake.errors`, good up to 0.05, sampled every second unless told otherwise."""
    limit = {} if {"tolerance", "below", "above", "equals"} & set(keys) else {"at-most": 0.05}
    return {"name": name, "probe": "fake.errors", **limit, **_dashed(keys)}


def fault(name: str = "hurt", **keys: Any) -> dict[str, Any]:
    """A step with the fault `fake.pause`, ten seconds long unless told otherwise."""
    return {"name": name, "fault": "fake.pause", **({"duration": "10s"} | _dashed(keys))}


def lasting(name: str = "hurt", **keys: Any) -> dict[str, Any]:
    """A fault that lasts to the end of the method."""
    return {"name": name, "fault": "fake.pause"} | _dashed(keys)


def action(name: str = "act", func: str = "getcwd", module: str = "os", **keys: Any) -> dict[str, Any]:
    """A Chaos Toolkit action in Python."""
    arguments = keys.pop("arguments", {})
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": "action", "name": name, "provider": provider, **_dashed(keys)}


def failing(name: str = "break", **keys: Any) -> dict[str, Any]:
    """A Chaos Toolkit action that raises."""
    return action(name, func="listdir", arguments={"path": "/there/is/no/such/folder"}, **keys)


def wait(seconds: float, name: str = "wait") -> dict[str, Any]:
    """An action that does nothing, and then some time passes."""
    return action(name, pauses={"after": seconds})


def single(name: str = "once", func: str = "exists", **keys: Any) -> dict[str, Any]:
    """A single-shot Chaos Toolkit probe that holds."""
    provider = {"type": "python", "module": "os.path", "func": func, "arguments": {"path": "/"}}
    return {"type": "probe", "name": name, "tolerance": True, "provider": provider, **_dashed(keys)}


def experiment(*method: dict[str, Any], probes: list[dict[str, Any]] | None = None, **keys: Any) -> dict[str, Any]:
    """An experiment with that method, and by default one sampled probe."""
    hypothesis = {"title": "all is well", "probes": [probe()] if probes is None else probes}
    rest = _dashed(keys)
    hypothesis |= {key: rest.pop(key) for key in ("baseline", "recovers-within") if key in rest}
    return {"title": "a test", "description": "of the loop", "steady-state-hypothesis": hypothesis,
            "method": list(method), **rest}


def _dashed(keys: dict[str, Any]) -> dict[str, Any]:
    return {key.rstrip("_").replace("_", "-"): value for key, value in keys.items()}
