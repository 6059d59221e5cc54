"""What becomes of the work that jobs left in worktrees: merged, kept or discarded. Nothing is ever lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from executor.model import SHORT_ID, Job
from executor.pull_requests import PullRequests, Request
from executor.steps import reach
from executor.work import DECISIONS, Work, WorkState, Worktree
from executor.worktrees.git import GitFailed
from executor.worktrees.repository import Conflict, Repository, Snapshot
from executor.worktrees.worktrees import WRITERS, Worktrees, measure

log = logging.getLogger(__name__)

MOST_DIFF = 1_000_000
"""Bytes of a difference that are shown."""
_TITLE = 60


class Undecided(Exception):
    """Nothing was decided, and nothing changed. The text is a sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What a job changed, as a patch; `cut`: that is not all of it."""

    work: Work
    patch: bytes
    cut: bool


class Decisions:
    """Does what somebody decides, once: what is done again is found done. Every method raises Undecided."""

    def __init__(self, worktrees: Worktrees, requests: PullRequests) -> None:
        self._worktrees = worktrees
        self._requests = requests
        self._store = worktrees.store

    async def diff(self, job: Job) -> Diff:
        """What stands in its worktree now, or stood there when it was decided about."""
        worktree = await self._known(job)
        try:
            async with self._worktrees.turn(worktree.id):
                worktree = await self._known(job)
                await self._check_idle(worktree)
                async with self._worktrees.opened(worktree) as (found, holds):
                    tree = holds.tree if holds else worktree.tip or worktree.branch
                    said = await found.diff(worktree.base, tree, MOST_DIFF)
                    work = await measure(found, worktree, holds) if holds else None
        except (GitFailed, OSError) as error:
            raise Undecided(f"What `{worktree.branch}` changes cannot be shown. {error}") from error
        return Diff(work=work or _work_of(job), patch=said.output, cut=said.cut)

    async def merge(self, job: Job, by: str) -> Work:
        """Merges it, all of it, into the branch that the workspace's checkout is on."""
        return await self._decide(job, WorkState.MERGED, by)

    async def keep(self, job: Job, by: str) -> Work:
        """Leaves it on its branch; what was uncommitted is committed there first."""
        return await self._decide(job, WorkState.KEPT, by)

    async def discard(self, job: Job, by: str) -> Work:
        """Removes it, branch and all; `note` of the work is where it can be had back from."""
        return await self._decide(job, WorkState.DISCARDED, by)

    async def request(self, job: Job) -> str:
        """Opens a pull request of it, which leaves all else to be decided; returns its address."""
        worktree = await self._known(job)
        url = self._worktrees.requests_go_to(worktree)
        if not url:
            raise Undecided(
                f"No pull requests are opened from the workspace `{job.workspace}`: whoever runs the bot may "
                "set `pull_requests` there to the address of its repository."
            )
        try:
            async with self._worktrees.turn(worktree.id):
                worktree = await self._still_open(await self._known(job), job)
                async with self._worktrees.opened(worktree) as (found, holds):
                    commit, work = await self._secured(found, worktree, holds, job)
                    title = " ".join(job.prompt.split())[:_TITLE]
                    text = f"{job.prompt}\n\n---\n\n{job.result}\n\nJob {job.id}."
                    asked = Request(url=url, branch=work.branch, commit=commit, title=title, text=text)
                    opened = await self._requests.open(found, asked)
                    reach("request opened")
                    await self._store.request(worktree, opened)
                    return opened
        except (GitFailed, OSError) as error:
            raise Undecided(f"No pull request was opened. {error}") from error

    async def _decide(self, job: Job, state: WorkState, by: str) -> Work:
        worktree = await self._known(job)
        try:
            async with self._worktrees.turn(worktree.id):
                worktree = await self._still_open(await self._known(job), job)
                async with self._worktrees.opened(worktree) as (found, holds):
                    tip, work = await self._secured(found, worktree, holds, job)
                    if not tip:
                        raise GitFailed(f"The branch `{worktree.branch}` is not there any more.")
                    note = await self._do(state, found, worktree, tip, job, by)
                    known = _work_of(job).request_url
                    work = replace(work, state=state, by=by, note=note, uncommitted=False, request_url=known)
                    await self._store.decide(replace(worktree, tip=tip), work)
                    return work
        except Conflict as conflict:
            files = ", ".join(f"`{name}`" for name in conflict.files[:10])
            raise Undecided(
                f"`{worktree.branch}` cannot be merged by itself, and nothing was changed: both sides "
                f"changed {files}. Keep it and merge the branch by hand, or let the job go on: "
                f"`/job resume {job.short_id} merge the main branch into yours and solve the conflicts`."
            ) from conflict
        except (GitFailed, OSError) as error:
            raise Undecided(f"It stands as it did. {error}") from error

    async def _secured(
        self, found: Repository, worktree: Worktree, holds: Snapshot | None, job: Job
    ) -> tuple[str, Work]:
        """The commit that holds all of it, at the end of its branch."""
        if holds is None:  # an earlier try has got as far as to remove it
            return await found.commit_of(f"refs/heads/{worktree.branch}") or worktree.tip, _work_of(job)
        path = self._worktrees.path(worktree)
        if holds.missing:
            raise Undecided(
                f"Not all of `{path}` can be kept, so nothing was done. git says: {holds.missing}"
            )
        if nested := await found.nested(path, worktree.base, holds.tree):
            raise Undecided(
                f"`{path}` holds other git repositories ({', '.join(nested[:5])}), and what is in them would "
                "be lost: move them away, or add them as submodules."
            )
        tip = await found.commit(holds, f"Uncommitted work of job {worktree.id[:SHORT_ID]}")
        await found.set_branch(worktree.branch, tip)
        await self._store.secure(replace(worktree, tip=tip))
        return tip, await measure(found, worktree, replace(holds, head=tip, dirty=False)) or _work_of(job)

    async def _do(
        self, state: WorkState, found: Repository, worktree: Worktree, tip: str, job: Job, by: str
    ) -> str:
        path, note = self._worktrees.path(worktree), ""
        if state is WorkState.MERGED:
            note = await self._merged(found, worktree, tip, job, by)
        if state is WorkState.DISCARDED:
            note = await found.save(worktree.branch, tip)
            reach("work saved")
        await found.remove(path)
        if state is not WorkState.KEPT:
            await found.delete_branch(worktree.branch, tip)
            reach("branch deleted")
        return note

    async def _merged(self, found: Repository, worktree: Worktree, tip: str, job: Job, by: str) -> str:
        """Into which branch. It takes turns with what else changes the checkout."""
        named = self._worktrees.workspaces.named.items()
        names = [name for name, each in named if each.directory == worktree.checkout]
        title = " ".join(job.prompt.split())[:_TITLE]
        message = f"Merge {worktree.branch}: {title}\n\nJob {job.id}, merged by {' '.join(by.split())}."
        async with self._worktrees.turn(str(worktree.checkout)):
            if writer := await self._store.writer(names, sorted(WRITERS)):
                raise Undecided(
                    f"Job `{writer[:SHORT_ID]}` is changing that checkout just now; merge when it has ended."
                )
            on, _ = await found.merge(tip, message)
        return on

    async def _known(self, job: Job) -> Worktree:
        worktree = await self._store.worktree(job.worktree) if job.worktree else None
        if worktree is None or job.work is None:
            raise Undecided(
                f"Job `{job.short_id}` has left no work in a worktree of its own: there is nothing to decide."
            )
        return worktree

    async def _still_open(self, worktree: Worktree, job: Job) -> Worktree:
        if worktree.state in DECISIONS:
            raise Undecided(f"`{worktree.branch}` is {worktree.state} already.")
        await self._check_idle(worktree)
        if worktree.state is not WorkState.LEFT:
            raise Undecided(f"Nothing is left of `{worktree.branch}` to decide about.")
        return worktree

    async def _check_idle(self, worktree: Worktree) -> None:
        if busy := await self._store.busy(worktree):
            raise Undecided(
                f"Job `{busy[:SHORT_ID]}` goes on with that work: when it has ended, its card shows it all."
            )


def _work_of(job: Job) -> Work:
    assert job.work is not None  # noqa: S101 - nobody decides about what is not there
    return job.work
