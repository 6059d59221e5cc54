"""What an agent left for people: which of its files go into the thread, and which do not, and why."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.platforms.base import Attachment
from executor.files import amount
from executor.model import Job
from executor.parcels import plain_name, visible
from executor.untrusted import read_under

MOST = 10
"""Files that go into a thread."""
MOST_TOGETHER = 100_000_000
"""Bytes that they may have together."""
REPORT = "report.md"
"""What becomes the report is no file beside it."""
_LOOKED_AT = 1_000
"""So many entries are looked at: an agent may leave a whole tree."""
_DEPTH = 4
_NAMED = 3
"""Files that are named among those that are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A file below the directory of results; `name` is the one that the thread gets it under."""

    path: tuple[str, ...]
    size: int
    name: str

    @property
    def title(self) -> str:
        return visible("/".join(self.path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Leavings:
    """All that is to be told of them. `left_out` is a sentence; empty where nothing is."""

    root: Path
    files: Sequence[Leaving] = ()
    left_out: str = ""

    async def attachment(self, leaving: Leaving) -> Attachment | None:
        """The file as it is now; None where it is no more, or is another one."""
        content = await asyncio.to_thread(read_under, self.root, *leaving.path, most=leaving.size + 1)
        if content is None or len(content) != leaving.size:
            return None
        return Attachment(name=leaving.name, title=leaving.title, content=content)


def find(root: Path, job: Job, largest: int) -> Leavings:
    """What lies under `root`, the directory of results; files of more than `largest` bytes are left out."""
    files: list[Leaving] = []
    reasons: dict[str, list[str]] = {}
    names: set[str] = set()
    for path, size in sorted(_walk(root)):
        if path == (REPORT,) and job.report_slug is not None:
            continue
        reason = _reason(files, size, largest)
        if reason:
            reasons.setdefault(reason, []).append(visible("/".join(path)))
            continue
        name = _name(path[-1], job, names)
        names.add(name)
        files.append(Leaving(path=path, size=size, name=name))
    return Leavings(root=root, files=files, left_out=_sentence(reasons, root))


def _reason(files: Sequence[Leaving], size: int, largest: int) -> str:
    if size < 0:
        return "no regular file"
    if size == 0:
        return "empty"
    if size > largest:
        return f"more than {amount(largest)}"
    if len(files) >= MOST:
        return f"more than {MOST} files"
    if sum(file.size for file in files) + size > MOST_TOGETHER:
        return f"more than {amount(MOST_TOGETHER)} together"
    return ""


def _name(last: str, job: Job, taken: set[str]) -> str:
    """Unique in its thread: other jobs there have left files too. It must be the same after a restart."""
    stem, dot, suffix = plain_name(last, ()).rpartition(".")
    stem, ending = (stem, f".{suffix}") if dot else (suffix, "")
    return plain_name(f"file-{stem}-{job.short_id}{ending}", taken)


def _sentence(reasons: dict[str, list[str]], root: Path) -> str:
    if not reasons:
        return ""
    parts = [f"{_listed(names)} ({reason})" for reason, names in reasons.items()]
    return f"{'; '.join(parts)}: in {root} on the bot's machine"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _walk(root: Path) -> Iterator[tuple[tuple[str, ...], int]]:
    """Each entry with its size, -1 for what is no regular file. No link is followed: an agent made them."""
    seen = 0
    for directory, names, files, place in _each_directory(root):
        path = Path(directory).relative_to(root).parts
        names.sort()
        links = [name for name in names if (Path(directory) / name).is_symlink()]
        for name in sorted([*files, *links]):
            seen += 1
            if seen > _LOOKED_AT:
                return
            try:
                about = os.stat(name, dir_fd=place, follow_symlinks=False)
            except OSError:
                continue
            yield (*path, name), about.st_size if stat.S_ISREG(about.st_mode) else -1
        if len(path) >= _DEPTH:
            names.clear()


def _each_directory(root: Path) -> Iterator[tuple[str, list[str], list[str], int]]:
    try:
        if root.is_symlink():
            return
        yield from os.fwalk(root, follow_symlinks=False)
    except OSError:
        return
