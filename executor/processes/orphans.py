"""Ends the processes of jobs whose reaper was killed, or whose bot has died."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Container
from contextlib import suppress

from executor.ports import ProcessRecord
from executor.processes import reaper
from executor.processes.record import process_record

log = logging.getLogger(__name__)

_TURN_S = 0.01
"""Seconds between two looks at what is being ended by force."""
_AGAIN_S = 0.1
"""Seconds between two signals to a reaper: the same one sent twice at once arrives once."""


async def sweep(lost: ProcessRecord, known: Container[int]) -> None:
    """Ends what was left by a reaper that somebody killed. `known`: the pids of all reapers that live."""
    log.error("orphans.found", extra={"pid": lost.pid})
    while strays := _strays(lost, known):
        reaper.end(lambda: _strays(lost, known))
        for pid in strays:
            _bury(pid)
        await asyncio.sleep(_TURN_S)


def _strays(lost: ProcessRecord, known: Container[int]) -> list[int]:
    """Children that we did not start: a job's are never in our session, and all others are."""
    found = (reaper.look(pid) for pid in reaper.children() if pid not in known)
    return [
        process.pid
        for process in found
        if process and process.session != os.getsid(0) and process.started >= lost.started
    ]


def _bury(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # by its number: asyncio waits for the children that are its own


async def end_left_over(job: ProcessRecord, within_s: float) -> bool:
    """Ends a job whose bot has died. False where it is not gone after `within_s` seconds.

    Its reaper knows of that death by itself and grants the job its grace; a signal from here ends that.
    """
    try:
        descriptor = os.pidfd_open(job.pid)
    except ProcessLookupError:
        return True
    try:
        # Compared once the descriptor is held: from here on the number can be nobody else's.
        return process_record(job.pid) != job or await _end(descriptor, within_s)
    finally:
        os.close(descriptor)


async def _end(descriptor: int, within_s: float) -> bool:
    loop, gone = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        async with asyncio.timeout(within_s):
            while not gone.is_set():
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, signal.SIGTERM)
                    signal.pidfd_send_signal(descriptor, signal.SIGCONT)  # its job may have stopped it
                with suppress(TimeoutError):
                    async with asyncio.timeout(_AGAIN_S):
                        await gone.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True
