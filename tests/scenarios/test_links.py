"""From the private answer to the thread of the job, in the whole bot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulators.slack.conversations import page_url
from tests.stage import set_stage

pytestmark = [pytest.mark.timeout(60)]


async def test_an_acknowledgement_waits_for_no_card_and_show_leads_to_it(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        reply = await stage.ann.command("/job", "research how do we cache?", channel=stage.dev)
        assert reply.plain.startswith("Queued as")
        job = await stage.ended()
        link = f"<{page_url(stage.card())}|Go to its thread>"
        shown = await stage.ann.command("/job", f"show {job.short_id}", channel=stage.dev)
        assert shown.text.endswith(link)
