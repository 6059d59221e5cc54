"""What jobs have cost, asked for in chat: a table for the asker alone, and a picture in private."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.test_discord_job import Scene, bot, ended
from tests.simulators.discord import DiscordSimulator
from tests.stage import set_stage

pytestmark = [pytest.mark.timeout(60)]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with DiscordSimulator() as discord:
        yield Scene(discord, tmp_path)


async def test_on_slack_the_table_is_private_and_the_picture_comes_directly(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.ann.command("/job", "research how do we cache sessions?", channel=stage.dev)
        await stage.ended()
        reply = await stage.ann.command("/job", "usage --by type", channel=stage.dev)
        assert reply.shown in stage.ann.ephemerals
        assert "Your usage in the last 30 days, by type" in reply.plain
        assert "research  " in reply.plain
        assert "/usage?by=type&days=30" in reply.plain
        assert "Its picture comes to your direct messages" in reply.plain
        direct = stage.slack.dm(stage.ann)
        await stage.slack.until(
            lambda: any(message.files for message in stage.slack.messages(direct)), what="the picture"
        )
        (picture,) = [file for message in stage.slack.messages(direct) for file in message.files]
        assert picture.content.startswith(PNG)
        assert picture.alt_text == picture.title and "by type" in picture.title
        assert len(stage.slack.messages(stage.dev)) == 1, "nobody else is shown any of it"
        other = await stage.bob.command("/job", "usage", channel=stage.dev)
        assert "nothing yet" in other.plain


async def test_on_slack_a_mention_is_answered_so_too(tmp_path: Path) -> None:
    async with set_stage(tmp_path, provider="rehearsal") as stage:
        await stage.ann.command("/job", "session x", channel=stage.dev)
        await stage.ended()
        direct = stage.slack.dm(stage.ann)
        await stage.ann.say(direct, "usage")
        await stage.slack.until(
            lambda: any(message.files for message in stage.slack.messages(direct)), what="the picture"
        )


async def test_on_discord_the_picture_goes_with_the_private_answer(scene: Scene) -> None:
    async with bot(scene) as house:
        await scene.ann.runs("/job session", {"prompt": "x"}, channel=scene.dev)
        await ended(house)
        told = await scene.ann.runs("/job usage", {"by": "person", "days": "7"}, channel=scene.dev)
        assert told.is_private and told.original is not None
        assert "Your usage in the last 7 days, by person" in told.text
        (picture,) = told.original.files
        assert picture.name.startswith("usage-person-") and picture.content.startswith(PNG)
        settings = await scene.ann.runs("/job settings", {"setting": "effort"}, channel=scene.dev)
        assert "`effort` is `medium`" in settings.text
        refused = await scene.ann.runs(
            "/job settings", {"setting": "effort", "value": "high"}, channel=scene.dev
        )
        assert "Only an admin may change a setting" in refused.text
        assert len(scene.dev.messages) == 1
