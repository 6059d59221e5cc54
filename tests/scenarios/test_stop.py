"""A bot that is told to stop ends in time and in good order, with jobs on its hands or without."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from tests.fsck import check
from tests.simulators.slack import Channel, Person, SlackSimulator
from tests.stage import Wishes, hang_backdrop

pytestmark = pytest.mark.timeout(120)

START_S = 15.0
GRACE_S = 2.0
"""As the stage sets it."""
CLOSE_S = 3.0
"""What a stop may take besides the time that jobs are given, on a busy machine."""
JOBS = 3


@asynccontextmanager
async def bot_with_jobs(
    place: Path, drain_s: float
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Channel]]:
    """The real program with three jobs running; afterwards, its database must be sound and nothing left."""
    wishes = Wishes(provider="rehearsal", step_seconds=30, drain_seconds=drain_s)
    async with hang_backdrop(place, wishes) as backdrop:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "serve", "--config", str(backdrop.config)),
            stderr=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            env={**os.environ, "HOME": str(place)},
        )
        try:
            await running_jobs(backdrop.slack, backdrop.people[0])
            yield process, backdrop.slack.channel("dev")
        finally:
            if process.returncode is None:
                process.kill()
            await asyncio.wait_for(process.wait(), START_S)
    check(place / "data" / "bifrost.db")


async def running_jobs(slack: SlackSimulator, ann: Person) -> None:
    dev = slack.channel("dev")
    await slack.until(lambda: slack.connections, timeout=START_S, what="the bot's socket")
    for number in range(JOBS):
        await ann.command("/job", f"research how, number {number}?", channel=dev)
    await slack.until(
        lambda: sum("Cancel" in card.buttons and "running" in card.plain for card in dev.messages) == JOBS,
        timeout=START_S,
        what="three running cards",
    )


def jobs(place: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(place / "data" / "bifrost.db")) as connection:
        return connection.execute(
            "SELECT status, jobs.reason, outcome FROM jobs JOIN attempts ON job_id = id"
        ).fetchall()


async def test_f50_jobs_that_do_not_end_in_time_are_interrupted_and_the_bot_exits_well(
    tmp_path: Path,
) -> None:
    async with bot_with_jobs(tmp_path, drain_s=1) as (bot, dev):
        told = time.monotonic()
        bot.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(bot.wait(), START_S) == 0
        took_s = time.monotonic() - told
        assert ["interrupted by a restart" in card.plain for card in dev.messages] == [True] * JOBS
    assert 1 <= took_s < 1 + GRACE_S + CLOSE_S
    assert jobs(tmp_path) == [("pending", "shutdown", "interrupted")] * JOBS


async def test_f50_a_second_signal_ends_the_wait_for_jobs(tmp_path: Path) -> None:
    async with bot_with_jobs(tmp_path, drain_s=600) as (bot, _):
        told = time.monotonic()
        for number in (signal.SIGTERM, signal.SIGINT):  # two of one kind at once would be one
            bot.send_signal(number)
        assert await asyncio.wait_for(bot.wait(), START_S) == 0
        took_s = time.monotonic() - told
    assert took_s < GRACE_S + CLOSE_S
    assert jobs(tmp_path) == [("pending", "shutdown", "interrupted")] * JOBS


async def test_what_the_bot_keeps_nobody_else_can_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)  # made by somebody who did not think of it
    async with bot_with_jobs(tmp_path, drain_s=0) as (bot, _):
        bot.send_signal(signal.SIGTERM)
        await asyncio.wait_for(bot.wait(), START_S)
    # In the home that a bot gives it, agents/WORKSPACE/PROVIDER, an agent keeps what it likes as it likes.
    homes = [*data.glob("agents/*/*")]
    assert homes
    kept = [path for path in data.rglob("*") if not any(home in path.parents for home in homes)]
    assert {"bifrost.db", "bifrost.lock", "api-token", "jobs", "agents"} <= {path.name for path in kept}
    assert [str(path) for path in kept if stat.S_IMODE(path.lstat().st_mode) & 0o077] == []
