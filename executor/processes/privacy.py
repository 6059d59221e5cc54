"""Keeps the memory and the files of this process to itself."""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)

_PR_SET_DUMPABLE = 4


def hide_memory() -> None:
    """Lets no other process of the same user read ours: a job could take chat tokens from /proc/PID/environ.

    Agents themselves are not concerned: the kernel gives every program that is started its own flag.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        log.warning("privacy.refused", extra={"errno": ctypes.get_errno()})


@contextmanager
def private_files() -> Iterator[int]:
    """What is made while the block runs is for this user alone. Yields the umask before, which is for agents:
    what they make in a workspace belongs to those who work there.
    """
    before = os.umask(0o077)
    try:
        yield before
    finally:
        os.umask(before)
