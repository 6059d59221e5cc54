"""One process of a job: started in a session of its own, read to its end, stopped with all it started."""

from __future__ import annotations

import asyncio
import contextlib
from asyncio.subprocess import SubprocessStreamProtocol
from collections.abc import Awaitable, Callable, Sequence

from executor.backends.base import Command
from executor.ports import ProcessRecord
from executor.processes.lines import LineSplitter
from executor.processes.tree import ProcessTree, process_record

_CHUNK = 256 * 1024
"""Bytes read at a time. asyncio's own readline refuses lines over 64 KiB, so lines are split here."""
_DRAIN_S = 2.0
"""Seconds that output may still come after the end: what got away may hold the pipe open for ever."""
_KILL_S = 0.02
"""Seconds between two looks at a tree that is being killed."""
_LOOK_S = 1.0
"""Seconds between two looks at a tree that runs: a child in a session of its own must be seen while its
parent lives. Claude Code runs every shell command so."""

Lines = Callable[[Sequence[bytes]], Awaitable[None]]


class _Streams(SubprocessStreamProtocol):
    """asyncio's streams of a process, and its end: `Process.wait` there also waits for the pipes to close."""

    def __init__(self) -> None:
        super().__init__(limit=_CHUNK, loop=asyncio.get_running_loop())
        self.ended = asyncio.Event()

    def process_exited(self) -> None:
        super().process_exited()
        self.ended.set()


class Process:
    """A started process. Its supervision is this class's own: callers only read it, stop it and close it."""

    def __init__(
        self, transport: asyncio.SubprocessTransport, streams: _Streams, record: ProcessRecord
    ) -> None:
        self._transport = transport
        self._streams = streams
        self.record = record
        self._tree = ProcessTree(record)
        self._empty = False

    @property
    def running(self) -> bool:
        return not self._streams.ended.is_set()

    async def read(self, stdin: bytes, stdout: Lines, stderr: Lines) -> int:
        """Feeds `stdin`, hands on all lines, and waits for the end. Returns the exit code, or minus a signal.

        When it returns, nothing is left of what the process was seen to have started.
        """
        streams = self._streams
        assert streams.stdin and streams.stdout and streams.stderr  # noqa: S101 - spawned with pipes
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(_feed(streams.stdin, stdin)), group.create_task(self._look())]
            readers = [
                group.create_task(_hand_on(streams.stdout, stdout)),
                group.create_task(_hand_on(streams.stderr, stderr)),
            ]
            await streams.ended.wait()
            await self._sweep()
            for helper in helpers:
                helper.cancel()
            _, late = await asyncio.wait(readers, timeout=_DRAIN_S)
            if late:
                self._transport.close()  # its readers still get what has come so far, and then the end
        code = self._transport.get_returncode()
        assert code is not None  # noqa: S101 - it has ended
        return code

    async def stop(self, grace_s: float) -> None:
        """Ends the whole tree: asks first, and forces what is left after `grace_s` seconds."""
        if self._empty:
            return
        self._tree.terminate()
        try:
            async with asyncio.timeout(grace_s):
                await self._streams.ended.wait()
        except TimeoutError:
            pass
        finally:
            await self._sweep()  # also when cancelled: whoever is in a hurry gives no grace

    async def close(self, grace_s: float) -> None:
        """Stops what still runs and gives the pipes back, read or not."""
        try:
            await self.stop(grace_s)
        finally:
            self._transport.close()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self._tree.alive()

    async def _sweep(self) -> None:
        while not self._tree.kill():  # noqa: ASYNC110 - the kernel tells nobody when a tree is empty
            await asyncio.sleep(_KILL_S)
        self._empty = True


async def spawn(command: Command) -> Process:
    """Starts `command`. Raises OSError where it cannot be started; cancelled, it leaves nothing behind."""
    starting = asyncio.ensure_future(_start(command))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio itself would kill the process, but not what it has started by then.
        await (await starting).close(grace_s=0)
        raise


async def _start(command: Command) -> Process:
    transport, streams = await asyncio.get_running_loop().subprocess_exec(
        _Streams,
        *command.argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=command.cwd,
        env=dict(command.env),
        start_new_session=True,
    )
    pid = transport.get_pid()
    # Where asyncio has waited for it already, its session still has its number.
    return Process(transport, streams, process_record(pid) or ProcessRecord(pid=pid, started=0, boot_id=""))


async def _feed(stdin: asyncio.StreamWriter, data: bytes) -> None:
    # A CLI that does not want its input, or is gone, is no fault of ours: its exit says what happened.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        stdin.write(data)
        await stdin.drain()
    stdin.close()


async def _hand_on(stream: asyncio.StreamReader, lines: Lines) -> None:
    splitter = LineSplitter()
    while chunk := await stream.read(_CHUNK):
        if whole := splitter.feed(chunk):
            await lines(whole)
    if last := splitter.finish():
        await lines(last)
