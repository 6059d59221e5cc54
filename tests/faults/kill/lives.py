"""One bot after another on the same data directory, as a test starts and ends them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil

from executor.processes import reaper
from executor.processes.supervised import REAPER

_ROOT = Path(__file__).parents[3]
_SIZE = 256
_BEGIN_S = 20.0
_END_S = 20.0
_WARM = 2
"""Reapers that an idle bot keeps ready."""


class Lives:
    """The lives of one bot. `arm` says at which step the life of the moment, or the next, ends by itself."""

    def __init__(self, config: Path, nursery: asyncio.subprocess.Process) -> None:
        self._config = config
        self._nursery = nursery
        self._begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._armed = config.parent / "armed"
        self._armed.write_bytes(bytes(_SIZE))
        self._reached = config.parent / "reached"
        self._reached.touch()
        self.pid = 0
        self.ended = asyncio.Event()
        """Set while no bot lives."""
        self.ended.set()
        self.status = 0
        """How the last life ended: an exit status, or minus a signal."""

    async def begin(self) -> None:
        """Starts a bot; returns when its process is there."""
        assert self.ended.is_set() and self._nursery.stdin is not None
        self._begun = asyncio.get_running_loop().create_future()
        self.ended.clear()
        self._nursery.stdin.write(f"{self._config}\n".encode())
        async with asyncio.timeout(_BEGIN_S):
            self.pid = await self._begun

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Ends the bot, unless it has ended already, and waits for that."""
        if not self.ended.is_set():
            with suppress(ProcessLookupError):
                os.kill(self.pid, how)
        await self.dead()

    async def dead(self) -> None:
        """Waits until the bot has ended. Bounded."""
        async with asyncio.timeout(_END_S):
            await self.ended.wait()

    def arm(self, step: str, times: int = 1) -> None:
        """Lets the bot die when it reaches `step` (or `any`) for the so-manieth time from now on."""
        word = f"{times} {step}".encode() if step else b""
        with self._armed.open("r+b") as file:
            file.write(word.ljust(_SIZE, b"\0"))

    @property
    def armed(self) -> str:
        """The step that is still to be reached; empty once a bot has died there."""
        return self._armed.read_bytes().rstrip(b"\0").decode().partition(" ")[2]

    def reached(self) -> list[str]:
        """All steps that were reached so far, in order."""
        return self._reached.read_text().splitlines()

    def strays(self) -> list[str]:
        """What runs beside an idle bot and the reapers that it keeps ready."""
        strays, warm = [], 0
        for pid in reaper.below([self._nursery.pid]):
            try:
                process = psutil.Process(pid)
                if process.pid == self.pid or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                ready = process.ppid() == self.pid and REAPER in process.cmdline()
                warm += ready
                if not ready or warm > _WARM:
                    strays.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
            except psutil.NoSuchProcess:
                continue
        return strays

    async def hear(self) -> None:
        """Takes note of what the nursery says, until it is closed."""
        assert self._nursery.stdout is not None
        async for line in self._nursery.stdout:
            word, pid, *status = line.split()
            if word == b"begun":
                self._begun.set_result(int(pid))
                self.pid = int(pid)
            elif int(pid) == self.pid:
                self.status = int(status[0])
                self.ended.set()


@asynccontextmanager
async def lives_of(config: Path) -> AsyncIterator[Lives]:
    """The bot of the configuration at `config`; when the block ends, nothing of it is left."""
    nursery = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.kill.doomed"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)},
        cwd=_ROOT,
        start_new_session=True,
    )
    lives = Lives(config, nursery)
    hearing = asyncio.create_task(lives.hear())
    try:
        yield lives
    finally:
        assert nursery.stdin is not None
        nursery.stdin.close()
        async with asyncio.timeout(_END_S):
            await asyncio.gather(hearing, nursery.wait())
