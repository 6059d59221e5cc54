"""The whole bot where Slack calls it: a job by requests alone, told as ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.model import JobStatus
from tests.stage import set_stage

pytestmark = [pytest.mark.timeout(60)]


async def test_a_job_is_asked_for_and_stopped_by_signed_requests(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal", step_seconds=5, http=True) as stage:
        reply = await stage.ann.command("/job", "research how do we cache?", channel=stage.dev)
        assert reply.plain.startswith("Queued as")
        await stage.job(lambda job: job.status is JobStatus.RUNNING)
        await stage.slack.until(
            lambda: any("running" in each.plain for each in stage.slack.messages(stage.dev)), what="the card"
        )
        assert (await stage.ann.click(stage.card(), "Cancel")).error is None
        assert (await stage.ended()).status is JobStatus.CANCELLED
        assert stage.slack.connections == 0
        assert not [call for call in stage.slack.calls if call.method == "apps.connections.open"]
