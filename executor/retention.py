"""Removes the files of jobs that ended long ago: raw logs, results, what people sent. The event log stays."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from executor.parcels import Parcels
from executor.ports import Clock, Store

log = logging.getLogger(__name__)

_DAY_S = 86_400.0


class Retention:
    """Keeps the directories under `jobs`, and the parcels, for the time `keep` after the end of their job."""

    def __init__(self, store: Store, clock: Clock, jobs: Path, parcels: Parcels, keep: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._jobs = jobs
        self._parcels = parcels
        self._keep = keep

    async def run(self) -> None:
        """Looks now and every day, until cancelled."""
        while True:
            removed = await self.sweep()
            if removed:
                log.info("retention.removed", extra={"jobs": removed})
            await asyncio.sleep(_DAY_S)

    async def sweep(self) -> int:
        """Removes what is due; returns of how many jobs. What belongs to no job that is known stays."""
        before, removed = self._clock.now() - self._keep, 0
        for directory in await asyncio.to_thread(_untouched, self._jobs, before):
            job = await self._store.job(directory.name)
            if job is not None and job.finished_at is not None and job.finished_at < before:
                await asyncio.to_thread(shutil.rmtree, directory, ignore_errors=True)
                removed += 1
        await self._parcels.sweep(lambda: self._store.parcels_in_use(before))
        return removed


def _untouched(jobs: Path, before: datetime) -> Sequence[Path]:
    """A first look that spares the store: attempts change their directory when they begin and end."""
    if not jobs.exists():
        return []
    return [each for each in jobs.iterdir() if each.lstat().st_mtime < before.timestamp()]
