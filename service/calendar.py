"""What goes by the calendar and not by a pause: a task at times of five cron fields, in UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.triggers.cron import CronTrigger

LOOK_S = 60.0  # between two looks at the wall clock, which somebody may set


class CalendarTask:
    """A task as a step: it is done once for each time that has come, or for several that have come meanwhile."""

    def __init__(
        self, schedule: str, task: Callable[[], None], wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._trigger = CronTrigger.from_crontab(schedule, timezone=UTC)
        self._task = task
        self._wall = wall
        self._next = self._after(wall())

    def take(self) -> float:
        """Do it if its time has come; seconds until it has to be asked again."""
        now = self._wall()
        if now >= self._next:
            self._task()
            self._next = self._after(now)
        return min(LOOK_S, max(0.0, (self._next - now).total_seconds()))

    def _after(self, now: datetime) -> datetime:
        found = self._trigger.get_next_fire_time(now, now)
        return now if found is None else datetime.fromtimestamp(found.timestamp(), UTC)
