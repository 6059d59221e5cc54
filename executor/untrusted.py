"""Reads files below a folder and nowhere else: in a workspace, anybody may have left anything."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from pathlib import Path


def open_under(root: Path, *names: str) -> int | None:
    """A descriptor of root/names…, to be read and closed; None where there is no such regular file.

    No name may lead elsewhere and none may be a link: a job that can write into the folder must not choose
    what is read (B92, B93).
    """
    if any(not name or name in (".", "..") or set(name) & {"/", "\0"} for name in names):
        return None
    with ExitStack() as opened:
        try:
            folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
            opened.callback(os.close, folder)
            for name in names[:-1]:
                folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                opened.callback(os.close, folder)
            # Without O_NONBLOCK a named pipe would block here for ever.
            file = os.open(names[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            return None
        return file


def read_under(root: Path, *names: str, most: int = -1) -> bytes | None:
    """The bytes of root/names…, at most `most` of them, or None where `open_under` opens nothing."""
    file = open_under(root, *names)
    if file is None:
        return None
    with os.fdopen(file, "rb") as stream:
        return stream.read(most)
