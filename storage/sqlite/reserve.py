"""Room on the disk that is taken beforehand, so that on a full one what was accepted can be finished."""

from __future__ import annotations

import os
from pathlib import Path

from storage.sqlite.faults import free_bytes

SIZE = 16 * 1024 * 1024
"""Even a DELETE needs room: it goes to the write-ahead log first."""


class Reserve:
    """The file `path`. Blocks, but not for long."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        self._path = path
        self._size = size
        self._owed = False

    def hold(self) -> bool:
        """Takes the room, if as much again is then left to others; says whether it is held."""
        if not self._is_whole() and free_bytes(self._path) >= 2 * self._size:
            try:
                with self._path.open("wb") as file:
                    os.posix_fallocate(file.fileno(), 0, self._size)
            except OSError:  # somebody else was faster
                self._path.unlink(missing_ok=True)
        return self._is_whole()

    def free(self) -> bool:
        """Gives the room back; False where none was held."""
        held = self._is_whole()
        self._owed |= held
        self._path.unlink(missing_ok=True)
        return held

    def restored(self) -> bool:
        """Takes back what had to be given away; False as long as there is no room for it."""
        self._owed = self._owed and not self.hold()
        return not self._owed

    def _is_whole(self) -> bool:
        return self._path.exists() and self._path.stat().st_size == self._size
