"""Keeps the memory of this process to itself."""

from __future__ import annotations

import ctypes
import logging
import sys

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
