"""Starts jobs under reapers, of which some are kept ready, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from executor.backends.base import Command
from executor.processes import reaper
from executor.processes.supervised import Shim, Supervised
from executor.steps import reach

log = logging.getLogger(__name__)

_LIMITS = {"CORE": 0, "NOFILE": 65_536, "FSIZE": 16 * 1024**3}
"""No dump of a memory with credentials in it, room for node, and an end to a file that fills the disk."""
_CLOSE_S = 10.0
_REFILL_S = 0.2
"""Seconds until the next reaper is started: the job that has just begun goes first."""


class Shims:
    """Starts jobs, each under the `sandbox` argv. On leaving, every job that still runs is ended by force.

    A job that is asked to end has `grace_s` seconds for it, also where the bot dies. `warm` reapers are kept
    ready. Jobs have `umask`; by default ours. In a sandbox they see nothing of `veiled` but what a command is
    given of it: else an agent could read the bot's own token there, and write to its database.
    """

    def __init__(
        self,
        sandbox: Sequence[str],
        grace_s: float,
        warm: int = 1,
        umask: int = -1,
        veiled: Path | None = None,
    ) -> None:
        self._sandbox = list(sandbox)
        self._veiled = veiled
        self._grace_s = grace_s
        self._most = warm
        self._umask = umask
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
            sandbox=self._sandbox and [*self._sandbox, *_veil(self._veiled, command)],
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
        reach("job handed to its reaper")
        supervised = Supervised(shim, self._grace_s)
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
        while True:
            cold = not self._warm
            shim = Shim(self._umask) if cold else self._warm.pop()
            try:
                shim.order(order, stdio)
            except OSError as error:
                shim.close()
                if cold or error.errno not in (errno.EPIPE, errno.ECONNRESET):
                    raise
                log.warning("shims.warm_died", extra={"pid": shim.record.pid})
            else:
                return shim

    def _refill(self) -> None:
        try:
            while len(self._warm) < self._most:
                self._warm.append(Shim(self._umask))
                reach("reaper started")
        except OSError as error:  # the next job starts with a cold one, or says so itself
            log.warning("shims.not_refilled", extra={"error": str(error)})


def _veil(veiled: Path | None, command: Command) -> Iterator[str]:
    """Arguments for bwrap by which the job finds that place empty but for what it may see of it."""
    if veiled is None:
        return
    yield from ("--tmpfs", str(veiled))
    for place in dict.fromkeys((command.cwd, *command.sees)):
        if place.is_relative_to(veiled):
            yield from ("--bind-try", str(place), str(place))


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
