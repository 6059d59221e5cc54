"""F14: a disk that is really full. The bot runs on a small one of its own, which only its processes see."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from tests.faults.waiting_agent import WaitingAgent
from tests.fsck import check
from tests.simulators.slack import Channel, Message, SlackSimulator
from tests.stage import Backdrop, Wishes, hang_backdrop

DISK_MB = 40
"""The reserve takes 16, and must leave as much to others."""
STORY_S = 30.0
ROOT = os.geteuid() == 0
NAMESPACE = ("unshare", "--mount", *(() if ROOT else ("--map-root-user",)))
INSIDE = ("--mount", *(() if ROOT else ("--user", "--preserve-credentials")))
FULL = "That was not taken in: the disk that Bifrost keeps its data on is full. "

pytestmark = pytest.mark.timeout(120)


async def test_a_full_disk_stops_intake_and_nothing_else_until_there_is_room(tmp_path: Path) -> None:
    _need_mounts(tmp_path)
    agent = WaitingAgent(tmp_path)
    async with hang_backdrop(tmp_path, Wishes(executable=str(agent.executable))) as backdrop:
        slack, ann = backdrop.slack, backdrop.people[0]
        dev = slack.channel("dev")
        async with _serving(backdrop, tmp_path / "data") as disk:
            assert (disk / "reserve").stat().st_size == 16 * 1024 * 1024
            await ann.command("/job", "session first", channel=dev)
            await slack.until(lambda: _shows(dev, "Cancel"), timeout=STORY_S, what="a running card")

            filler = _fill(disk)
            reply = await ann.command("/job", "session second", channel=dev)
            assert reply.plain.startswith(FULL)
            assert [message.plain for message in dev.messages if FULL in message.plain] == []
            assert await _ready(disk) == 503

            agent.let_go()
            await slack.until(lambda: _last_words(dev), timeout=STORY_S, what="the last word of what ran")
            assert await _ready(disk) == 503
            await _check(disk, tmp_path)

            filler.unlink()
            async with asyncio.timeout(STORY_S):
                while await _ready(disk) != 200:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.1)
            assert (disk / "reserve").exists()
            reply = await ann.command("/job", "session second", channel=dev)
            assert reply.plain.startswith("Queued as")
            await slack.until(lambda: len(_last_words(dev)) == 2, timeout=STORY_S, what="two last words")
            assert len(dev.messages) == 2
            await _check(disk, tmp_path)


async def test_without_room_for_a_reserve_it_says_so_and_works(tmp_path: Path) -> None:
    _need_mounts(tmp_path)
    async with hang_backdrop(tmp_path, Wishes(provider="rehearsal")) as backdrop:
        slack, dev = backdrop.slack, backdrop.slack.channel("dev")
        async with _serving(backdrop, tmp_path / "data", megabytes=3) as disk:
            filler = _fill(disk)
            reply = await backdrop.people[0].command("/job", "session first", channel=dev)
            assert reply.plain.startswith(FULL)
            filler.unlink()
            async with asyncio.timeout(STORY_S):
                while await _ready(disk) != 200:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.1)
            await backdrop.people[0].command("/job", "session first", channel=dev)
            await slack.until(lambda: _last_words(dev), timeout=STORY_S, what="a last word")
            await _check(disk, tmp_path)
    assert "store.no_reserve" in backdrop.config.with_suffix(".log").read_text()


def _need_mounts(place: Path) -> None:
    probe = subprocess.run(
        [*NAMESPACE, "mount", "-t", "tmpfs", "none", str(place)], capture_output=True, timeout=20, check=False
    )
    if probe.returncode:
        pytest.skip(f"nothing can be mounted here: {probe.stderr.decode().strip()}")


@asynccontextmanager
async def _serving(backdrop: Backdrop, data: Path, megabytes: int = DISK_MB) -> AsyncIterator[Path]:
    """The real program with its data on a disk of its own. Yields the way from here to that disk."""
    data.mkdir()
    script = f'mount -t tmpfs -o size={megabytes}m none "{data}" && exec "$@"'
    bot = (sys.executable, "-m", "bot", "serve", "--config", str(backdrop.config))
    with backdrop.config.with_suffix(".log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(*NAMESPACE, "sh", "-c", script, "sh", *bot),
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": str(data.parent), "PYTHONPATH": str(Path.cwd())},
        )
    try:
        await _connected(backdrop.slack)
        yield Path(f"/proc/{process.pid}/root{data}")
    finally:
        if process.returncode is None:
            process.terminate()
        assert await asyncio.wait_for(process.wait(), STORY_S) == 0


async def _connected(slack: SlackSimulator) -> None:
    await slack.until(lambda: slack.connections, timeout=STORY_S, what="the bot's socket")


async def _check(disk: Path, place: Path) -> None:
    """Checks a copy, made beside the bot: SQLite would not find the file by the way that leads there."""
    pid, copy = disk.parts[2], place / f"copy-{uuid4().hex}.db"
    config = ("--config", str(place / "bifrost.toml"))
    bot = (sys.executable, "-m", "bot", "backup", *config, str(copy))
    process = await asyncio.create_subprocess_exec(
        *("nsenter", "--target", pid, *INSIDE, *bot),
        stdout=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path.cwd())},
    )
    assert await asyncio.wait_for(process.wait(), STORY_S) == 0
    check(copy)


def _fill(disk: Path) -> Path:
    """A file that takes all the room that is left, at once: what the bot then gives up stays its own."""
    filler, size = disk / "filler", shutil.disk_usage(disk).free
    with filler.open("wb") as file:
        while size > 0:
            with suppress(OSError):  # it is less meanwhile
                os.posix_fallocate(file.fileno(), 0, size)
                return filler
            size -= 16 * 1024
    return filler


async def _ready(disk: Path) -> int:
    address = (disk / "server-address").read_text()
    async with aiohttp.ClientSession() as session, session.get(f"{address}/ready") as response:
        return response.status


def _shows(channel: Channel, button: str) -> bool:
    return any(button in message.buttons for message in channel.messages)


def _last_words(channel: Channel) -> list[Message]:
    return [reply for card in channel.messages for reply in card.thread if "@Ann" in reply.plain]
