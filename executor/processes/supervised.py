"""One job under its reaper: its streams, its end, and the proof that nothing of it is left."""

from __future__ import annotations

import asyncio
import errno
import logging
import marshal
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from executor.processes import reaper
from executor.processes.orphans import sweep
from executor.processes.record import process_record

log = logging.getLogger(__name__)

REAPER = f"import sys; sys.path.append({str(Path(reaper.__file__).parent)!r}); import reaper; reaper.start()"
"""The program. Imported, and not run as a file: so it is compiled once, and not for every job."""
_AHEAD = 256 * 1024
"""Bytes that are read ahead of whoever takes them."""
_START_S = 10.0
"""Seconds within which a job must have started; with a cold reaper it takes 0.1 s."""
_STUCK_S = 30.0
"""Seconds past the grace after which an operator should know: only the kernel can hold a process so long."""
_AGAIN_S = 0.1
"""Seconds between two signals to a reaper in a hurry: the same one sent twice at once arrives once."""


class Cause(StrEnum):
    """Why a job's processes ended."""

    EXIT = "exit"
    """The first of them did, by itself."""
    STOP = "stop"
    """They were asked to."""
    LOST = "lost"
    """Somebody killed the reaper, and what it held was killed then; how the job itself fared is not known."""
    SANDBOX = "sandbox"
    """They never began: bwrap could not make the sandbox or start the program. Its stderr says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a job ended of which no process is left."""

    code: int
    """Exit code of its first process, or minus a signal. From inside bwrap a signal comes as 128 plus it."""
    cause: Cause
    killed: bool
    """Its first process had to be ended by force."""


class Shim:
    """A reaper that was started, its control socket, and a descriptor that tells its end."""

    pids: ClassVar[set[int]] = set()
    """All that this process has started and not yet waited for."""

    def __init__(self, umask: int) -> None:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setblocking(False)
        try:
            with theirs:
                self.process = _start_reaper(theirs.fileno(), umask)
            self.pidfd = os.pidfd_open(self.process.pid)
        except OSError:
            self.control.close()  # which ends a reaper that has started already
            raise
        record = process_record(self.process.pid)
        assert record is not None  # noqa: S101 - our child keeps its entry until we have waited for it
        self.record = record
        self.pids.add(record.pid)

    def order(self, order: reaper.Order, stdio: list[int]) -> None:
        """Hands over a job. Raises OSError where the reaper has died meanwhile."""
        # In memory, as it holds a credential; in a file, as a socket takes no message of any size.
        with os.fdopen(os.memfd_create("order"), "wb") as file:
            file.write(marshal.dumps(vars(order)))
            file.flush()
            socket.send_fds(self.control, [b"order"], [file.fileno(), *stdio])

    def send(self, number: int) -> None:
        """Signals the reaper."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def close(self) -> None:
        """Takes note of its end and gives back what it held. It is killed where it has no job yet."""
        self.send(signal.SIGKILL)
        self.process.wait()
        self.pids.discard(self.record.pid)
        os.close(self.pidfd)
        self.control.close()


def _start_reaper(control: int, umask: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (*(sys.executable, "-I", "-S", "-E", "-X", "utf8", "-c"), REAPER, str(control)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # ours may be a pipe that somebody reads to its end
        env={},
        cwd="/",
        pass_fds=(control,),
        umask=umask,
        start_new_session=True,  # a Ctrl-C at our terminal is not for it
    )


class Supervised:
    """A job that was started. Whoever has started it waits for its end and then closes it."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    def __init__(self, shim: Shim, grace_s: float) -> None:
        self.record = shim.record
        """The reaper's, which is the last to end: enough to find the whole job after a restart."""
        self.ended: Ended | None = None
        self._shim = shim
        self._grace_s = grace_s
        self._transports: list[asyncio.BaseTransport] = []
        self._messages: list[dict[str, Any]] = []
        self._heard, self._gone = asyncio.Event(), asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(shim.control, self._hear)
        self._loop.add_reader(shim.pidfd, self._reap)

    @property
    def running(self) -> bool:
        return not self._gone.is_set()

    async def open(self, stdin: int, stdout: int, stderr: int) -> None:
        """Makes streams of our ends of the job's pipes, and owns them."""
        protocol = asyncio.StreamReaderProtocol(asyncio.StreamReader())
        transport, _ = await self._loop.connect_write_pipe(lambda: protocol, os.fdopen(stdin, "wb", 0))
        self._transports.append(transport)
        self.stdin = asyncio.StreamWriter(transport, protocol, None, self._loop)
        self.stdout = await self._reader(stdout)
        self.stderr = await self._reader(stderr)

    async def _reader(self, fd: int) -> asyncio.StreamReader:
        reader = asyncio.StreamReader(limit=_AHEAD)
        transport, _ = await self._loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
        )
        self._transports.append(transport)
        return reader

    async def started(self) -> None:
        """Returns once the first program runs, bwrap or the job's. Raises OSError where none does."""
        try:
            async with asyncio.timeout(_START_S):
                await self._heard.wait()
        except TimeoutError:
            self._shim.send(signal.SIGKILL)
        if not self._messages:
            await self.wait()
            raise OSError(errno.ESRCH, "its reaper was killed")
        if self._messages[0]["error"] is not None:
            await self.wait()
            number, subject = self._messages[0]["error"]
            raise OSError(number, os.strerror(number), subject)

    async def wait(self) -> Ended:
        """Returns when no process of the job is left: when the kernel says so, however long that takes."""
        await self._gone.wait()
        if self.ended is None:
            report = next((message for message in self._messages if "code" in message), None)
            if report is None:
                await sweep(self.record, Shim.pids)
            self.ended = _read(report)
        return self.ended

    def stop(self) -> None:
        """Asks the job to end; after the grace it is forced to. Asked once more, it is forced at once."""
        if self._gone.is_set():
            return
        self._shim.send(signal.SIGTERM)
        self._shim.send(signal.SIGCONT)  # where no namespace parts them, a job may have stopped it
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._grace_s + _STUCK_S, self._complain)

    async def kill(self) -> Ended:
        """Ends the job by force."""
        while not self._gone.is_set():
            self.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN_S):
                    await self._gone.wait()
        return await self.wait()

    def close(self) -> None:
        """Gives the pipes back; readers get what has come so far, and then the end."""
        for transport in self._transports:
            transport.close()

    def _hear(self) -> bool:
        """Takes a message of the reaper. False where there is none, or never will be again."""
        try:
            said = self._shim.control.recv(64 * 1024)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            said = b""
        self._heard.set()
        if said:
            self._messages.append(marshal.loads(said))  # noqa: S302 - our own program says it
        else:
            self._loop.remove_reader(self._shim.control)
        return bool(said)

    def _reap(self) -> None:
        while self._hear():
            pass
        self._loop.remove_reader(self._shim.control)
        self._loop.remove_reader(self._shim.pidfd)
        self._shim.close()
        if self._alarm is not None:
            self._alarm.cancel()
        self._heard.set()
        self._gone.set()

    def _complain(self) -> None:
        log.error("supervised.stuck", extra={"pid": self.record.pid})


def _read(report: dict[str, Any] | None) -> Ended:
    if report is None:
        return Ended(code=-signal.SIGKILL, cause=Cause.LOST, killed=True)
    cause = Cause(report["cause"])
    if cause is Cause.EXIT and report["code"] >= 0 and not report["entered"]:
        cause = Cause.SANDBOX
    return Ended(code=report["code"], cause=cause, killed=report["killed"])
