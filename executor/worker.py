"""Slots: claims jobs that are due and carries out their attempts."""

from __future__ import annotations

import asyncio
import shutil
from datetime import datetime

from executor.attempt import Attempt, Workshop
from executor.lifecycle import Transition
from executor.model import Job, Outcome, OutcomeKind
from executor.reports import remove_partial
from executor.steps import reach
from executor.wakeups import QUEUE

_LOOK_S = 60.0
"""Seconds after which a job that is due is found although its wake-up got lost."""
_NOT_BEGUN = Outcome(kind=OutcomeKind.INTERRUPTED, reason="shutdown")


class Worker:
    """Runs up to `slots` attempts at a time. Cancelling `run` interrupts them; their jobs go on later.

    `only` is the id of the one job that it is there for.
    """

    def __init__(self, workshop: Workshop, name: str, slots: int, only: str | None = None) -> None:
        self._workshop = workshop
        self._name = name
        self._slots = asyncio.Semaphore(slots)
        self._only = only
        self._drained = asyncio.Event()

    async def run(self) -> None:
        """Claims and starts until cancelled, or until drained."""
        await asyncio.to_thread(self._clear)
        async with asyncio.TaskGroup() as group:
            claiming = group.create_task(self._claim_all(group))
            await self._drained.wait()
            claiming.cancel()

    def drain(self) -> None:
        """Claims nothing more: `run` ends when the attempts that run have ended."""
        reach("drain begins")
        self._drained.set()

    async def _claim_all(self, group: asyncio.TaskGroup) -> None:
        with self._workshop.wakeups.listen(QUEUE) as bell:
            while True:
                await self._slots.acquire()
                looked_at = self._workshop.clock.now()
                job = await self._claim()
                if job is not None:
                    group.create_task(self._attempt(job))
                    continue
                self._slots.release()
                await bell.wait(await self._pause_s(looked_at))

    def _clear(self) -> None:
        """Removes the temporary files of attempts that were cut short."""
        remove_partial(self._workshop.reports)
        for temp in self._workshop.jobs.glob("*/tmp-*"):
            shutil.rmtree(temp, ignore_errors=True)
            reach("left-over files removed")

    async def _claim(self) -> Job | None:
        # Shielded: a claim that is cancelled half-way would leave a running job that nobody runs.
        store, providers = self._workshop.store, list(self._workshop.backends)
        claim = asyncio.ensure_future(store.claim(self._name, providers, self._only))
        try:
            return await asyncio.shield(claim)
        except asyncio.CancelledError:
            job = await claim
            if job is not None:
                await store.settle(job, Transition.INTERRUPT, _NOT_BEGUN)
            raise

    async def _attempt(self, job: Job) -> None:
        try:
            await Attempt(self._workshop, job).run()
        finally:
            self._slots.release()

    async def _pause_s(self, looked_at: datetime) -> float:
        due = await self._workshop.store.next_due(looked_at)
        if due is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.0, (due - self._workshop.clock.now()).total_seconds()))
