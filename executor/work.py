"""What a job leaves in its worktree, and what may become of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class WorkState(StrEnum):
    """Where a worktree stands."""

    USED = "used"
    """A job works in it, or is to go on there."""
    LEFT = "left"
    """Its jobs have ended, and people may decide what becomes of what they left."""
    EMPTY = "empty"
    """They changed nothing, and it is gone."""
    MERGED = "merged"
    KEPT = "kept"
    """Its branch stays, its directory is gone."""
    DISCARDED = "discarded"


DECISIONS = frozenset({WorkState.MERGED, WorkState.KEPT, WorkState.DISCARDED})
MOVES = {
    WorkState.USED: frozenset(set(WorkState) - {WorkState.USED}),
    WorkState.LEFT: frozenset({WorkState.USED}),
    WorkState.EMPTY: frozenset({WorkState.USED}),
    **{decision: frozenset({WorkState.LEFT}) for decision in DECISIONS},
}
"""To each state from which others. A worktree that is used again begins at the same place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What stands on a branch, beside what it began from. `uncommitted`: not all of it is in its commits.

    `state` is what became of it, `by` who decided that, `note` what else is to be known: where it is now.
    """

    branch: str
    commits: int
    files: int
    added: int
    removed: int
    uncommitted: bool = False
    state: WorkState = WorkState.LEFT
    by: str = ""
    note: str = ""
    may_be_requested: bool = False
    """Whether a pull request of it can be opened."""
    request_url: str = ""
    """Its pull request."""

    @property
    def open(self) -> bool:
        """Whether nobody has decided yet what becomes of it."""
        return self.state is WorkState.LEFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktree:
    """The worktree that the job `id` began, in which those that go on with it work too.

    `checkout` is the directory of its workspace, `base` the commit from which `branch` went off.
    """

    id: str
    checkout: Path
    branch: str
    base: str
    state: WorkState = WorkState.USED
    tip: str = ""
    """The commit that holds all of it, once it is decided about."""


class WorktreeStore(Protocol):
    """Worktrees. Each call is one transaction; a move that is not legal any more changes nothing."""

    async def worktree(self, id: str) -> Worktree | None:
        """The one that the job of this id began."""

    async def use(self, worktree: Worktree, job_id: str) -> None:
        """A job is to work in it: to be called before there is anything of it on the disk."""

    async def leave(self, worktree: Worktree, job_id: str, work: Work | None) -> bool:
        """What the job `job_id` left there, to be shown; None where nothing is left at all."""

    async def secure(self, worktree: Worktree) -> None:
        """Remembers its `tip`: to be called before that may be all that is known of it."""

    async def decide(self, worktree: Worktree, work: Work) -> bool:
        """What becomes of it (`work.state`), to be shown with all its jobs. False where that is decided."""

    async def request(self, worktree: Worktree, url: str) -> None:
        """Its pull request, to be shown with all its jobs."""

    async def abandoned(self) -> Sequence[Worktree]:
        """Those in use of which every job has ended."""

    async def undecided(self, before: datetime) -> Sequence[Worktree]:
        """Those that were left before then."""

    async def last_job(self, worktree: Worktree) -> str:
        """The newest job that worked there."""

    async def all(self) -> Sequence[str]:
        """The ids of all worktrees that there ever were."""

    async def busy(self, worktree: Worktree, but: str = "") -> str:
        """An unfinished job that works there, other than `but`; empty where there is none."""

    async def writer(self, workspaces: Sequence[str], types: Sequence[str]) -> str:
        """A job that is changing one of the workspaces itself, without a worktree; empty: there is none."""
