"""A whole job in a direct message: asked for without a command, answered where nobody else reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.platforms.slack.grants import EVENTS
from executor.model import JobStatus
from tests.stage import set_stage

pytestmark = [pytest.mark.timeout(60)]


async def test_a_job_is_asked_for_directly_and_stays_private(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        assert stage.slack.workspace.events >= set(EVENTS)
        direct = stage.slack.dm(stage.ann)
        await stage.ann.say(direct, "research how do we cache sessions?")
        await stage.slack.until(
            lambda: any("Queued as" in told.plain for told in stage.ann.ephemerals), what="the answer"
        )
        job = await stage.ended()
        assert (job.status, job.origin.channel) == (JobStatus.DONE, direct.id)
        _, card = stage.slack.messages(direct)
        assert "done" in card.plain
        assert not stage.slack.messages(stage.dev)
        reply = await stage.bob.command("/job", f"show {job.short_id}", channel=stage.dev)
        assert "There is no job" in reply.plain


async def test_a_stranger_is_refused_directly_too(tmp_path: Path) -> None:
    """B35: who is not on the list is refused, wherever they write."""
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.eve.say(stage.slack.dm(stage.eve), "research x")
        told = await stage.slack.until(lambda: stage.eve.ephemerals, what="the refusal")
        assert told[-1].plain.startswith("You are not on the list")
        assert not await stage.house.storage.jobs.jobs()
