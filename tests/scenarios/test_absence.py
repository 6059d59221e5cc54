"""People type in the threads of jobs while the bot is away, and it does each thing once when it is back."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fsck import check
from tests.scenarios.test_restart import LATER_S, START_S, serving
from tests.simulators.slack import Rules
from tests.stage import Wishes, hang_backdrop

pytestmark = [pytest.mark.timeout(120)]

WISHES = Wishes(provider="rehearsal", replies="all", step_seconds=0.3)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
async def test_what_is_typed_while_the_bot_is_away_is_done_once_when_it_is_back(
    tmp_path: Path, how: signal.Signals
) -> None:
    async with hang_backdrop(tmp_path, WISHES, Rules(event_retry_delays_s=())) as backdrop:
        slack, (ann, bob, _) = backdrop.slack, backdrop.people
        dev = slack.channel("dev")
        async with serving(backdrop.config, slack) as bot:
            await ann.command("/job", "research how do we cache sessions?", channel=dev)
            await slack.until(lambda: dev.messages and "Cancel" in dev.messages[0].buttons, timeout=START_S)
            bot.send_signal(how)
            await asyncio.wait_for(bot.wait(), START_S)
            (card,) = dev.messages
        said = [await ann.say(dev, words, thread=card) for words in ("and write down why", "then test it")]
        said.append(await ann.mention(dev, "and tell Bob", thread=card))
        aside = await bob.say(dev, "nice", thread=card)
        for _ in range(2):
            async with serving(backdrop.config, slack):
                await slack.until(lambda: all(each.reactions for each in said), timeout=LATER_S, what="eyes")
                await slack.until(
                    lambda: (
                        sum("done" in m.plain and "Resume" in m.buttons for m in [card, *card.thread]) >= 2
                    ),
                    timeout=LATER_S,
                    what="the follow-up's end",
                )
        assert not aside.reactions
        assert not bob.ephemerals
    check(tmp_path / "data" / "bifrost.db")
    with closing(sqlite3.connect(tmp_path / "data" / "bifrost.db")) as connection:
        taken = connection.execute("SELECT payload FROM jobs").fetchall()
        waiting = connection.execute("SELECT text FROM replies WHERE state = 'waiting'").fetchall()
    said_to_agents = "\n".join(row[0] for row in (*taken, *waiting))
    for words in ("and write down why", "then test it", "and tell Bob"):
        assert said_to_agents.count(words) == 1, "it is an agent's prompt, or waits to be, once"
