"""The daemon's alarm clock: APScheduler, and nothing of it but its timer. What is due is decided from our own table.

Its schedule is one job that is due when the book says so. APScheduler reads the wall clock when it goes to sleep only,
so whoever waits for the alarm wakes it now and then, lest a clock that was set makes it late.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger


class Alarm:
    """Calls somebody at an instant, from a thread of its own."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": DebugExecutor()})
        self._ring = ring
        self._set_for: datetime | None = None
        self._scheduler.start()

    def set(self, at: datetime | None) -> None:
        """Rings then, and not at whatever it was set for before. It rings at once for what is past."""
        if at == self._set_for:
            return
        self._set_for = at
        if at is None:
            self._scheduler.remove_all_jobs()
        else:
            self._scheduler.add_job(self._rang, DateTrigger(at), id="due", replace_existing=True,
                                    misfire_grace_time=None, coalesce=True, max_instances=1)

    def look_again(self) -> None:
        """Reads the wall clock anew."""
        self._scheduler.wakeup()

    def close(self) -> None:
        """Never rings again."""
        self._scheduler.shutdown(wait=False)

    def _rang(self) -> None:
        self._set_for = None
        self._ring()
