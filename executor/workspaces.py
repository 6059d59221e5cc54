"""Where a job works: directories that have names, so that nobody types a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from executor.job_types.templates import Templates

_TEMPLATES = Templates()


class UnknownWorkspace(Exception):
    """There is no workspace of that name. The text is a sentence for the person who asked."""


class Permissions(StrEnum):
    """What an agent may do without asking a person."""

    BYPASS = "bypass"
    """All that its sandbox lets it do."""
    EDITS = "edits"
    """Change files in its workspace; it asks before all else that its CLI would ask for."""
    ASK = "ask"
    """Read; it asks before all else that its CLI would ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A directory to work in, and what holds there."""

    directory: Path
    fallback: str | None = None
    """The provider that does the fresh jobs of another one that is at its limit."""
    templates: Templates = _TEMPLATES
    """What stands in for our prompts."""
    permissions: Permissions = Permissions.BYPASS
    worktrees: bool = False
    """Whether each job works in a git worktree of its own."""
    pull_requests: str = ""
    """The address of the repository that pull requests go to; empty: none may be opened."""
    provider: str | None = None
    """Whose CLI does the work here where nobody says."""
    model: str | None = None
    """The model of jobs here that name none."""
    people: frozenset[str] = frozenset()
    """The ids of those who may have jobs here, by themselves or behind a platform's name and a colon.

    Empty: all whom their platform lets in.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspaces:
    """Workspaces by name."""

    named: Mapping[str, Workspace]
    unheld: frozenset[str] = frozenset()
    """Providers whose CLIs cannot be held to what an agent may do."""

    def objection(self, name: str, provider: str) -> str:
        """Why a provider does no job in a workspace, in a sentence for people; empty where it may."""
        permissions = self.of(name).permissions
        if permissions is Permissions.BYPASS or provider not in self.unheld:
            return ""
        return (
            f"In workspace `{name}` agents may not do all without asking (`{permissions}`), and {provider} "
            "can neither ask nor be held to that. Choose another one, such as `--provider claude`, or "
            "another workspace."
        )

    def of(self, name: str) -> Workspace:
        """Raises UnknownWorkspace where there is none, as of a job older than the configuration."""
        if name in self.named:
            return self.named[name]
        near = get_close_matches(name, self.named, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        listed = ", ".join(f"`{each}`" for each in self.named)
        raise UnknownWorkspace(f"There is no workspace `{name[:80]}`.{hint} There are: {listed}.")
