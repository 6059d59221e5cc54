"""Replies to a job whose CLI takes them while it works, with the whole bot, the real claude and Slack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from executor.events import ReplyBegun, ReplyTaken
from executor.model import Job, JobStatus
from tests.simulators.slack import Message
from tests.stage import END_S, Stage, running, set_stage

pytestmark = [pytest.mark.timeout(120)]


async def begun(stage: Stage, prompt: str) -> Job:
    """A job that Ann asked for, as soon as replies reach its session."""
    await stage.ann.command("/job", f"session {prompt}", channel=stage.dev)
    job = await stage.job(lambda job: job.live)
    await stage.slack.until(lambda: stage.slack.messages(stage.dev), what="the card")
    return job


async def shown(stage: Stage, condition: Callable[[Message], object], what: str) -> None:
    await stage.slack.until(lambda: condition(stage.card()), timeout=END_S, what=what)


def output(stage: Stage) -> str:
    """What stands in the threads."""
    return "\n".join(message.plain for message in stage.replies())


async def test_a_reply_is_taken_up_by_the_session_that_runs(tmp_path: Path) -> None:
    async with set_stage(tmp_path, replies="all") as stage:
        job = await begun(stage, "look around [[slow:0.05]]")
        said = await stage.ann.say(stage.dev, "and what was asked? [[recall]]", thread=stage.card())
        await stage.slack.until(lambda: said.reactions, what="the eyes")
        assert "Handed to the running session" in stage.ann.ephemerals[-1].text
        ended = await stage.ended()
        assert (ended.id, ended.status, ended.attempt, ended.replies) == (job.id, JobStatus.DONE, 1, 0)
        assert ended.result == "I see 4 messages; earlier markers: ['slow', 'recall']"
        assert ended.usage.turns == 2
        assert ended.usage.cost_usd == pytest.approx(2 * 0.00672)
        assert "takes up a reply" in output(stage) and "chunk 59" in output(stage)
        (turn, reply) = [request.markers for request in stage.models.requests]
        assert (turn, reply) == (("slow",), ("slow", "recall"))


async def test_an_interrupt_lets_the_reply_be_taken_up_at_once(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        job = await begun(stage, "run it [[bash:sleep 600]]")
        await stage.slack.until(lambda: "sleep 600" in output(stage), timeout=END_S, what="the tool")
        await stage.ann.mention(stage.dev, "no, say hello [[hello]]", thread=stage.card())
        await shown(stage, lambda card: "Interrupt" in card.buttons, "the button")
        assert "replies handed over: 1" in stage.card().plain
        await stage.ann.click(stage.card(), "Interrupt")
        ended = await stage.ended()
        assert (ended.id, ended.status) == (job.id, JobStatus.DONE)
        assert ended.result == "Hello from the simulated model."
        assert "⏹️ stopped" in output(stage) and "⏹️ interrupted" in output(stage)


async def test_words_that_are_typed_interrupt_too(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        job = await begun(stage, "wait [[hang]]")
        told = await stage.ann.command("/job", f"interrupt {job.short_id}", channel=stage.dev)
        assert "No reply waits" in told.text
        await stage.bob.command("/job", f"interrupt {job.short_id} stop that", channel=stage.dev)
        assert "somebody else" in stage.bob.ephemerals[-1].text
        await stage.ann.command("/job", f"interrupt {job.short_id} just say it [[hello]]", channel=stage.dev)
        ended = await stage.ended()
        assert (ended.id, ended.status) == (job.id, JobStatus.DONE)
        assert ended.result == "Hello from the simulated model."


async def test_a_reply_that_no_turn_has_ended_with_outlasts_the_bot(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        job = await begun(stage, "wait [[hang_once]]")
        await stage.ann.mention(stage.dev, "what was asked? [[recall]]", thread=stage.card())
        await shown(stage, lambda card: "replies handed over: 1" in card.plain, "that it was handed over")
    async with running(stage.settings) as (house, _):
        async with asyncio.timeout(END_S):
            while not (ended := await house.storage.jobs.job(job.id)).status.final:
                await asyncio.sleep(0.1)
        bodies = [event.body for event in await house.storage.jobs.events(job.id)]
        print(ended, bodies)
        assert (ended.status, ended.attempt, ended.replies) == (JobStatus.DONE, 2, 0)
        assert sum(isinstance(body, ReplyTaken) for body in bodies) == 1
        assert sum(isinstance(body, ReplyBegun) for body in bodies) == 1
