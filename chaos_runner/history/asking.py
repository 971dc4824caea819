"""What can be asked of the history."""

import sqlite3
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Final

from msgspec import Struct

from chaos_runner.errors import UsageError
from chaos_runner.history.rows import NOT_RESTORED_BELOW, ProbeRow, RunRow
from chaos_runner.history.tables import Experiment, Other, select
from chaos_runner.run.events import Verdict

_NAMED_MOST: Final = 5
FAILED: Final = (str(Verdict.DEVIATED), str(Verdict.ABORTED), str(Verdict.ERROR))
"""What counts as a failure of the system or of the experiment. Who was interrupted has not failed."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which runs are asked for. `since` is RFC 3339 in UTC; `limit` 0 is all of them."""

    experiment: str = ""
    verdict: str = ""
    since: str = ""
    limit: int = 20
    worst_first: bool = False


class Strip(Struct, frozen=True, kw_only=True):
    """An experiment, how often it was run, and its last runs, the newest last."""

    title: str
    count: int
    last: list[RunRow]


class History:
    """An open history."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def runs(self, wanted: Wanted) -> list[RunRow]:
        """Newest first, or worst first. Raises UsageError for an experiment that was never run."""
        asked: list[tuple[str, list[object]]] = []
        if wanted.experiment:
            titles = self._titles(wanted.experiment)
            asked.append((f"title IN ({', '.join('?' * len(titles))})", [*titles]))
        if wanted.verdict:
            asked.append(("verdict = ?", [wanted.verdict]))
        if wanted.since:
            asked.append(("started >= ?", [wanted.since]))
        where = f"WHERE {' AND '.join(words for words, _ in asked)}" if asked else ""
        order = "rank, run DESC" if wanted.worst_first else "run DESC"
        values = [value for _, given in asked for value in given]
        return self._select(RunRow, f"FROM runs {where} ORDER BY {order} LIMIT ?", [*values, wanted.limit or -1])

    def run(self, run: str) -> RunRow | None:
        """One run."""
        found: list[RunRow] = self._select(RunRow, "FROM runs WHERE run = ?", [run])
        return found[0] if found else None

    def probes(self, runs: Sequence[str]) -> list[ProbeRow]:
        """The probes of these runs, oldest run first, each in its outcome's order."""
        marks = ", ".join("?" * len(runs))
        return self._select(ProbeRow, f"FROM probes WHERE run IN ({marks}) ORDER BY run, position", runs)

    def trend(self, name: str, limit: int) -> list[RunRow]:
        """The last runs of one experiment, oldest first.

        Raises UsageError when it was never run, or when several are called so.
        """
        titles = self._titles(name)
        if len(titles) > 1:
            named = "; ".join(titles[:_NAMED_MOST])
            raise UsageError(f"{name} may be {len(titles)} experiments: {named}: give the whole title")
        return self.runs(Wanted(experiment=titles[0], limit=limit))[::-1]

    def before(self, run: str, title: str, environment: str) -> RunRow | None:
        """The run of the same experiment, in the same environment, that came last before this one."""
        found: list[RunRow] = self._select(
            RunRow, "FROM runs WHERE title = ? AND environment = ? AND run < ? ORDER BY run DESC LIMIT 1",
            [title, environment, run])
        return found[0] if found else None

    def last_failed(self, experiment: tuple[str, str], environment: str) -> RunRow | None:
        """The last run of that title or file in that environment that failed, or has not brought back everything."""
        found: list[RunRow] = self._select(
            RunRow, "FROM runs WHERE (title = ? OR file = ?) AND environment = ? AND (verdict IN (?, ?, ?) OR rank < ?)"
                    " ORDER BY run DESC LIMIT 1", [*experiment, environment, *FAILED, NOT_RESTORED_BELOW])
        return found[0] if found else None

    def count(self) -> int:
        """How many runs there are."""
        return int(self._db.execute("SELECT count(*) FROM runs").fetchone()[0])

    def left(self, limit: int) -> list[RunRow]:
        """Runs that have not brought back everything, newest first."""
        found: list[RunRow] = self._select(
            RunRow, "FROM runs WHERE rank < ? ORDER BY run DESC LIMIT ?", [NOT_RESTORED_BELOW, limit])
        return found

    def others(self) -> list[Other]:
        """Folders without an outcome that could be read, newest first."""
        return self._select(Other, "FROM others ORDER BY run DESC")

    def titles(self) -> list[str]:
        """Every experiment that was ever run."""
        return [title for (title,) in self._db.execute("SELECT DISTINCT title FROM experiments ORDER BY title")]

    def _titles(self, name: str) -> list[str]:
        """What a name stands for: a title, a file, a file's name, or words in a title."""
        known: list[Experiment] = self._select(Experiment, "FROM experiments ORDER BY title")
        for fits in (_is_title, _is_file, _is_in_title):
            found = list(dict.fromkeys(one.title for one in known if fits(one, name)))
            if found:
                return found
        some = "; ".join(dict.fromkeys(one.title for one in known[:_NAMED_MOST])) or "none at all"
        raise UsageError(f"no experiment {name} was ever run; there are: {some}")

    def _select(self, kind: type[Any], rest: str, values: Sequence[object] = ()) -> list[Any]:
        return select(self._db, kind, rest, values)


def _is_title(one: Experiment, name: str) -> bool:
    return one.title == name


def _is_file(one: Experiment, name: str) -> bool:
    file = PurePath(one.file)
    return PurePath(name) == file or name in (file.name, file.stem)


def _is_in_title(one: Experiment, name: str) -> bool:
    return name.casefold() in one.title.casefold()
