"""Looks after worktrees: what was cut short is finished, and what nobody decides about is kept in the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from executor.model import Job
from executor.ports import Clock, Store
from executor.wakeups import NEWS, Wakeups
from executor.work import Worktree
from executor.worktrees import repository
from executor.worktrees.decisions import Decisions, Undecided
from executor.worktrees.git import GitFailed
from executor.worktrees.worktrees import Worktrees

log = logging.getLogger(__name__)

_LOOK_S = 600.0
_BY = "retention"


class Upkeep:
    """What nobody has decided about is kept after the time `keep`."""

    def __init__(
        self,
        worktrees: Worktrees,
        decisions: Decisions,
        jobs: Store,
        wakeups: Wakeups,
        clock: Clock,
        keep: timedelta,
    ) -> None:
        self._worktrees = worktrees
        self._decisions = decisions
        self._root = worktrees.root
        self._jobs = jobs
        self._wakeups = wakeups
        self._clock = clock
        self._keep = keep
        self._tried: set[str] = set()
        """What could not be looked at, or kept: once per life of the bot is often enough."""

    async def run(self) -> None:
        """Clears up after an earlier life, then looks whenever a job may have ended, until cancelled."""
        await self.clear()
        with self._wakeups.listen(NEWS) as bell:
            while True:
                await self.look()
                await bell.wait(_LOOK_S)

    async def look(self) -> None:
        """One look."""
        for worktree in await self._worktrees.store.abandoned():
            if job := await self._last(worktree):
                await self._worktrees.leave(job)
        for worktree in await self._worktrees.store.undecided(self._clock.now() - self._keep):
            if job := await self._last(worktree):
                try:
                    await self._decisions.keep(job, _BY)
                except Undecided as error:
                    log.warning("upkeep.not_kept", extra={"job_id": job.id, "why": str(error)})

    async def clear(self) -> None:
        """Removes what was half removed, and, once it is saved, what belongs to no job."""
        for path in await asyncio.to_thread(_sorted, self._root):
            if path.name.startswith((".gone-", ".push-")):
                await asyncio.to_thread(repository.remove_tree, path)
            elif path.name.startswith(".index-"):
                path.unlink(missing_ok=True)
        known = set(await self._worktrees.store.all())
        for path in await asyncio.to_thread(_sorted, self._root):
            if path.name not in known and not path.name.startswith("."):
                await self._save_orphan(path)

    async def _save_orphan(self, path: Path) -> None:
        """A database that was put back to an earlier day knows nothing of what came after."""
        for workspace in self._worktrees.workspaces.named.values():
            if not workspace.worktrees:
                continue
            try:
                found = await repository.find(self._worktrees.git, workspace.directory)
                if found.stands(path):
                    tip = await found.commit(await found.snapshot(path), f"What job {path.name} left")
                    ref = await found.save(f"bifrost/{path.name}", tip)
                    await found.remove(path)
                    log.warning("upkeep.orphan_saved", extra={"path": str(path), "ref": ref})
                    return
            except (GitFailed, OSError) as error:
                log.warning("upkeep.orphan_stays", extra={"path": str(path), "error": str(error)})

    async def _last(self, worktree: Worktree) -> Job | None:
        """The newest job that worked there, the first time that it is asked for."""
        job_id = await self._worktrees.store.last_job(worktree)
        key = f"{job_id} {worktree.state}"
        if not job_id or key in self._tried:
            return None
        self._tried.add(key)
        return await self._jobs.job(job_id)


def _sorted(root: Path) -> Sequence[Path]:
    return sorted(root.iterdir()) if root.is_dir() else []
