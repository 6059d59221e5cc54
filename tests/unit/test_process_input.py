"""Input that stays open: written while the process works, however slowly it reads, and whether it lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from executor.processes.process import Process, spawn
from executor.processes.sandbox import Mode
from executor.processes.shims import Shims
from tests.programs import shell
from tests.walls import wall

MORE_THAN_A_PIPE_HOLDS = b"x" * 1024 * 1024
SOON_S = 10.0


class Conversation:
    """A process that is talked to, and the lines that it says."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.said: asyncio.Queue[bytes] = asyncio.Queue()
        self.end = asyncio.create_task(process.read(b"", self._hear, self._hear, more=True))

    async def _hear(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            self.said.put_nowait(line)


@pytest.fixture
async def shims() -> AsyncIterator[Shims]:
    async with Shims((await wall(Mode.REAPER)).argv, grace_s=1000) as shims:
        yield shims


@asynccontextmanager
async def talking(shims: Shims, script: str) -> AsyncIterator[Conversation]:
    process = await spawn(shims, shell(script))
    try:
        async with asyncio.timeout(SOON_S):
            yield Conversation(process)
    finally:
        await process.close(0)


async def test_a_slow_reader_holds_up_the_writer_and_gets_every_byte(shims: Shims, tmp_path: Path) -> None:
    go = tmp_path / "go"
    async with talking(shims, f"echo ready; until [ -e {go} ]; do sleep 0.02; done; wc -c") as talk:
        assert await talk.said.get() == b"ready"
        writing = asyncio.create_task(talk.process.write(MORE_THAN_A_PIPE_HOLDS))
        await asyncio.wait({writing}, timeout=0.1)
        assert not writing.done(), "what nobody reads would be kept in memory"
        go.touch()
        await writing
        talk.process.end_input()
        assert int(await talk.said.get()) == len(MORE_THAN_A_PIPE_HOLDS)
        assert await talk.end == 0


async def test_a_reader_that_dies_lets_the_writer_go_on_and_its_end_be_told(shims: Shims) -> None:
    async with talking(shims, "head -c 1; echo; exit 3") as talk:
        await talk.process.write(MORE_THAN_A_PIPE_HOLDS)
        assert await talk.said.get() == b"x"
        assert await talk.end == 3
        await talk.process.write(b"more\n")
        talk.process.end_input()
