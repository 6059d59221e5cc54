"""Starts the jobs of schedules when they are due: sleeps to exactly the next run, by the wall clock."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from executor.model import JobRequest
from executor.ports import Clock
from executor.schedules import Due, ScheduleStore, Verdict, advance, deny, next_from
from executor.steps import reach
from executor.wakeups import SCHEDULES, Wakeups

log = logging.getLogger(__name__)

_LOOK_S = 60.0
"""Seconds of the longest sleep: after a jump of the clock, or a suspend, all is looked at anew."""
_BATCH = 100
"""Schedules that are fired in one transaction: what is due on the hour shares a commit."""

Permit = Callable[[JobRequest], Awaitable[str]]
"""Asked at each fire whether the schedule's owner may still have that: why not, in a sentence, or nothing."""


class Scheduler:
    """The one loop that fires schedules. Several of them on one store still fire each run once."""

    def __init__(self, store: ScheduleStore, wakeups: Wakeups, clock: Clock, permit: Permit) -> None:
        self._store = store
        self._wakeups = wakeups
        self._clock = clock
        self._permit = permit

    async def run(self) -> None:
        """Fires what is due until cancelled."""
        with self._wakeups.listen(SCHEDULES) as bell:
            while True:
                await self._fire_all()
                await self._count_anew()
                await bell.wait(await self._pause_s())

    async def _fire_all(self) -> None:
        while True:
            now = self._clock.now()
            schedules = await self._store.due_schedules(now, _BATCH)
            dues = [await self._permitted(due) for schedule in schedules if (due := advance(schedule, now))]
            if dues:
                reach("schedules due")
                await self._store.fire(dues)
            for due in dues:
                known = {"schedule_id": due.schedule.id, "fire": due.fire.key, "verdict": due.verdict}
                log.info("scheduler.fired", extra=known)
            if len(schedules) < _BATCH:
                return

    async def _permitted(self, due: Due) -> Due:
        refusal = await self._permit(due.schedule.request) if due.verdict is Verdict.STARTED else ""
        return deny(due, refusal) if refusal else due

    async def _count_anew(self) -> None:
        """A clock that was ahead and has been set right leaves next runs that are too far off."""
        now = self._clock.now()
        for schedule in await self._store.counted_after(now):
            await self._store.count_anew(schedule, next_from(schedule, now), now)

    async def _pause_s(self) -> float:
        due = await self._store.next_run()
        if due is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.0, (due - self._clock.now()).total_seconds()))
