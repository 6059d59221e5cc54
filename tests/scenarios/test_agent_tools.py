"""Agents that use the house: what a real CLI's tool calls change, and what they may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.model import JobStatus
from tests.stage import set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]


@pytest.mark.parametrize("provider", ["claude", "gemini", "codex"])
async def test_try(provider: str, tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider=provider) as stage:
        asked = (
            'session [[use:create_task {"id":"d-one","name":"Fix it","workspace":"dev"}'
            '|post_update {"text":"Half way"}|progress {"done":1,"total":3,"note":"counting"}]]'
        )
        await stage.ann.command("/job", asked, channel=stage.dev)
        job = await stage.ended()
        print(job.result, job.message)
        print(stage.models.requests[-1].tools)
        for reply in stage.replies():
            print("REPLY", reply.plain)
        print("CARD", *[v.text for v in stage.card().history], sep="\n---")
        print(await stage.house.storage.tasks.tasks())
        for event in await stage.house.storage.jobs.events(job.id):
            print(event.body)
        assert job.status is JobStatus.DONE
