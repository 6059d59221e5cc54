"""What every attempt needs: the store, the tools and the places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from executor.agent_tools import ToolRoom
from executor.backends.base import Backend
from executor.catalog import Catalog
from executor.conversation import Mailbox
from executor.job_types.base import JobType
from executor.ports import Clock, Store
from executor.processes.shims import Shims
from executor.questions import Questions
from executor.wakeups import Wakeups
from executor.workspaces import Workspaces
from executor.worktrees.worktrees import Worktrees


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What every attempt needs: the store, the tools and the places."""

    store: Store
    mailbox: Mailbox
    questions: Questions
    wakeups: Wakeups
    shims: Shims
    clock: Clock
    backends: Mapping[str, Backend]
    job_types: Mapping[str, JobType]
    catalog: Catalog
    workspaces: Workspaces
    worktrees: Worktrees
    homes: Path
    """The CLIs' own configuration directories: one per workspace and provider, as what a CLI remembers of one
    workspace is nobody's business in another."""
    jobs: Path
    """A directory per job, for its results, its temporary files, and what its attempts printed."""
    received: Path
    """A directory per message with files that people sent."""
    reports: Path
    grace_s: float
    """Seconds that a process is given to end by itself."""
    silence_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds without a word after which a provider's CLI is taken to hang."""
    question_patience_s: float = 1800.0
    """Seconds that an attempt waits for a person; after that the job waits without a process."""
    tools: ToolRoom | None = None
    """What lets agents call the bot."""
