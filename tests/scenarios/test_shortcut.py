"""A job on somebody's message: asked for by the shortcut, told in the thread of that message."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.platforms.slack.doors import ON_MESSAGE
from executor.model import JobStatus
from tests.stage import set_stage

pytestmark = [pytest.mark.timeout(60)]


async def test_a_message_is_worked_on_in_its_own_thread(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        said = await stage.bob.say(stage.dev, "the login is slow since <monday>")
        await stage.ann.shortcut(ON_MESSAGE, said)
        view = await stage.ann.wait_view()
        assert not await stage.ann.submit(view, {"type": "session"})
        job = await stage.ended()
        assert (job.status, job.prompt) == (JobStatus.DONE, "the login is slow since <monday>")
        assert (job.origin.thread, job.origin.actor.user_id) == (said.ts, stage.ann.id)
        card, *_ = said.thread
        assert job.short_id in card.plain and "done" in card.plain
        assert stage.slack.messages(stage.dev) == [said], "all of it stands in the thread"


async def test_a_stranger_gets_no_form(tmp_path: Path) -> None:
    """B35: who is not on the list is refused, by every door."""
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.eve.shortcut(ON_MESSAGE, await stage.bob.say(stage.dev, "x"))
        told = await stage.slack.until(lambda: stage.eve.ephemerals, what="the refusal")
        assert told[-1].plain.startswith("You are not on the list")
        assert not stage.eve.views
