"""The bot stops, by a signal or by force, and goes on where it was: nothing lost, nothing said twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.fsck import check
from tests.simulators.slack import Channel, Message, SlackSimulator
from tests.stage import Wishes, hang_backdrop

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]

START_S = 20.0
LATER_S = 40.0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["sigterm", "sigkill"])
async def test_a_running_job_goes_on_with_its_session_after_the_bot_was_stopped(
    tmp_path: Path, how: signal.Signals
) -> None:
    """F05."""
    async with hang_backdrop(tmp_path, Wishes()) as backdrop:
        slack, ann = backdrop.slack, backdrop.people[0]
        dev = slack.channel("dev")
        async with serving(backdrop.config, slack) as bot:
            await ann.command("/job", "session take your time [[hang_once:300]]", channel=dev)
            await slack.until(lambda: _shows(dev, "Cancel"), timeout=START_S, what="a running card")
            await backdrop.models.until(lambda: backdrop.models.requests, timeout=LATER_S)
            bot.send_signal(how)
            assert await asyncio.wait_for(bot.wait(), START_S) == (0 if how is signal.SIGTERM else -how)

        async with serving(backdrop.config, slack):
            await slack.until(lambda: _results(dev), timeout=LATER_S, what="the last word")
            await slack.until(lambda: "done" in dev.messages[0].plain, timeout=LATER_S, what="a card done")
        (card,) = dev.messages
        assert len(_results(dev)) == 1
        assert len({m.plain for m in card.thread}) == len(card.thread), "nothing is said twice"
    check(tmp_path / "data" / "bifrost.db")
    assert not _processes(tmp_path), "nothing is left running"


async def test_a_bot_killed_again_and_again_announces_each_job_once(tmp_path: Path) -> None:
    """F07."""
    async with hang_backdrop(tmp_path, Wishes(provider="rehearsal", step_seconds=0.05)) as backdrop:
        slack, ann = backdrop.slack, backdrop.people[0]
        dev = slack.channel("dev")
        for number in range(2):
            async with serving(backdrop.config, slack) as bot:
                await ann.command("/job", f"research how, number {number}?", channel=dev)
                await slack.until(partial(_has, dev, number + 1), timeout=START_S, what="a card")
                bot.kill()
                await asyncio.wait_for(bot.wait(), START_S)
        async with serving(backdrop.config, slack):
            await slack.until(lambda: len(_results(dev)) == 2, timeout=LATER_S, what="two last words")
            await slack.until(
                lambda: all("done" in m.plain for m in dev.messages), timeout=LATER_S, what="two cards done"
            )
        assert len(dev.messages) == 2
        assert len(_results(dev)) == 2
    check(tmp_path / "data" / "bifrost.db")


@asynccontextmanager
async def serving(config: Path, slack: SlackSimulator) -> AsyncIterator[asyncio.subprocess.Process]:
    """The real program in a process of its own, connected to Slack; stopped by SIGTERM if it still runs."""
    log = config.with_suffix(".log").open("ab")
    await slack.until(lambda: not slack.connections, timeout=START_S, what="the last bot's socket to close")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve", "--config", str(config)),
        stdout=log,
        stderr=log,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "HOME": str(config.parent)},
    )
    try:
        await slack.until(lambda: slack.connections, timeout=START_S, what="the bot's socket")
        yield process
    finally:
        log.close()
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), START_S)


def _has(channel: Channel, cards: int) -> bool:
    return len(channel.messages) == cards


def _shows(channel: Channel, button: str) -> bool:
    return any(button in message.buttons for message in channel.messages)


def _results(channel: Channel) -> list[Message]:
    """The last words: they alone mention a person."""
    return [reply for card in channel.messages for reply in card.thread if "@Ann" in reply.plain]


def _processes(place: Path) -> list[str]:
    """Processes that have to do with this test's directories."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(place).encode() in path.read_bytes():
                found.append((path.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found
