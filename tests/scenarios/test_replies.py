"""Replies in the thread of a job, with the whole bot: while it runs, after its end, and instead of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.configuration import load
from bot.settings import Rehearsal
from executor.model import Job, JobStatus
from executor.wakeups import QUEUE
from tests.fsck import check
from tests.stage import END_S, Stage, Wishes, hang_backdrop, running, set_stage

pytestmark = [pytest.mark.timeout(90)]


async def follow_up(stage: Stage, parent: Job) -> Job:
    """The job that goes on with `parent`, once it has ended and all of it is told."""
    async with asyncio.timeout(END_S):
        with stage.house.wakeups.listen(QUEUE) as bell:
            while (await stage.house.storage.jobs.jobs(limit=1))[0].parent_job_id != parent.id:
                await bell.wait(1)
    return await stage.ended()


async def test_a_thread_is_one_conversation(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal", replies="all", step_seconds=0.2) as stage:
        await stage.ann.command("/job", "research how do we cache sessions?", channel=stage.dev)
        first = await stage.job(lambda job: job.session_id is not None)
        await stage.slack.until(lambda: stage.slack.messages(stage.dev), what="the card")
        said = await stage.ann.say(stage.dev, "and write down why", thread=stage.card())
        await stage.bob.say(stage.dev, "nice, by the way", thread=stage.card())
        await stage.slack.until(lambda: said.reactions, what="the eyes")
        await stage.slack.until(lambda: "replies waiting" in stage.card().plain, what="that it waits")
        second = await follow_up(stage, first)
        assert (second.prompt, second.session_id) == ("and write down why", first.session_id)
        await stage.ann.mention(stage.dev, "now the tests", thread=stage.card())
        third = await follow_up(stage, second)
        assert (third.prompt, third.session_id) == ("now the tests", first.session_id)
        assert len(stage.slack.messages(stage.dev)) == 1
        assert not stage.bob.ephemerals


async def test_a_reply_can_stop_what_it_replies_to(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal", step_seconds=1) as stage:
        await stage.ann.command("/job", "research how do we cache sessions?", channel=stage.dev)
        first = await stage.job(lambda job: job.session_id is not None)
        await stage.slack.until(lambda: stage.slack.messages(stage.dev), what="the card")
        await stage.ann.mention(stage.dev, "stop what you do and fix the typo", thread=stage.card())
        await stage.slack.until(lambda: "Take the reply now" in stage.card().plain, what="the button")
        await stage.ann.click(stage.card(), "Take the reply now")
        second = await follow_up(stage, first)
        stopped = await stage.house.storage.jobs.job(first.id)
        assert stopped is not None and stopped.status is JobStatus.CANCELLED
        assert second.prompt == "stop what you do and fix the typo"


async def test_a_reply_of_somebody_who_may_not_ask_any_more_is_refused_where_it_was_written(
    tmp_path: Path,
) -> None:
    wishes = Wishes(provider="rehearsal", replies="all", step_seconds=3)
    async with hang_backdrop(tmp_path, wishes) as backdrop:
        slack, dev, settings = backdrop.slack, backdrop.slack.channel("dev"), load(backdrop.config, {})
        ann, bob, _ = backdrop.people
        async with running(settings):
            await ann.command("/job", "research how do we cache sessions?", channel=dev)
            await slack.until(lambda: dev.messages and "running" in dev.messages[0].plain, timeout=END_S)
            await ann.say(dev, "and write down why", thread=dev.messages[0])
            await slack.until(lambda: "replies waiting" in dev.messages[0].plain, timeout=END_S)
        shut = settings.slack.model_copy(update={"people": frozenset({bob.id})})
        quick = settings.agents.model_copy(update={"rehearsal": Rehearsal(step_seconds=0)})
        async with running(settings.model_copy(update={"slack": shut, "agents": quick})) as (house, _):
            refused = await slack.until(
                lambda: [each for each in dev.messages[0].thread if "people who may use" in each.plain],
                timeout=END_S,
                what="the refusal",
            )
            assert refused[0].plain.startswith(
                "The reply of ann is not gone on with: You are not on the list"
            )
            (job,) = await house.storage.jobs.jobs()
            assert (job.status, job.replies) == (JobStatus.DONE, 0)
    check(settings.data_dir / "bifrost.db")
