"""One process of a job: fed, read to its end, and stopped with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from executor.backends.base import Command
from executor.ports import ProcessRecord
from executor.processes.lines import LineSplitter
from executor.processes.shims import Shims
from executor.processes.supervised import Cause, Supervised

_CHUNK = 64 * 1024
"""Bytes split at a time: four times as many would hold up the loop twice as long and gain nothing."""
_DRAIN_S = 2.0
"""Seconds that output may still be read after the end, where its listener is slow."""
_WORDS = 1000
"""Bytes that are kept of what a sandbox complains of."""
_SIGNALS = {134: -6, 136: -8, 137: -9, 139: -11}
"""Exit codes that are surely a signal, as bwrap tells one: abort, arithmetic, kill, fault. The others of that
range are not: Gemini exits with an HTTP status modulo 256, Claude with 143 where it has cleaned up."""

Lines = Callable[[Sequence[bytes]], Awaitable[None]]


class Process:
    """A started process and all below it, as one. Callers read it, stop it and close it."""

    def __init__(self, job: Supervised) -> None:
        self._job = job
        self._asked = False
        self.refusal = ""
        """Why it never began, in the words of its sandbox that could not be made; empty where it did."""
        self.cut_lines = 0
        """Lines that were too long to be handed on whole."""

    @property
    def record(self) -> ProcessRecord:
        return self._job.record

    @property
    def running(self) -> bool:
        return self._job.running

    async def read(self, stdin: bytes, stdout: Lines, stderr: Lines, *, more: bool = False) -> int:
        """Feeds `stdin`, hands on all lines, and waits for the end. Returns the exit code, or minus a signal.

        Its standard input ends there, unless `more` is to be written.

        When it returns, nothing is left of what the process has started.
        """
        job, complaint = self._job, bytearray()

        async def overhear(lines: Sequence[bytes]) -> None:
            if not complaint:
                complaint.extend(lines[0][:_WORDS])
            await stderr(lines)

        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(self._feed(stdin, more=more))
            readers = [
                group.create_task(self._hand_on(job.stdout, stdout)),
                group.create_task(self._hand_on(job.stderr, overhear)),
            ]
            ended = await job.wait()
            feeding.cancel()
            _, late = await asyncio.wait(readers, timeout=_DRAIN_S)
            if late:
                job.close()  # its readers still get what has come so far, and then the end
        if ended.cause is Cause.SANDBOX:
            self.refusal = complaint.decode(errors="replace") or f"it ended with {ended.code}"
        return _SIGNALS.get(ended.code, ended.code)

    async def write(self, data: bytes) -> None:
        """Writes to its standard input; returns when there is room for more, or nobody reads it any more."""
        # A CLI that does not want its input, or is gone, is no fault of ours: its exit says what happened.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._job.stdin.write(data)
            await self._job.stdin.drain()

    def end_input(self) -> None:
        """Lets its standard input end, once all of it is read."""
        self._job.stdin.close()

    async def _feed(self, stdin: bytes, *, more: bool) -> None:
        await self.write(stdin)
        if not more:
            self.end_input()

    async def _hand_on(self, stream: asyncio.StreamReader, lines: Lines) -> None:
        splitter = LineSplitter()
        while chunk := await stream.read(_CHUNK):
            if whole := splitter.feed(chunk):
                await lines(whole)
        if last := splitter.finish():
            await lines(last)
        self.cut_lines += splitter.truncated

    async def stop(self, grace_s: float) -> None:
        """Ends the whole tree: asks first, and forces what is left after `grace_s` seconds."""
        if not self._asked:
            self._asked = True
            self._job.stop()  # once: who is asked again has no grace
        try:
            async with asyncio.timeout(grace_s):
                await self._job.wait()
        except TimeoutError:
            pass
        finally:
            await self._job.kill()  # also when cancelled: whoever is in a hurry gives no grace

    async def close(self, grace_s: float) -> None:
        """Stops what still runs and gives the pipes back, read or not."""
        try:
            await self.stop(grace_s)
        finally:
            self._job.close()


async def spawn(shims: Shims, command: Command) -> Process:
    """Starts `command`. Raises OSError where it cannot be started; cancelled, it leaves nothing behind."""
    return Process(await shims.spawn(command))
