"""From the private answer to the thread of the job, in the whole bot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulators.slack.conversations import page_url
from tests.stage import set_stage

pytestmark = [pytest.mark.timeout(60)]


async def test_the_acknowledgement_and_show_lead_to_the_card(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        reply = await stage.ann.command("/job", "research how do we cache?", channel=stage.dev)
        link = f"<{page_url(stage.card())}|Go to its thread>"
        assert reply.text.startswith("Queued as") and reply.text.endswith(link)
        assert reply.latency_s is not None and reply.latency_s < 1.5
        job = await stage.ended()
        shown = await stage.ann.command("/job", f"show {job.short_id}", channel=stage.dev)
        assert shown.text.endswith(link)


async def test_a_channel_that_takes_no_card_delays_no_acknowledgement(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        stage.slack.fail_next("chat.postMessage", retry_after=3, times=1)
        reply = await stage.ann.command("/job", "research how do we cache?", channel=stage.dev)
        assert reply.error is None and "Go to its thread" not in reply.text
        assert reply.plain.startswith("Queued as")
        await stage.ended()
