"""Where a job works: directories that have names, so that nobody types a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from executor.job_types.templates import Templates


class UnknownWorkspace(Exception):
    """There is no workspace of that name. The text is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspaces:
    """Named directories, the default first."""

    directories: Mapping[str, Path]
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    """The provider that does the fresh jobs of another one that is at its limit, by workspace."""
    templates: Mapping[str, Templates] = field(default_factory=dict)
    """What stands in for our prompts, by workspace."""

    def choose(self, name: str | None) -> str:
        """The name asked for, or the default. Raises UnknownWorkspace."""
        if name is None:
            return next(iter(self.directories))
        if name in self.directories:
            return name
        near = get_close_matches(name, self.directories, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        listed = ", ".join(f"`{each}`" for each in self.directories)
        raise UnknownWorkspace(f"There is no workspace `{name[:80]}`.{hint} There are: {listed}.")

    def directory(self, name: str) -> Path:
        """Raises UnknownWorkspace where the configuration has dropped it since the job was made."""
        return self.directories[self.choose(name)]

    def words(self, name: str) -> Templates:
        """The prompts that agents are given there."""
        return self.templates.get(name, Templates())
