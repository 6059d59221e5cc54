"""The directory that holds everything that lasts, and the lock that keeps it to one process."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from executor.steps import reach


class DataDirInUse(Exception):
    """Another process works on the directory. `holder` is what it wrote of itself."""

    def __init__(self, root: Path, holder: str) -> None:
        super().__init__(
            f"{root} is in use by {holder or 'another Bifrost'}. Stop that one first, "
            "or give this one a directory of its own (`data_dir`)."
        )
        self.holder = holder


@dataclass(frozen=True, slots=True)
class DataDir:
    """Where things are."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "bifrost.db"

    @property
    def reserve(self) -> Path:
        """Room for finishing what was accepted when the disk is full."""
        return self.root / "reserve"

    @property
    def homes(self) -> Path:
        """The CLIs' own configuration directories, one per workspace and provider."""
        return self.root / "agents"

    @property
    def jobs(self) -> Path:
        return self.root / "jobs"

    @property
    def worktrees(self) -> Path:
        """Where jobs work that have a git worktree each."""
        return self.root / "worktrees"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def received(self) -> Path:
        """Files that people sent for jobs."""
        return self.root / "received"

    @property
    def files(self) -> Path:
        """Files of the page's own channels."""
        return self.root / "files"

    @property
    def address(self) -> Path:
        """Where the running server writes its own address."""
        return self.root / "server-address"

    @property
    def tools_socket(self) -> Path:
        """Where agents of running jobs call the bot."""
        return self.root / "tools.sock"

    def make(self) -> None:
        """Makes the directories, for this user alone."""
        places = (self.homes, self.jobs, self.received, self.reports, self.files, self.worktrees)
        for place in (self.root, *places):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)

    def take_over(self, workspace: str) -> None:
        """Gives `workspace` the homes of releases that had one per provider, with the sessions in them.

        Sessions of other workspaces start afresh: their agents must not find what is not theirs.
        """
        for home in self.root.glob("homes/*"):
            place = self.homes / workspace / home.name
            place.parent.mkdir(exist_ok=True, mode=0o700)
            if not place.exists():
                home.rename(place)

    def api_token(self) -> str:
        """The token of the command line; made the first time, readable by this user alone."""
        path = self.root / "api-token"
        if not path.exists():
            partial = self.root / ".api-token"  # always the same, so that a crash leaves none behind
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
            reach("token written")
            partial.replace(path)  # never there without its token, wherever we die
        return path.read_text().strip()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the directory while the block runs. Raises DataDirInUse. The kernel lets go when we die."""
        with (self.root / "bifrost.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise DataDirInUse(self.root, file.read().strip()) from None
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            yield
