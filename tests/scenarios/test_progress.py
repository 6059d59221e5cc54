"""The agent's own list of what it has to do, as people see it move on the card."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.news import rhythm
from executor.model import JobStatus
from tests.simulators.slack import Message
from tests.stage import set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]
_BAR = re.compile(r"([▰▱]+ \d+/\d+(?: · [^\n]+)?)")


def bars(card: Message) -> Iterator[str]:
    """The bars that the card has shown, in order and each once."""
    found = (_BAR.search(version.text) for version in card.history)
    return (bar for bar, _ in itertools.groupby(match[1] for match in found if match))


async def test_the_card_shows_how_far_the_agent_is_and_ends_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rhythm, "STEP_S", 0.2)
    async with set_stage(tmp_path) as stage:
        assert stage.bifrost.slack is not None
        platform = stage.bifrost.slack.platform
        platform.caps = replace(platform.caps, edits_per_minute=1200)
        asked = "session do it all [[todos:0.8,Look around|Write tests|Tidy up]]"
        await stage.ann.command("/job", asked, channel=stage.dev)
        job = await stage.ended()

        assert job.status is JobStatus.DONE, job.message
        card = stage.card()
        assert list(bars(card)) == [
            "▱▱▱ 0/3 · Look around",
            "▰▱▱ 1/3 · Write tests",
            "▰▰▱ 2/3 · Tidy up",
            "▰▰▰ 3/3",
        ]
        assert not _BAR.search(card.plain), "no bar is left of a job that has ended"
        assert "todo: 3/3" in card.plain
        assert all("TodoWrite" not in reply.plain for reply in card.thread)
