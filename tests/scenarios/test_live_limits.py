"""Limits and files amid a session that people talk to, with the whole bot and the real claude."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.model import JobStatus
from tests.scenarios.test_files import PICTURE
from tests.scenarios.test_live_replies import begun
from tests.scenarios.test_replies import follow_up
from tests.stage import END_S, set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]


async def test_a_reply_that_runs_into_a_limit_is_answered_when_the_job_goes_on(tmp_path: Path) -> None:
    async with set_stage(tmp_path, replies="all", oauth=True) as stage:
        job = await begun(stage, "look around [[slow:0.05]]")
        await stage.ann.say(stage.dev, "and then? [[rluni_once:3600]]", thread=stage.card())
        limited = await stage.job(lambda job: job.status is JobStatus.RATE_LIMITED)
        assert limited.id == job.id
        await stage.slack.until(
            lambda: "Resume now" in stage.card().buttons, timeout=END_S, what="the buttons"
        )
        await stage.ann.click(stage.card(), "Resume now")
        ended = await stage.ended()
        assert (ended.id, ended.status, ended.attempt, ended.replies) == (job.id, JobStatus.DONE, 2, 0)
        assert ended.session_id == limited.session_id
        asked = [request.markers for request in stage.models.requests]
        assert asked[-1][:2] == ("slow", "rluni_once"), "the reply was asked again, and with all before it"
        assert [each.outcome for each in await stage.house.storage.jobs.attempts(job.id)] == [
            "limited",
            "done",
        ]


async def test_a_file_comes_to_the_running_session_with_its_reply(tmp_path: Path) -> None:
    async with set_stage(tmp_path) as stage:
        job = await begun(stage, "look around [[slow:0.05]]")
        picture = stage.slack.file("chart.png", PICTURE)
        await stage.ann.mention(
            stage.dev, "and what is this? [[attached]]", thread=stage.card(), files=[picture]
        )
        ended = await stage.ended()
        assert (ended.id, ended.status, ended.attempt) == (job.id, JobStatus.DONE, 1)
        assert "[image]" in ended.result
        (sent,) = (tmp_path / "data" / "jobs" / job.id / "received").rglob("chart.png")
        copy = tmp_path / "workspace" / "again.png"
        await stage.ann.mention(stage.dev, f"once more? [[bash:cp {sent} {copy}]]", thread=stage.card())
        await follow_up(stage, job)
        assert copy.read_bytes() == PICTURE, "the conversation can still look at it"
