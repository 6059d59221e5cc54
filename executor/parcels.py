"""Where files lie that people send: a directory per message, there before the job that it is for."""

from __future__ import annotations

import asyncio
import mimetypes
import os
import re
import shutil
import unicodedata
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from executor.files import File
from executor.steps import reach

Take = Callable[[bytes], Awaitable[None]]
Fetch = Callable[[Take], Awaitable[None]]
"""Brings the bytes of a file, piece by piece, to whoever takes them."""

_LABEL, _STEM, _SUFFIX = 120, 60, 12
"""Characters of each that are kept."""
_UNKNOWN_TYPE = "application/octet-stream"
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Signs that nobody sees, and that turn a name into another one: controls, directions, line ends."""


class TooLarge(Exception):
    """More bytes came than a file may have."""


class Parcel:
    """The files of one message. Each is on the disk, for good, when `add` returns."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._names: set[str] = set()

    async def add(self, label: str, fetch: Fetch, most: int) -> File:
        """Keeps what `fetch` brings, under a name of ours. Raises TooLarge, OSError, and as `fetch` does."""
        name = plain_name(label, self._names)
        self._names.add(name)
        size = await _receive(self._place / name, fetch, most)
        await asyncio.to_thread(_sync, self._place)
        reach("file received")
        kind = mimetypes.guess_type(name)[0] or _UNKNOWN_TYPE
        return File(parcel=self._place.name, name=name, label=visible(label), size=size, type=kind)


class Parcels:
    """All of them, under `root`. One belongs to whatever names it in the store; the others are swept away."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: set[str] = set()
        """Those that are being filled, or are not committed yet."""

    @asynccontextmanager
    async def parcel(self) -> AsyncIterator[Parcel]:
        """A new one, which shall be named in the store when the block ends. If that fails, it is removed."""
        place = self.root / uuid.uuid4().hex
        self._open.add(place.name)
        try:
            await asyncio.to_thread(_make, place)
            yield Parcel(place)
        except Exception:  # cancelled, the block may have named it in the store all the same
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
            raise
        finally:
            self._open.discard(place.name)

    async def sweep(self, in_use: Callable[[], Awaitable[Collection[str]]]) -> int:
        """Removes all that the store does not name any more, or never did; returns how many."""
        # In this order: what is committed meanwhile is either still open when we look, or in use afterwards.
        found = {each.name for each in await asyncio.to_thread(_directories, self.root)} - self._open
        unused = found - set(await in_use()) if found else set()
        for name in unused:
            await asyncio.to_thread(shutil.rmtree, self.root / name, ignore_errors=True)
        return len(unused)


def lay_out(files: Sequence[File], root: Path, place: Path) -> None:
    """Lets files of the parcels under `root` lie under `place` too, as a running job sees no others.

    Both are on one file system: nothing is copied.
    """
    for file in files:
        copy = place / file.parcel / file.name
        copy.parent.mkdir(mode=0o700, exist_ok=True)
        if not copy.exists():
            copy.hardlink_to(root / file.parcel / file.name)


def visible(text: str) -> str:
    """A name of somebody's on one line, without signs that cannot be seen or that change how it reads."""
    shown = _shown(text)
    cut = f"{shown[: _LABEL - _SUFFIX]}…{shown[-_SUFFIX:]}" if len(shown) > _LABEL else shown
    return cut or "file"


def plain_name(label: str, taken: Collection[str]) -> str:
    """A name that every system takes and none takes for a path; another one than those that are `taken`."""
    last = _shown(label).replace("\\", "/").rpartition("/")[2]
    stem, dot, suffix = unicodedata.normalize("NFKD", last).rpartition(".")
    if not dot or len(suffix) > _SUFFIX:
        stem, suffix = last, ""
    stem, suffix = _plain(stem)[:_STEM].strip("-._") or "file", _plain(suffix).strip("-._")
    ending = f".{suffix}" if suffix else ""
    name, number = f"{stem}{ending}", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}{ending}"
    return name


def _shown(text: str) -> str:
    return " ".join("".join(" " if unicodedata.category(sign) in _HIDDEN else sign for sign in text).split())


def _plain(text: str) -> str:
    ascii_only = text.encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._]+", "-", ascii_only)


def _make(place: Path) -> None:
    place.mkdir(parents=True, mode=0o700)
    _sync(place.parent)


async def _receive(path: Path, fetch: Fetch, most: int) -> int:
    size = 0
    # For reading alone: what an agent changes there, a retry would find changed.
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb")
    try:

        async def take(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            if size > most:
                raise TooLarge
            await asyncio.to_thread(file.write, piece)

        await fetch(take)
        await asyncio.to_thread(_finish, file)
    finally:
        file.close()
    return size


def _finish(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _directories(root: Path) -> list[Path]:
    return [each for each in root.iterdir() if each.is_dir()] if root.exists() else []
