"""Signals at random moments of many runs, and two recoverers at once: part of `make crash`.

    python -m tests.crash.signals [RUNS] [SEED]
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.crash.matrix import By, Case, killed
from tests.crash.moments import Moment
from tests.crash.scenes import SCENES, Scene

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
LATEST_S = 2.5
RECOVERERS = 50
AT_ONCE = 3


def main(runs: int, seed: int) -> int:
    """Exit code 1 when any run left a fault, or had another exit code than it should."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(lambda number: _signalled(Path(name) / str(number), random.Random(f"{seed}-{number}")),
                             range(runs)))
        double = list(pool.map(lambda number: _recovered_twice(Path(name) / f"twice-{number}"), range(RECOVERERS)))
    print(f"\n{runs} runs with a signal at a random moment (seed {seed}): {dict(Counter(told))}")
    print(f"{RECOVERERS} times two recoverers at once: {dict(Counter(double))}")
    return 0 if set(told) <= {"undone", "over before"} and set(double) == {"undone once"} else 1


def _signalled(folder: Path, chance: random.Random) -> str:
    number = chance.choice(SIGNALS)
    folder.mkdir()
    with SCENES["host.process_pause"](folder) as scene:
        process = subprocess.Popen(_command(folder, scene), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _wait_for(folder, "RunStarted")
        time.sleep(chance.uniform(0, LATEST_S))
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        if scene.picture() != "running":
            return f"LEFT after {number.name}: {err.decode()[-200:]}"
    if process.returncode == 128 + number:
        return "undone"
    return "over before" if process.returncode == 0 else f"exit {process.returncode} after {number.name}"


def _command(folder: Path, scene: Scene) -> list[str]:
    holds = {"type": "probe", "name": "root", "tolerance": True, "provider": _python("os.path", "exists", path="/")}
    data = {"title": "signals", "description": "at random moments",
            "steady-state-hypothesis": {"title": "x", "probes": [holds]},
            "method": [{"name": "pause", "fault": "host.process_pause", "duration": "1500ms", "background": True,
                        **scene.step},
                       {"type": "action", "name": "busy", "provider": _python("tests.cli.steps", "busy", seconds=1)}]}
    file = folder / "experiment.json"
    file.write_text(json.dumps(data))
    return [sys.executable, "-m", "chaos_runner", "run", str(file), "--quiet", "--reports", str(folder / "reports")]


def _python(module: str, func: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "python", "module": module, "func": func, "arguments": arguments}


def _wait_for(folder: Path, kind: str) -> None:
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        path = folder / "reports" / "latest" / "journal.ndjson"
        if path.exists() and f'"type":"{kind}"' in path.read_text():
            return
        time.sleep(0.005)
    raise TimeoutError(f"no {kind} in {folder}")


def _recovered_twice(folder: Path) -> str:
    """Kills runner and watchdog in mid-fault, and starts two recoverers together."""
    folder.mkdir()
    with SCENES["host.process_pause"](folder) as scene:
        reports = folder / "reports"
        killed(Case("host.process_pause", Moment.HOLDING, by=By.RECOVER), folder, scene)
        command = [sys.executable, "-m", "chaos_runner", "recover", "--all", "--reports", str(reports)]
        both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
        errors = [one.communicate(timeout=60)[1] for one in both]
        if [one.returncode for one in both] != [0, 0]:
            return f"exit {[one.returncode for one in both]}: {errors}"
        if scene.picture() != "running":
            return "LEFT"
        events = (reports / "latest" / "journal.ndjson").read_text()
    return "undone once" if events.count('"type":"Undone"') == 1 else "undone more than once"


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(words + [200, 7][len(words):])))
