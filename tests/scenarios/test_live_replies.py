"""Replies to a job whose CLI takes them while it works, with the whole bot, the real claude and Slack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.configuration import load
from executor.events import ReplyBegun, ReplyTaken
from executor.model import Job, JobStatus
from tests.fsck import check
from tests.simulators.slack import Message, Person
from tests.stage import END_S, Stage, Wishes, hang_backdrop, running, set_stage

pytestmark = [pytest.mark.timeout(120)]


async def begun(stage: Stage, prompt: str) -> Job:
    """A job that Ann asked for, as soon as replies reach its session."""
    await stage.ann.command("/job", f"session {prompt}", channel=stage.dev)
    job = await stage.job(lambda job: job.live)
    await stage.slack.until(lambda: stage.slack.messages(stage.dev), what="the card")
    return job


async def shown(stage: Stage, condition: Callable[[Message], object], what: str) -> None:
    await stage.slack.until(lambda: condition(stage.card()), timeout=END_S, what=what)


async def told(stage: Stage, person: Person, words: str) -> None:
    """Waits until the person alone is told so."""
    await stage.slack.until(lambda: any(words in each.text for each in person.ephemerals), what=words)


def output(stage: Stage) -> str:
    """What stands in the threads."""
    return "\n".join(message.plain for message in stage.replies())


async def test_a_reply_is_taken_up_by_the_session_that_runs(tmp_path: Path) -> None:
    async with set_stage(tmp_path, replies="all") as stage:
        job = await begun(stage, "look around [[slow:0.05]]")
        said = await stage.ann.say(stage.dev, "and what was asked? [[recall]]", thread=stage.card())
        await stage.slack.until(lambda: said.reactions, what="the eyes")
        await told(stage, stage.ann, "Handed to the running session")
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
        job = await begun(stage, "run it [[bash:tail -f /dev/null]]")
        await stage.slack.until(lambda: "tail -f" in output(stage), timeout=END_S, what="the tool")
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
        await stage.ann.command("/job", f"interrupt {job.short_id}", channel=stage.dev)
        await told(stage, stage.ann, "No reply waits")
        await stage.bob.command("/job", f"interrupt {job.short_id} stop that", channel=stage.dev)
        await told(stage, stage.bob, "somebody else")
        await stage.ann.command("/job", f"interrupt {job.short_id} just say it [[hello]]", channel=stage.dev)
        ended = await stage.ended()
        assert (ended.id, ended.status) == (job.id, JobStatus.DONE)
        assert ended.result == "Hello from the simulated model."


async def test_a_reply_that_no_turn_has_ended_with_outlasts_the_bot(tmp_path: Path) -> None:
    async with hang_backdrop(tmp_path, Wishes()) as backdrop:
        slack, dev = backdrop.slack, backdrop.slack.channel("dev")
        settings, ann = load(backdrop.config, {}), backdrop.people[0]
        async with running(settings):
            await ann.command("/job", "session wait [[hang_once]]", channel=dev)
            await slack.until(lambda: dev.messages, what="the card")
            await backdrop.models.until(lambda: backdrop.models.requests, timeout=END_S)
            await ann.mention(dev, "what was asked? [[recall]]", thread=dev.messages[0])
            await slack.until(lambda: "replies handed over: 1" in dev.messages[0].plain, timeout=END_S)
        async with running(settings) as (house, _):
            await slack.until(lambda: "done" in dev.messages[0].plain, timeout=END_S, what="the end")
            (job,) = await house.storage.jobs.jobs()
            assert (job.status, job.attempt, job.replies) == (JobStatus.DONE, 2, 0)
            bodies = [event.body for event in await house.storage.jobs.events(job.id)]
        assert [type(body) for body in bodies if isinstance(body, ReplyBegun | ReplyTaken)] == [
            ReplyBegun,
            ReplyTaken,
        ]
        assert job.result.endswith("'recall']")
    check(settings.data_dir / "bifrost.db")
