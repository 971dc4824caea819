"""What the traps are put together from: activities in a few words, every one valid for both tools."""

from typing import Any

from tests.truth.trap import FAULT

Activity = dict[str, Any]


def python(func: str, module: str = "tests.truth.steps", **arguments: Any) -> Activity:
    """A Python provider."""
    return {"type": "python", "module": module, "func": func, "arguments": arguments}


def process(path: str, *words: str, **keys: Any) -> Activity:
    """A process provider."""
    return {"type": "process", "path": path, "arguments": list(words), **keys}


def http(url: str, **keys: Any) -> Activity:
    """An HTTP provider."""
    return {"type": "http", "url": url, "timeout": 2, **keys}


def action(name: str, provider: Activity, **keys: Any) -> Activity:
    """An action."""
    return {"type": "action", "name": name, "provider": provider, **keys}


def probe(name: str, provider: Activity, tolerance: Any, **keys: Any) -> Activity:
    """A probe with its tolerance."""
    return {"type": "probe", "name": name, "provider": provider, "tolerance": tolerance, **keys}


def hurt(**keys: Any) -> Activity:
    """The fault that acts."""
    return action("hurt it", process("touch", FAULT), **keys)


def mend() -> Activity:
    """The way back from it."""
    return action("mend it", process("rm", "-f", FAULT))


def wait(seconds: float, **keys: Any) -> Activity:
    """A Python action that holds the main thread."""
    return action("wait", python("busy", seconds=seconds), **keys)


def holds() -> Activity:
    """A probe that always holds."""
    return probe("the folder is there", python("exists", "os.path", path="."), tolerance=True)


def unhurt(**keys: Any) -> Activity:
    """A probe that holds while the fault does not act."""
    return probe("it is well", python("exists", "os.path", path=FAULT), tolerance=False, **keys)


def answers(tolerance: Any, *, calm: Any, storm: Any, **keys: Any) -> Activity:
    """A probe that answers one thing in calm weather, and another while the fault acts."""
    return probe("what it answers", python("weather", calm=calm, storm=storm), tolerance, **keys)


def experiment(*method: Activity, probes: list[Activity] | None = None, **keys: Any) -> Activity:
    """An experiment with that method, and by default one probe that holds. `keys` go into the file as they are."""
    hypothesis = {"title": "all is well", "probes": [holds()] if probes is None else probes}
    whole = {"title": "a trap", "description": "looks fine", "steady-state-hypothesis": hypothesis,
             "method": list(method), **keys}
    return {key.replace("_", "-"): value for key, value in whole.items()}


def hurting(*more: Activity, probes: list[Activity] | None = None, **keys: Any) -> Activity:
    """An experiment whose fault acts, whose rollback mends it, and whatever is done between."""
    return experiment(hurt(), *more, probes=probes, **{"rollbacks": [mend()], **keys})
