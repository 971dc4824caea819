"""Chaos Toolkit's journal while its run goes on: the very dicts that controls and event handlers are given, and change.

What stands in a run's folder is made from our own journal instead (`report/chaostoolkit.py`).
"""

import platform
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from chaos_runner.engine.activities import Called
from chaos_runner.run import chaoslib
from chaos_runner.run.run import Run

Data = dict[str, Any]
_LISTS: Final = {"m": "method", "r": "rollbacks"}


class LiveJournal:
    """One journal, and where each activity of its experiment stands in it."""

    def __init__(self, experiment: Data, version: str) -> None:
        self.experiment = experiment
        self._began = datetime.now(UTC)
        self._records: dict[str, Data] = {}
        self._state: Data = {}
        self.data: Data = {
            "chaoslib-version": version, "platform": platform.platform(), "node": platform.node(),
            "experiment": experiment.copy(), "start": self._began.isoformat(), "status": None, "deviated": False,
            "steady_states": {"before": None, "after": None, "during": []}, "run": [], "rollbacks": []}

    @property
    def hypothesis(self) -> Data:
        """The hypothesis of the experiment."""
        found: Data = self.experiment.get("steady-state-hypothesis") or {}
        return found

    def activity(self, key: str) -> Data:
        """The activity of that key; of one that refers to another, the other."""
        found: Data = self._list(key)[int(key[1:])]
        return self._named(found["ref"]) if "ref" in found else found

    def _list(self, key: str) -> list[Data]:
        listed = self.hypothesis.get("probes") if key[0] == "p" else self.experiment.get(_LISTS[key[0]])
        return listed or []

    def _named(self, name: str) -> Data:
        return next(activity for activity in self._all() if activity.get("name") == name and "ref" not in activity)

    def _all(self) -> Iterator[Data]:
        """In the order in which chaoslib looks a name up: of two, the hypothesis' is meant."""
        yield from self._list("p")
        yield from self._list("m")
        yield from self._list("r")

    # ── activities ──────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self, key: str) -> Data:
        """The record of an activity that begins now. In the method and the rollbacks it stands in the journal."""
        record = {"activity": self.activity(key).copy(), "output": None, "start": datetime.now(UTC).isoformat()}
        self._records[key] = record
        if key[0] != "p":
            self.data["run" if key[0] == "m" else "rollbacks"].append(record)
        return record

    def end(self, key: str, called: Called) -> Data:
        """The record, with what came of the call. As in chaoslib one that ended the run has no status."""
        record = self._records[key]
        if not called.ends_run:
            record |= {"output": called.output, "status": "succeeded" if called.ok else "failed"}
            if not called.ok:
                record["exception"] = called.error or [called.note]
        self.close(key)
        return record

    def close(self, key: str) -> None:
        """Gives a record its end, if it has none."""
        record = self._records.get(key)
        if record and "end" not in record:
            ended = datetime.now(UTC)
            took = ended - datetime.fromisoformat(record["start"])
            record |= {"end": ended.isoformat(), "duration": took.total_seconds()}

    def is_open(self, key: str) -> bool:
        """Whether an activity was called and has not come back."""
        return "end" not in self._records.get(key, {"end": ""})

    def record(self, key: str) -> Data | None:
        """The record of an activity, None when it was not called."""
        return self._records.get(key)

    def forget(self, key: str) -> None:
        """The activity is about to be gone through once more."""
        self._records.pop(key, None)

    # ── the hypothesis ──────────────────────────────────────────────────────────────────────────────────────────────

    def open_state(self) -> Data:
        """The state that a reading of the hypothesis begins with."""
        self._state = {"steady_state_met": None, "probes": []}
        return self._state

    def told(self, key: str, *, good: bool) -> None:
        """The answer of a probe, judged."""
        record = self._records[key]
        record["tolerance_met"] = good
        if not good:
            self._state["steady_state_met"] = False

    def keep_probe(self, key: str) -> None:
        """Puts a probe's record into the state that is open."""
        record = self._records.get(key)
        if record and record not in self._state["probes"]:
            self._state["probes"].append(record)

    def close_state(self, *, whole: bool) -> Data:
        """The state at the end of a reading. One that was cut short has not been met, nor missed."""
        state = self._state
        if whole and state["steady_state_met"] is None:
            state["steady_state_met"] = True
        return state

    def keep_state(self, reading: str) -> None:
        """Puts the state into the journal."""
        state = self._state
        if reading in ("before", "after"):
            self.data["steady_states"][reading] = state
        else:
            self.data["steady_states"]["during"].append(state)

    # ── the whole ───────────────────────────────────────────────────────────────────────────────────────────────────

    def follow(self, run: Run) -> None:
        """Status and deviation as chaoslib has them at this moment. Before anything speaks for one, there is none."""
        status = chaoslib.status(run)
        self.data["deviated"] = chaoslib.deviated(run)
        if status != "completed" or any(not said.met for said in run.said.values()):
            self.data["status"] = status

    def finish(self, run: Run) -> Data:
        """The journal at its end."""
        ended = datetime.now(UTC)
        self.data |= {"status": chaoslib.status(run), "deviated": chaoslib.deviated(run), "end": ended.isoformat(),
                      "duration": (ended - self._began).total_seconds()}
        return self.data
