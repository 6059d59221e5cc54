"""A git worktree per job: begun before its first attempt, looked at when it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from weakref import WeakValueDictionary

from executor.events import Noticed
from executor.job_types import JOB_TYPES
from executor.model import Job
from executor.ports import Store
from executor.steps import reach
from executor.work import Work, WorkState, Worktree, WorktreeStore
from executor.workspaces import Workspace, Workspaces
from executor.worktrees import repository
from executor.worktrees.git import GitFailed, Program
from executor.worktrees.repository import Repository, Snapshot

log = logging.getLogger(__name__)

WRITERS = frozenset(name for name, job_type in JOB_TYPES.items() if job_type.writes)
"""Types of job that change their workspace; the others work in the checkout itself."""
_LATER = " What is not committed in the workspace's own checkout is not in it."
_OWNER = "[user]\n\tname = Bifrost\n\temail = bifrost@localhost\n"
"""Who commits, where neither the repository nor the home of an agent says so."""


class NoWorktree(Exception):
    """A job has nowhere to work. The text is a sentence for people."""


class Worktrees:
    """The worktrees below `root`, each named by the id of the job that began it."""

    def __init__(
        self, git: Program, root: Path, jobs: Store, store: WorktreeStore, workspaces: Workspaces
    ) -> None:
        self.git = git
        self.root = root
        self.workspaces = workspaces
        self._jobs = jobs
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.store = store

    async def ground(self, job: Job, workspace: Workspace, home: Path) -> Workspace:
        """Where a job works: its workspace, or a worktree of it, which is made where there is none yet.

        `home` is that of its agent. Raises NoWorktree.
        """
        if not await asyncio.to_thread(workspace.directory.is_dir):
            raise NoWorktree(
                f"Its workspace `{job.workspace}` should be `{workspace.directory}`, which is not there. "
                "Make that directory on the bot's machine, or correct it in bifrost.toml; then retry."
            )
        if job.type not in WRITERS:
            return workspace
        if not workspace.worktrees and job.worktree is None:
            async with self.turn(str(workspace.directory)):  # while something is merged there, we wait
                return workspace
        try:
            async with self.turn(job.worktree or job.id):
                place = await self._enter(job, workspace.directory)
        except GitFailed as error:
            raise NoWorktree(
                f"It cannot have a worktree of `{workspace.directory}`. {error} "
                "`bifrost doctor` tells what to do."
            ) from error
        await asyncio.to_thread(_introduce, home)
        return replace(workspace, directory=place)

    async def leave(self, job: Job) -> None:
        """Takes down what a job leaves that is about to end, or has ended; removes what holds nothing.

        What goes wrong is tried again by the upkeep.
        """
        try:
            async with self.turn(job.worktree or job.id):
                worktree = await self.store.worktree(job.worktree or job.id)
                if worktree is None or await self.store.busy(worktree, but=job.id):
                    return
                if worktree.state is WorkState.USED:
                    await self._leave(worktree, job.id)
        except (GitFailed, OSError) as error:
            log.warning("worktrees.not_left", extra={"job_id": job.id, "error": str(error)})

    def turn(self, name: str) -> asyncio.Lock:
        """Held by whoever changes a worktree (by its id) or a checkout (by its path)."""
        return self._turns.setdefault(name, asyncio.Lock())

    def place(self, job: Job) -> Path:
        """Where its worktree is, if it has one."""
        return self.root / (job.worktree or job.id)

    def path(self, worktree: Worktree) -> Path:
        return self.root / worktree.id

    def requests_go_to(self, worktree: Worktree) -> str:
        """The address of the repository that its pull requests go to; empty where none may be opened."""
        named = self.workspaces.named.values()
        return next((each.pull_requests for each in named if each.directory == worktree.checkout), "")

    @asynccontextmanager
    async def opened(self, worktree: Worktree) -> AsyncIterator[tuple[Repository, Snapshot | None]]:
        """Its repository, and what it holds; None where it is no more. Raises GitFailed."""
        found = await repository.find(self.git, worktree.checkout)
        path = self.path(worktree)
        yield found, await found.snapshot(path) if found.stands(path) else None

    async def _enter(self, job: Job, checkout: Path) -> Path:
        id = job.worktree or job.id
        known = await self.store.worktree(id)
        found = await repository.find(self.git, known.checkout if known else checkout)
        path = self.place(job)
        stands = found.stands(path)
        if known and (stands or await found.commit_of(f"refs/heads/{known.branch}")):
            worktree = replace(known, state=WorkState.USED)
        else:
            worktree = await self._begun(found, id, known)
        await self.store.use(worktree, job.id)
        if not stands:
            await found.add(path, worktree.branch, worktree.base)
            reach("worktree made")
            later = _LATER if await found.is_dirty() else ""
            told = f"It works on the branch `{worktree.branch}`, in a worktree of its own.{later}"
            await self._jobs.record(job, [Noticed(text=told)])
        ground = path / found.prefix
        ground.mkdir(parents=True, exist_ok=True)  # a workspace may be a directory that no commit holds
        return ground

    async def _begun(self, found: Repository, id: str, known: Worktree | None) -> Worktree:
        base = await found.commit_of("HEAD")
        if not base:
            raise GitFailed("Its repository has no commit yet, and a worktree begins at one: make one there.")
        branch = known.branch if known else await found.free_branch(id)
        return Worktree(id=id, checkout=found.checkout, branch=branch, base=base)

    async def _leave(self, worktree: Worktree, job_id: str) -> None:
        async with self.opened(worktree) as (found, holds):
            if holds is None:
                tip = await found.commit_of(f"refs/heads/{worktree.branch}") or worktree.base
                holds = Snapshot(head=tip, tree=f"{tip}^{{tree}}", dirty=False)
            work = await measure(found, worktree, holds)
            if work is None:
                await found.remove(self.path(worktree))
                await found.delete_branch(worktree.branch, worktree.base)
            else:
                work = replace(work, may_be_requested=bool(self.requests_go_to(worktree)))
            await self.store.leave(worktree, job_id, work)


async def measure(found: Repository, worktree: Worktree, holds: Snapshot) -> Work | None:
    """What there is beside what it began from; None where nothing is."""
    commits = await found.commits(worktree.base, holds.head)
    files, added, removed = await found.changes(worktree.base, holds.tree)
    if not (commits or files or holds.missing):
        return None
    return Work(
        branch=worktree.branch,
        commits=commits,
        files=files,
        added=added,
        removed=removed,
        uncommitted=holds.dirty,
    )


def _introduce(home: Path) -> None:
    """Lets an agent commit where nobody has said who it is: else git refuses to."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with (home / ".gitconfig").open("x") as file:
            file.write(_OWNER)
    except FileExistsError:
        pass
