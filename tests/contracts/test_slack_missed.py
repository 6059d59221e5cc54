"""What people write in the threads of jobs while no socket is open: read back, and done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.desk.asks import Answer
from bot.platforms import missed
from bot.platforms.slack import connection, threads
from tests.contracts.slack_world import Board, Desk, Threads, World, adapter_for, running, simulator
from tests.simulators.slack import Message, SlackSimulator


class Absence:
    """A Slack with #dev, Ada and the thread of a job, and a bot that comes and goes."""

    def __init__(self, slack: SlackSimulator) -> None:
        self.slack = slack
        self.dev = slack.channel("dev")
        self.ada = slack.person("Ada")
        self.threads = Threads()
        self.threads.changed = slack.workspace.changes.notify
        self.desk = Desk()

    async def thread(self, text: str = "how do we cache?") -> Message:
        """The thread of a job, which this message is the head of."""
        head = await self.ada.say(self.dev, text)
        self.threads.job(self.slack.team_id, self.dev.id, head.ts)
        return head

    @asynccontextmanager
    async def bot(self, *, overhear: bool = True) -> AsyncIterator[World]:
        """The bot, once it has read all back; Slack is as it was."""
        board = Board()
        adapter = adapter_for(self.slack, self.desk, board, self.threads, overhear=overhear)
        async with running(adapter):
            yield World(self.slack, self.desk, board, adapter)

    async def asked(self, count: int) -> list[str]:
        """What the desk was asked, once that is so much."""
        await self.slack.until(lambda: len(self.words) >= count, what=f"{count} asks")
        return self.words

    @property
    def words(self) -> list[str]:
        commands = [invocation.text for invocation in self.desk.invocations]
        return commands + [ask.args["prompt"] for ask in self.desk.asks]

    def pages(self) -> int:
        return [call.method for call in self.slack.calls].count("conversations.replies")


@pytest.fixture
async def absence(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Absence]:
    monkeypatch.setattr(threads, "GAP_S", 0.0)
    monkeypatch.setattr(missed, "PAUSE_S", 0.0)
    async with simulator() as slack:
        yield Absence(slack)


async def test_replies_written_meanwhile_are_done_in_their_order(absence: Absence) -> None:
    head = await absence.thread()
    said = [await absence.ada.say(absence.dev, f"word {number}", thread=head) for number in range(5)]
    async with absence.bot():
        assert await absence.asked(5) == [f"word {number}" for number in range(5)]
        assert {ask.origin.thread for ask in absence.desk.asks} == {head.ts}
        assert all(ask.overheard for ask in absence.desk.asks)
        assert absence.desk.asks[0].origin.actor.name == "ada"
        await absence.slack.until(lambda: all(each.reactions for each in said), what="eyes")


async def test_where_a_reply_needs_a_mention_only_those_are_done(absence: Absence) -> None:
    head = await absence.thread()
    await absence.ada.say(absence.dev, "nice", thread=head)
    await absence.ada.mention(absence.dev, "and the tests", thread=head)
    async with absence.bot(overhear=False):
        assert await absence.asked(1) == ["and the tests"]
        await absence.slack.until(lambda: absence.threads.heard_at, what="that it is noted")
    assert absence.words == ["and the tests"]


async def test_nothing_is_done_twice_however_often_the_bot_comes_and_goes(absence: Absence) -> None:
    head = await absence.thread()
    await absence.ada.say(absence.dev, "first", thread=head)
    async with absence.bot():
        await absence.asked(1)
        await absence.ada.say(absence.dev, "second", thread=head)
        await absence.asked(2)
        await absence.slack.until(lambda: absence.threads.heard_at)
    await absence.ada.say(absence.dev, "third", thread=head)
    pages = absence.pages()
    async with absence.bot():
        assert await absence.asked(3) == ["first", "second", "third"]
    async with absence.bot():
        await absence.slack.until(lambda: absence.pages() >= pages + 2)
    assert absence.words == ["first", "second", "third"]


async def test_an_event_that_comes_late_of_what_was_read_back_is_not_done_again(absence: Absence) -> None:
    head = await absence.thread()
    await absence.ada.say(absence.dev, "and the tests", thread=head)
    late = absence.slack.deliveries[-1]
    async with absence.bot():
        await absence.asked(1)
        await absence.slack.redeliver(late, new_envelope_id=True)
        await absence.slack.until(lambda: any(attempt.acks for attempt in late.attempts))
    assert absence.words == ["and the tests"]


async def test_between_two_sockets_nothing_is_missed(
    absence: Absence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PING_S", 0.2)
    head = await absence.thread()
    async with absence.bot() as world:
        await absence.slack.until(lambda: absence.pages() == 1)
        absence.slack.drop_connections()
        await absence.ada.say(absence.dev, "and the tests", thread=head)
        assert await absence.asked(1) == ["and the tests"]
        await asyncio.wait_for(world.adapter.ready.wait(), 5)


async def test_what_stood_in_a_thread_before_its_job_is_no_reply(absence: Absence) -> None:
    head = await absence.ada.say(absence.dev, "lunch?")
    await absence.ada.say(absence.dev, "yes", thread=head)
    absence.threads.job(absence.slack.team_id, absence.dev.id, head.ts)
    absence.threads.jobs[:] = [replace(each, since=datetime.now(UTC)) for each in absence.threads.jobs]
    await absence.ada.say(absence.dev, "and the tests", thread=head)
    async with absence.bot():
        assert await absence.asked(1) == ["and the tests"]


async def test_what_was_corrected_meanwhile_is_done_as_it_stands(absence: Absence) -> None:
    head = await absence.thread()
    said = await absence.ada.mention(absence.dev, "research teh cache", thread=head)
    words = said.text.replace("teh", "the")
    absence.slack.workspace.edit(said, absence.slack.workspace.version(words, []), edited=True)
    async with absence.bot():
        assert await absence.asked(1) == ["research the cache"]


async def test_a_long_thread_is_read_by_pages_and_not_without_end(
    absence: Absence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "_PAGE", 4)
    head = await absence.thread()
    for number in range(20):
        await absence.ada.say(absence.dev, f"word {number}", thread=head)
    async with absence.bot():
        await absence.slack.until(lambda: absence.threads.heard_at, what="the end of it")
    assert absence.pages() == 3
    assert absence.words == [f"word {number}" for number in range(11)], "the head of it is on the first page"


async def test_a_slack_that_is_busy_is_asked_again(absence: Absence) -> None:
    head = await absence.thread()
    await absence.ada.say(absence.dev, "and the tests", thread=head)
    absence.slack.fail_next("conversations.replies", error="internal_error")
    async with absence.bot():
        assert await absence.asked(1) == ["and the tests"]


async def test_a_thread_that_is_gone_keeps_nobody_from_the_others(absence: Absence) -> None:
    absence.threads.job(absence.slack.team_id, absence.dev.id, "1.000001")
    head = await absence.thread()
    await absence.ada.say(absence.dev, "and the tests", thread=head)
    async with absence.bot():
        assert await absence.asked(1) == ["and the tests"]


async def test_what_nobody_has_to_do_with_is_passed_over_in_silence(absence: Absence) -> None:
    absence.desk.answer = Answer(ok=False, text="")
    head = await absence.thread()
    said = await absence.ada.say(absence.dev, "lunch?", thread=head)
    async with absence.bot():
        await asyncio.wait_for(absence.desk.asked.wait(), 5)
    assert (said.reactions, absence.ada.ephemerals, absence.threads.heard_at) == ({}, [], None)
