"""A platform that will not have the bot: its admins hear of it where they still can, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.configuration import load
from tests.simulators.discord import DiscordSimulator
from tests.stage import Wishes, hang_backdrop, running

pytestmark = [pytest.mark.timeout(60)]


async def test_f44_admins_are_told_on_slack_what_to_switch_on_for_discord(tmp_path: Path) -> None:
    wishes = Wishes(provider="rehearsal")
    async with DiscordSimulator() as discord, hang_backdrop(tmp_path, wishes) as backdrop:
        ann, bob, _ = backdrop.people
        settings = load(backdrop.config, {})
        slack = settings.slack.model_copy(update={"admins": frozenset({ann.id})})
        refused = settings.discord.model_validate(
            {"token": discord.token, "api_url": discord.api_url, "replies": "all"}
        )
        settings = settings.model_copy(update={"slack": slack, "discord": refused})
        async with running(settings, connects=("slack",)) as (_, bifrost):
            direct = backdrop.slack.dm(ann)
            (told,) = await backdrop.slack.until(lambda: direct.messages, timeout=30, what="the notice")
            assert "Message Content Intent" in told.plain
            assert bifrost.discord_problem
        assert len(direct.messages) == 1
        assert not backdrop.slack.dm(bob).messages
