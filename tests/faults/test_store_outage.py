"""F14, F16: the store cannot be written for a while, and the bot lives through it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.configuration import load
from executor.model import Job, JobStatus
from executor.ports import StoreFault
from executor.steps import watched
from tests.faults.store_faults import Outage
from tests.faults.waiting_agent import WaitingAgent
from tests.fsck import check
from tests.programs import is_alive
from tests.simulators.slack import Message
from tests.stage import Stage, Wishes, hang_backdrop, running, set_stage

STORY_S = 20.0
HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""
SENTENCES = {
    StoreFault.FULL: "the disk that Bifrost keeps its data on is full",
    StoreFault.LOCKED: "another program has locked Bifrost's database",
    StoreFault.IO: "the disk that Bifrost keeps its data on gives errors",
}


@pytest.fixture
async def agent(tmp_path: Path) -> WaitingAgent:
    return WaitingAgent(tmp_path)


async def test_what_was_accepted_is_kept_and_new_work_is_refused_until_it_is_over(
    tmp_path: Path, agent: WaitingAgent
) -> None:
    fault = StoreFault.FULL
    outage = Outage(fault)
    async with set_stage(tmp_path, executable=str(agent.executable), slots=1) as stage:
        await _asked(stage, "session first")
        first = await _working(stage)
        await _asked(stage, "session second")
        (attempt,) = await stage.house.storage.jobs.open_attempts()
        assert attempt.process is not None
        pid = attempt.process.pid
        with watched(outage):
            agent.let_go()
            await _until(lambda: not is_alive(pid) and outage.struck.total() > 2)
            reply = await stage.ann.command("/job", "session third", channel=stage.dev)
            assert reply.plain.startswith(f"That was not taken in: {SENTENCES[fault]}. ")
            await _not_ready(stage, SENTENCES[fault])
            second, running_still = await stage.house.storage.jobs.jobs()
            assert (running_still.id, running_still.status) == (first.id, JobStatus.RUNNING)
            assert (second.status, second.attempt) == (JobStatus.PENDING, 0)
            outage.over = True
            second = await stage.ended()
        await _until_ready(stage)
        await _asked(stage, "session third")
        third = await stage.ended()
        jobs = [await stage.house.storage.jobs.job(job.id) for job in (first, second, third)]
        assert [(job.status, job.attempt) for job in jobs if job] == [(JobStatus.DONE, 1)] * 3
        assert [len(_last_words(card)) for card in stage.slack.messages(stage.dev)] == [1, 1, 1]


async def test_a_bot_that_stops_meanwhile_stops_in_time_and_its_jobs_go_on_later(
    tmp_path: Path, agent: WaitingAgent
) -> None:
    outage = Outage(StoreFault.FULL)
    outage.over = True
    wishes = Wishes(executable=str(agent.executable), drain_seconds=0.2)
    async with hang_backdrop(tmp_path, wishes) as backdrop:
        settings, slack = load(backdrop.config, {}), backdrop.slack
        with watched(outage):
            async with running(settings) as (house, _):
                await backdrop.people[0].command("/job", "session first", channel=slack.channel("dev"))
                await asyncio.wait_for(outage.until(lambda: outage.begun["record"] > 0), STORY_S)
                outage.over = False
                agent.let_go()
                await asyncio.wait_for(outage.until(lambda: outage.struck.total() > 2), STORY_S)
                began = time.monotonic()
            assert time.monotonic() - began < 8
        check(settings.data_dir / "bifrost.db")
        async with running(settings) as (house, _):
            (card,) = slack.messages(slack.channel("dev"))
            await slack.until(lambda: _last_words(card), timeout=STORY_S, what="a last word")
            (job,) = await house.storage.jobs.jobs()
            assert (job.status, job.attempt) == (JobStatus.DONE, 2)
    check(settings.data_dir / "bifrost.db")


async def test_a_program_that_holds_the_database_is_waited_for(tmp_path: Path, agent: WaitingAgent) -> None:
    async with set_stage(tmp_path, executable=str(agent.executable)) as stage:
        await _asked(stage, "session first")
        await _working(stage)
        async with _holder(stage.settings.data_dir / "bifrost.db"):
            agent.let_go()
            began = time.monotonic()
            status, problem = await _post(stage, "session second")
            assert time.monotonic() - began < 12, "the answer is not kept waiting for the lock's whole life"
            assert status == 503
            assert problem["detail"].startswith(f"That was not taken in: {SENTENCES[StoreFault.LOCKED]}. ")
            await _not_ready(stage, SENTENCES[StoreFault.LOCKED])
        first = await stage.ended()
        assert (first.status, first.attempt) == (JobStatus.DONE, 1)
        await _until_ready(stage)
        assert (await _post(stage, "session second"))[0] == 200


async def test_a_wish_to_cancel_is_tried_and_answered(tmp_path: Path, agent: WaitingAgent) -> None:
    outage = Outage(StoreFault.IO)
    async with set_stage(tmp_path, executable=str(agent.executable)) as stage:
        await _asked(stage, "session first")
        job = await _working(stage)
        with watched(outage):
            reply = await stage.ann.command("/job", f"cancel {job.short_id}", channel=stage.dev)
            assert SENTENCES[StoreFault.IO] in reply.plain
            outage.over = True
            reply = await stage.ann.command("/job", f"cancel {job.short_id}", channel=stage.dev)
            assert reply.plain.startswith("Stopping job")
            assert (await stage.ended()).status is JobStatus.CANCELLED


async def _asked(stage: Stage, words: str) -> None:
    reply = await stage.ann.command("/job", words, channel=stage.dev)
    assert reply.plain.startswith("Queued as"), reply.plain


async def _working(stage: Stage) -> Job:
    """The job, once its agent has said something."""
    return await stage.job(lambda job: job.session_id is not None, within_s=STORY_S)


async def _post(stage: Stage, text: str) -> tuple[int, dict[str, str]]:
    headers = {"Authorization": f"Bearer {stage.house.data.api_token()}"}
    url = f"{stage.bifrost.server.url}/api/commands"
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url, json={"text": text}) as response,
    ):
        return response.status, await response.json(content_type=None)


async def _ready(stage: Stage) -> tuple[int, str]:
    url = f"{stage.bifrost.server.url}/ready"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.text()


async def _not_ready(stage: Stage, why: str) -> None:
    status, text = await _ready(stage)
    assert status == 503
    assert f"Not ready: {why}. " in text


async def _until_ready(stage: Stage) -> None:
    async with asyncio.timeout(STORY_S):
        while (await _ready(stage))[0] != 200:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(STORY_S):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _holder(database: Path) -> AsyncIterator[None]:
    """Another process that holds the lock for writing while the block runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, str(database)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        async with asyncio.timeout(STORY_S):
            assert await process.stdout.readline() == b"held\n"
        yield
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), STORY_S)


def _last_words(card: Message) -> list[Message]:
    return [reply for reply in card.thread if "@Ann" in reply.plain]
