"""What the command lines of the real CLIs share: executable, directory, the conversation to go on with."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from executor.backends.base import CliMissing

_SESSION_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def locate(provider: str, executable: str, path: str, advice: str) -> str:
    """The absolute path of `executable`, a name to look for on `path` or a path itself. Raises CliMissing."""
    found = shutil.which(executable, path=path)
    if found is None:
        raise CliMissing(provider, f"There is no {executable} to run. {advice}")
    # The process starts in the job's workspace, where a relative path would mean something else.
    return str(Path(found).absolute())


def directory(path: Path) -> str:
    """The name by which a process knows the directory that it was started in: no link is part of it."""
    return str(path.resolve())


def resuming(session_id: str | None) -> list[str]:
    """The flags that go on with a conversation. Raises ValueError for an id that could be anything else."""
    return [] if session_id is None else ["--resume", checked(session_id)]


def checked(session_id: str) -> str:
    """The id of a conversation, which is no flag and no name. Raises ValueError for what is none."""
    if not _SESSION_ID.fullmatch(session_id):
        raise ValueError(f"not a session id: {session_id[:80]!r}")
    return session_id
