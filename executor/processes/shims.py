"""Starts jobs under reapers, of which some are kept ready, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from executor.backends.base import Command
from executor.ports import ProcessRecord
from executor.processes import reaper
from executor.processes.supervised import Shim, Supervised
from executor.processes.tree import process_record

log = logging.getLogger(__name__)

_LIMITS = {"CORE": 0, "NOFILE": 65_536, "FSIZE": 16 * 1024**3}
"""No dump of a memory with credentials in it, room for node, and an end to a file that fills the disk."""
_TURN_S = 0.01
"""Seconds between two looks at what is being ended by force."""
_AGAIN_S = 0.1
"""Seconds between two signals to a reaper: the same one sent twice at once arrives once."""
_CLOSE_S = 10.0
_REFILL_S = 0.2
"""Seconds until the next reaper is started: the job that has just begun goes first."""


class Shims:
    """Starts jobs; to be entered on the thread of the event loop. On leaving, every job is ended by force."""

    def __init__(self, sandbox: Sequence[str], grace_s: float, warm: int = 1) -> None:
        """`sandbox`: the argv of a `Sandbox`; `grace_s`: seconds that a job is given to end when it is asked;
        `warm`: reapers that are kept ready.
        """
        self._sandbox = list(sandbox)
        self._grace_s = grace_s
        self._most = warm
        self._warm: list[Shim] = []
        self._running: set[Supervised] = set()

    async def __aenter__(self) -> Self:
        # What a killed reaper leaves behind becomes our child, and not that of process 1.
        reaper.prctl(reaper.PR_SET_CHILD_SUBREAPER, 1)
        self._refill()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._most = 0
        while self._warm:
            self._warm.pop().close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await asyncio.gather(*(job.kill() for job in self._running))
        except TimeoutError:  # their reapers stay with them
            log.error("shims.left", extra={"pids": [job.record.pid for job in self._running]})
        for job in self._running:
            job.close()

    async def spawn(self, command: Command) -> Supervised:
        """Starts `command`. Raises OSError where that fails; cancelled, it leaves nothing behind."""
        starting = asyncio.ensure_future(self._start(command))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with suppress(OSError):
                supervised = await starting
                await supervised.kill()
                supervised.close()
            raise

    async def _start(self, command: Command) -> Supervised:
        _refuse_missing(command)
        order = reaper.Order(
            argv=list(command.argv),
            env=dict(command.env),
            cwd=str(command.cwd),
            limits=_LIMITS,
            sandbox=self._sandbox,
            grace_s=self._grace_s,
        )
        theirs, ours = _pipes()
        try:
            shim = self._hand_over(order, theirs)
        except OSError:
            _close(ours)
            raise
        finally:
            _close(theirs)
        supervised = Supervised(shim, self._grace_s, self._sweep)
        self._running = {job for job in self._running if job.ended is None} | {supervised}
        await supervised.open(*ours)
        try:
            await supervised.started()
        except OSError:
            supervised.close()
            raise
        finally:
            asyncio.get_running_loop().call_later(_REFILL_S, self._refill)
        return supervised

    def _hand_over(self, order: reaper.Order, stdio: list[int]) -> Shim:
        while self._warm:
            shim = self._warm.pop()
            try:
                shim.order(order, stdio)
            except (BrokenPipeError, ConnectionResetError):
                log.warning("shims.warm_died", extra={"pid": shim.record.pid})
                shim.close()
            else:
                return shim
        shim = Shim()
        try:
            shim.order(order, stdio)
        except OSError:
            shim.close()
            raise
        return shim

    def _refill(self) -> None:
        try:
            while len(self._warm) < self._most:
                self._warm.append(Shim())
        except OSError as error:  # the next job starts with a cold one, or says so itself
            log.warning("shims.not_refilled", extra={"error": str(error)})

    async def _sweep(self, lost: ProcessRecord) -> None:
        """Ends what was left by a reaper that somebody killed."""
        log.error("shims.lost", extra={"pid": lost.pid})
        while strays := self._strays(lost):
            reaper.end(lambda: self._strays(lost))
            for pid in strays:
                _bury(pid)
            await asyncio.sleep(_TURN_S)

    def _strays(self, lost: ProcessRecord) -> list[int]:
        """Children that we did not start: a job's are never in our session, and all others are."""
        ours = {shim.record.pid for shim in self._warm} | {job.record.pid for job in self._running}
        found = (reaper.look(pid) for pid in reaper.children() if pid not in ours)
        return [
            process.pid
            for process in found
            if process and process.session != os.getsid(0) and process.started >= lost.started
        ]


def _bury(pid: int) -> None:
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
                with suppress(TimeoutError):
                    async with asyncio.timeout(_AGAIN_S):
                        await gone.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True


def _refuse_missing(command: Command) -> None:
    """bwrap says of a program that is missing what it says of one that fails."""
    program = command.argv[0]
    path = str(command.cwd / program) if "/" in program else program
    if shutil.which(path, path=command.env.get("PATH", os.defpath)) is None:
        number = errno.EACCES if "/" in program and Path(path).exists() else errno.ENOENT
        raise OSError(number, os.strerror(number), program)


def _pipes() -> tuple[list[int], list[int]]:
    """A job's ends of its stdin, stdout and stderr, and ours."""
    made: list[int] = []
    try:
        for _ in range(3):
            made += os.pipe()
    except OSError:
        _close(made)
        raise
    return [made[0], made[3], made[5]], [made[1], made[2], made[4]]


def _close(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
