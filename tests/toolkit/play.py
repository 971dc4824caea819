"""Plays scenes, and tells what was seen as JSON: `python -m tests.toolkit.play theirs|drop-in|runner [SCENE]…`

Every player has a process of its own: chaoslib keeps state in its process.
"""

import contextlib
import copy
import io
import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import psutil
from chaoslib.exceptions import ChaosException
from chaoslib.experiment import run_experiment as theirs
from chaoslib.run import RunEventHandler
from chaoslib.types import Dry, Schedule, Strategy
from msgspec import structs

from chaos_runner import wiring
from chaos_runner.errors import ChaosRunnerError
from chaos_runner.experiment.loading import load_data
from chaos_runner.experiment.model import Dry as OurDry
from chaos_runner.experiment.model import HypothesisStrategy, RollbackStrategy
from chaos_runner.experiment.toolkit import Overrides
from chaos_runner.plan.build import Wishes
from chaos_runner.plan.model import Manner
from chaos_runner.toolkit import run_experiment as ours
from tests.toolkit import steps, watching
from tests.toolkit.scenes import SCENES, Data, Scene

_PROCESS: Final = "sleep"
_LOOK_S: Final = 0.02
_BEGUN_S: Final = 1.0
"""From when an action is seen until its player waits for it, on a busy machine too."""


class Handler(RunEventHandler):
    """Writes down what it is told. One hook raises, as anybody's may."""

    def __init__(self) -> None:
        self.seen: list[str] = []


def _hook(name: str) -> Callable[..., None]:
    def told(self: Handler, *_: Any) -> None:
        self.seen.append(name)
        if name == "start_method":
            raise RuntimeError("a bug in a handler")

    return told


for _name in [name for name in vars(RunEventHandler) if not name.startswith("_")]:
    setattr(Handler, _name, _hook(_name))


def main(words: list[str]) -> None:
    """Plays them one after the other."""
    os.environ.update(TOOLKIT_TEST_TOKEN="t0ken-of-the-test", CHAOS_RUNNER_REPORTS=tempfile.mkdtemp())
    found = {name: played(words[0], SCENES[name]) for name in words[1:] or SCENES}
    print(json.dumps(found))


def played(player: str, scene: Scene) -> Data:
    """What was seen of one scene."""
    steps.reset()
    watching.CALLS.clear()
    with _signal_for(scene), contextlib.redirect_stderr(io.StringIO()):
        try:
            return _by_runner(scene) if player == "runner" else _by_function(player, scene)
        except (ChaosException, ChaosRunnerError) as problem:
            return {"raised": type(problem).__name__, "called": list(steps.CALLED)}
        except (AttributeError, TypeError, ValueError) as problem:  # what chaoslib lets through
            return {"raised": f"{type(problem).__name__} (a traceback)", "called": list(steps.CALLED)}


def _by_function(player: str, scene: Scene) -> Data:
    given = copy.deepcopy(scene.experiment)
    if scene.dry:
        given["dry"] = Dry.from_string(scene.dry)
    before, handler = repr(given), Handler()
    journal = (theirs if player == "theirs" else ours)(
        given, copy.deepcopy(scene.settings), copy.deepcopy(scene.variables), Strategy(scene.strategy),
        Schedule(**scene.schedule), [handler])
    return {**_journal(journal, scene), "called": _ordered(scene, steps.CALLED),
            "controls": _ordered(scene, watching.CALLS), "events": _ordered(scene, handler.seen),
            "changed what it was given": repr(given) != before}


def _journal(journal: Data, scene: Scene) -> Data:
    states = journal["steady_states"]
    during = [state["steady_state_met"] for state in states["during"] if state]
    return {"keys": list(journal), "status": journal["status"], "deviated": journal["deviated"],
            "title": journal["experiment"]["title"],
            "before": _state(states["before"]), "after": _state(states["after"]),
            "during": sorted(set(map(str, during))), "run": _ordered(scene, map(_record, journal["run"])),
            "rollbacks": list(map(_record, journal["rollbacks"]))}


def _state(state: Data | None) -> Any:
    if state is None:
        return None
    return [state["steady_state_met"], *map(_record, state["probes"])]


def _record(record: Data) -> list[Any]:
    return [record["activity"]["name"], record.get("status"), repr(record["output"]), record.get("tolerance_met"),
            sorted(record)]


def _ordered(scene: Scene, seen: Iterable[Any]) -> list[Any]:
    """In a loose scene each but once, in any order: which of two threads is first is chance."""
    if not scene.loose:
        return list(seen)
    return [one for one, _ in groupby(sorted(seen, key=repr))]


def _by_runner(scene: Scene) -> Data:
    """As the command does it, with its own policies."""
    loaded = load_data(_impatient(copy.deepcopy(scene.experiment)))
    wishes = Wishes(strategy=_rollbacks(scene), hypothesis=HypothesisStrategy.of(scene.strategy), manner=Manner(
        frequency_s=scene.schedule.get("continuous_hypothesis_frequency", 1.0),
        dry=OurDry(scene.dry) if scene.dry else None, fail_fast=scene.schedule.get("fail_fast", False),
        fail_fast_percent=scene.schedule.get("fail_fast_ratio", 0.0)))
    request = wiring.request_for(loaded, Path(os.environ["CHAOS_RUNNER_REPORTS"]), (), wishes)
    request = structs.replace(request, in_process=True, overrides=Overrides(*scene.variables))
    found = wiring.run(request, [], lambda _: None).outcome
    return {"verdict": found.verdict, "restored": found.restored, "exit": found.exit,
            "code": found.reasons[0].code, "called": _ordered(scene, steps.CALLED)}


def _impatient(experiment: Data) -> Data:
    """With a second to recover, which is long for what answers at once."""
    experiment["steady-state-hypothesis"]["recovers-within"] = "1s"
    return experiment


def _rollbacks(scene: Scene) -> RollbackStrategy | None:
    word = scene.settings.get("runtime", {}).get("rollbacks", {}).get("strategy")
    return RollbackStrategy(word) if word else None


def _acts(scene: Scene) -> bool:
    """Whether it is at the place where it is to be signalled: its function was called, or its process is there."""
    if scene.at in steps.CALLED:
        return True
    with contextlib.suppress(psutil.NoSuchProcess):
        return any(child.name() == _PROCESS for child in psutil.Process().children(recursive=True))
    return False


@contextlib.contextmanager
def _signal_for(scene: Scene) -> Iterator[None]:
    """Sends the scene's signal once it is in the middle of its action."""
    if not scene.signal:
        yield
        return
    over = threading.Event()

    def send() -> None:
        while not over.wait(_LOOK_S) and not _acts(scene):
            pass
        if not over.wait(_BEGUN_S):
            os.kill(os.getpid(), signal.Signals[scene.signal])

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1:])
