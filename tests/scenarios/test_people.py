"""People decide by buttons in the thread what the real claude asks, on Slack and on Discord."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from executor.model import JobStatus
from tests.fsck import check
from tests.scenarios.test_every_type import discord_section
from tests.scenarios.test_restart import LATER_S, START_S, serving
from tests.simulators.discord import DiscordSimulator
from tests.simulators.slack import Channel, Message
from tests.stage import Wishes, hang_backdrop, set_stage

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]


def asked(channel: Channel) -> Message | None:
    """The question in the thread of the first card."""
    thread = channel.messages[0].thread if channel.messages else ()
    return next((each for each in thread if "Question 1 of" in each.plain), None)


async def test_what_an_agent_wants_to_do_is_approved_on_slack_after_the_bot_was_killed(
    tmp_path: Path,
) -> None:
    wishes = Wishes(permissions="ask", replies="all")
    async with hang_backdrop(tmp_path, wishes) as backdrop:
        slack, (ann, bob, *_) = backdrop.slack, backdrop.people
        dev = slack.channel("dev")
        made = tmp_path / "workspace" / "made"
        async with serving(backdrop.config, slack) as bot:
            await ann.command("/job", "session [[insist:touch made]]", channel=dev)
            await slack.until(lambda: asked(dev), timeout=LATER_S, what="the question")
            question = asked(dev)
            assert question is not None
            assert "touch made" in question.plain
            assert question.buttons == ["Approve", "Approve for this job", "Deny", "Deny and say why…"]
            await bob.click(question, "Approve")
            await slack.until(lambda: bob.ephemerals, timeout=LATER_S, what="what Bob is told")
            assert "was started by somebody else" in bob.ephemerals[-1].plain
            bot.send_signal(signal.SIGKILL)
            assert await asyncio.wait_for(bot.wait(), START_S) == -signal.SIGKILL
        assert not made.exists()
        async with serving(backdrop.config, slack):
            await ann.click(question, "Approve")
            await slack.until(lambda: "done" in dev.messages[0].plain, timeout=LATER_S, what="a card done")
            await slack.until(
                lambda: "approved by ann" in question.plain, timeout=LATER_S, what="who decided"
            )
        assert made.exists()
        assert question.buttons == []
    check(tmp_path / "data" / "bifrost.db")


async def test_a_question_of_an_agent_is_answered_by_a_button_on_discord(tmp_path: Path) -> None:
    async with DiscordSimulator() as discord:
        ann, dev = discord.person("Ann"), discord.channel("dev")
        async with set_stage(tmp_path, more=discord_section(discord, ann)) as stage:
            await ann.runs("/job session", {"prompt": "[[ask:Which colour?=Red|Blue]]"}, channel=dev)

            def question() -> object:
                thread = dev.messages[0].thread if dev.messages else None
                rows = thread.messages if thread else []
                return next((each for each in rows if "Question 1 of" in each.plain), None)

            await discord.until(question, timeout=LATER_S, what="the question")
            thread = dev.messages[0].thread
            assert thread is not None
            (row,) = [each for each in thread.messages if "Question 1 of" in each.plain]
            assert row.buttons == ["Red", "Blue", "Answer in words…"]
            await ann.clicks(row, "Blue")
            job = await stage.ended()
            assert job.status is JobStatus.DONE, job.message
            assert "answered by Ann" in row.plain
            told = "\n".join(text for request in stage.models.requests for text in request.texts)
            assert "Blue" in told
