"""One process of a job: started in a session of its own, read to its end, stopped with all it started."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from executor.backends.base import Command
from executor.ports import ProcessRecord
from executor.processes.lines import LineSplitter
from executor.processes.tree import ProcessTree, process_record

_CHUNK = 256 * 1024
"""Bytes read at a time. asyncio's own readline refuses lines over 64 KiB, so lines are split here."""
_DRAIN_S = 2.0
"""Seconds that output may still come after the end: a grandchild may hold the pipe open for ever."""
_KILL_S = 0.02
"""Seconds between two looks at a tree that is being killed."""

Lines = Callable[[Sequence[bytes]], Awaitable[None]]


class Process:
    """A started process. Its supervision is this class's own: callers only read it and stop it."""

    def __init__(self, process: asyncio.subprocess.Process, record: ProcessRecord) -> None:
        self._process = process
        self.record = record
        self._tree = ProcessTree(record)
        self._empty = False

    async def read(self, stdin: bytes, stdout: Lines, stderr: Lines) -> int:
        """Feeds `stdin`, hands on all lines, and waits for the end. Returns the exit code, or minus a signal.

        When it returns, nothing that the process started in its session is left.
        """
        assert self._process.stdout and self._process.stderr  # noqa: S101 - spawned with pipes
        async with asyncio.TaskGroup() as group:
            group.create_task(self._feed(stdin))
            readers = [
                group.create_task(_hand_on(self._process.stdout, stdout)),
                group.create_task(_hand_on(self._process.stderr, stderr)),
            ]
            code = await self._process.wait()
            await self._sweep()
            _, late = await asyncio.wait(readers, timeout=_DRAIN_S)
            for reader in late:
                reader.cancel()
        return code

    async def stop(self, grace_s: float) -> None:
        """Ends the whole tree: asks first, and forces what is left after `grace_s` seconds."""
        if self._empty:
            return
        self._tree.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        await self._sweep()

    async def _sweep(self) -> None:
        while not self._tree.kill():  # noqa: ASYNC110 - the kernel tells nobody when a tree is empty
            await asyncio.sleep(_KILL_S)
        self._empty = True

    async def _feed(self, data: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None  # noqa: S101 - spawned with pipes
        # A CLI that does not want its input, or is gone, is no fault of ours: its exit says what happened.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stdin.write(data)
            await stdin.drain()
        stdin.close()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            await stdin.wait_closed()


async def spawn(command: Command) -> Process:
    """Starts `command`. Raises OSError where it cannot be started."""
    process = await asyncio.create_subprocess_exec(
        *command.argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=command.cwd,
        env=dict(command.env),
        start_new_session=True,
        limit=_CHUNK,
    )
    record = process_record(process.pid)
    # A child that nobody has waited for is still in /proc, if only as a zombie.
    return Process(process, record or ProcessRecord(pid=process.pid, started=0, boot_id=""))


async def _hand_on(stream: asyncio.StreamReader, lines: Lines) -> None:
    splitter = LineSplitter()
    while chunk := await stream.read(_CHUNK):
        if whole := splitter.feed(chunk):
            await lines(whole)
    if last := splitter.finish():
        await lines(last)
