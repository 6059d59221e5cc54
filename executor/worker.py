"""Slots: claims jobs that are due and carries out their attempts."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from executor.attempt import run_attempt
from executor.lifecycle import Transition
from executor.model import Job, Outcome, OutcomeKind
from executor.reports import remove_partial
from executor.steps import reach
from executor.wakeups import QUEUE
from executor.workshop import Workshop

_LOOK_S = 30.0
"""Seconds after which a job that is due is found although its wake-up got lost."""
_NOT_BEGUN = Outcome(kind=OutcomeKind.INTERRUPTED, reason="shutdown")


class Worker:
    """Runs up to `slots` attempts at a time. Cancelling `run` interrupts them; their jobs go on later.

    `carry_out` runs the attempt that a job was claimed for, and settles it. `only` is the id of the one job
    that the worker is there for.
    """

    def __init__(
        self,
        workshop: Workshop,
        name: str,
        slots: int,
        only: str | None = None,
        carry_out: Callable[[Workshop, Job], Awaitable[None]] = run_attempt,
    ) -> None:
        self._workshop = workshop
        self._name = name
        self._free = slots
        self._only = only
        self._carry_out = carry_out
        self._drained = asyncio.Event()
        self.turned_at: datetime | None = None
        """When it last looked for work, or whether there is room for any; twice a minute at least."""

    async def run(self) -> None:
        """Claims and starts until cancelled, or until drained."""
        await asyncio.to_thread(self._clear)
        async with asyncio.TaskGroup() as group:
            claiming = group.create_task(self._claim_all(group))
            await self._drained.wait()
            claiming.cancel()

    def drain(self) -> None:
        """Claims nothing more: `run` ends when the attempts that run have ended."""
        reach("drain asked")
        self._drained.set()

    async def _claim_all(self, group: asyncio.TaskGroup) -> None:
        with self._workshop.wakeups.listen(QUEUE) as bell:
            while True:
                self.turned_at = looked_at = self._workshop.clock.now()
                asked = self._free
                jobs = await self._claim(asked) if asked else ()
                for job in jobs:
                    self._free -= 1
                    group.create_task(self._attempt(job))
                if not asked:
                    await bell.wait(_LOOK_S)
                elif len(jobs) < asked:
                    await bell.wait(await self._pause_s(looked_at))

    def _clear(self) -> None:
        """Removes the temporary files of attempts that were cut short."""
        remove_partial(self._workshop.reports)
        for temp in self._workshop.jobs.glob("*/tmp-*"):
            shutil.rmtree(temp, ignore_errors=True)
            reach("left-over files removed")

    async def _claim(self, most: int) -> Sequence[Job]:
        # Shielded: a claim that is cancelled half-way would leave running jobs that nobody runs.
        store, providers = self._workshop.store, list(self._workshop.backends)
        claim = asyncio.ensure_future(store.claim(self._name, providers, most, self._only))
        try:
            return await asyncio.shield(claim)
        except asyncio.CancelledError:
            for job in await claim:
                await store.settle(job, Transition.INTERRUPT, _NOT_BEGUN)
            raise

    async def _attempt(self, job: Job) -> None:
        try:
            await self._carry_out(self._workshop, job)
        finally:
            self._free += 1
            self._workshop.wakeups.ring(QUEUE)

    async def _pause_s(self, looked_at: datetime) -> float:
        due = await self._workshop.store.next_due(looked_at)
        if due is None:
            return _LOOK_S
        return min(_LOOK_S, max(0.0, (due - self._workshop.clock.now()).total_seconds()))
