"""What every store must do with replies to a running job: each is taken once, or waits again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor.events import InterruptAsked, ReplyBegun, ReplyHanded, ReplyKept, ReplyTaken
from executor.follow_ups import Reply
from executor.model import Job, Outcome, OutcomeKind
from executor.wakeups import control_topic
from tests.builders import origin
from tests.contracts.store_world import ADAPTERS, DONE, INTERRUPTED, StorageWorld, open_storage_world

CANCELLED = Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled")


class World(StorageWorld):
    """With what this suite asks of it."""

    async def live(self) -> Job:
        job = await self.running()
        await self.storage.mailbox.open(job)
        return await self.row(job)

    async def say(self, job: Job, text: str) -> Job | None:
        reply = Reply(text=text, origin=origin(), delivery=text)
        return await self.storage.replies.keep(job.id, reply)

    async def handed(self, job: Job) -> dict[str, bool]:
        """What was said, and whether it is urgent."""
        return {each.text: each.urgent for each in await self.storage.mailbox.handed(job)}

    async def numbers(self, job: Job) -> list[int]:
        return [each.number for each in await self.storage.mailbox.handed(job)]

    async def waiting(self, job: Job) -> list[str]:
        return [each.text for each in await self.storage.replies.waiting(job.id)]


@pytest.fixture(params=ADAPTERS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_storage_world(World, request.param, tmp_path) as world:
        yield world


async def test_a_reply_is_handed_at_once_to_an_attempt_that_takes_them(world: World) -> None:
    job = await world.live()
    with world.wakeups.listen(control_topic(job.id)) as bell:
        said = await world.say(job, "one")
        assert bell.rung
    assert said is not None and (said.live, said.replies) == (True, 1)
    assert await world.handed(job) == {"one": False}
    assert (await world.bodies(job))[-1] == ReplyHanded(by="Ann")


async def test_replies_that_came_before_are_handed_when_the_attempt_takes_them(world: World) -> None:
    job = await world.running()
    assert not (await world.row(job)).live
    await world.say(job, "one")
    assert (await world.bodies(job))[-1] == ReplyKept(by="Ann")
    await world.say(job, "two")
    await world.storage.mailbox.open(job)
    assert await world.numbers(job) == sorted(await world.numbers(job))
    assert await world.handed(job) == {"one": False, "two": False}


async def test_a_reply_that_is_begun_and_taken_waits_no_more(world: World) -> None:
    job = await world.live()
    await world.say(job, "one")
    (number,) = await world.numbers(job)
    await world.storage.jobs.record(job, [ReplyBegun(reply=number)])
    assert ((await world.row(job)).replies, await world.handed(job)) == (0, {})
    await world.storage.jobs.record(job, [ReplyTaken(reply=number)])
    await world.end(job, DONE)
    assert ((await world.row(job)).replies, await world.waiting(job)) == (0, [])


@pytest.mark.parametrize("begun", [False, True])
@pytest.mark.parametrize("outcome", [DONE, INTERRUPTED])
async def test_what_the_attempt_has_not_taken_waits_again(
    world: World, outcome: Outcome, begun: bool
) -> None:
    job = await world.live()
    await world.say(job, "one")
    await world.storage.replies.interrupt(job.id, "Ann")
    if begun:
        numbers = await world.numbers(job)
        await world.storage.jobs.record(job, [ReplyBegun(reply=number) for number in numbers])
    await world.end(job, outcome)
    row = await world.row(job)
    assert (row.live, row.replies, await world.waiting(job)) == (False, 1, ["one"])
    if outcome is INTERRUPTED:
        again = await world.claimed()
        await world.storage.mailbox.open(again)
        assert await world.handed(again) == {"one": False}


async def test_an_old_attempt_begins_and_takes_nothing(world: World) -> None:
    job = await world.live()
    await world.say(job, "one")
    (number,) = await world.numbers(job)
    await world.end(job, INTERRUPTED)
    again = await world.claimed()
    await world.storage.mailbox.open(again)
    assert not await world.storage.jobs.record(job, [ReplyBegun(reply=number), ReplyTaken(reply=number)])
    await world.storage.mailbox.open(job)
    assert await world.handed(job) == {}
    assert await world.handed(again) == {"one": False}


async def test_it_is_shut_only_where_all_that_was_handed_is_known(world: World) -> None:
    job = await world.live()
    await world.say(job, "one")
    assert not await world.storage.mailbox.shut(job, 0)
    assert (await world.row(job)).live
    (number,) = await world.numbers(job)
    assert await world.storage.mailbox.shut(job, number)
    said = await world.say(job, "two")
    assert said is not None and not said.live
    assert await world.handed(job) == {"one": False}
    await world.end(job, DONE)
    assert await world.waiting(job) == ["one", "two"]


async def test_a_reply_and_a_shut_at_once_leave_none_that_nobody_hands_over(world: World) -> None:
    for number in range(20):
        job = await world.live()
        said, shut = await asyncio.gather(
            world.say(job, f"reply {number}"), world.storage.mailbox.shut(job, 0)
        )
        assert said is not None and said.live is not shut
        await world.end(job, DONE)
        assert await world.waiting(job) == [f"reply {number}"]


async def test_it_can_be_shut_whatever_was_handed(world: World) -> None:
    job = await world.live()
    await world.say(job, "one")
    assert await world.storage.mailbox.shut(job, None)
    assert not (await world.row(job)).live
    await world.end(job, DONE)


async def test_an_interrupt_makes_urgent_what_nobody_has_begun_with(world: World) -> None:
    job = await world.live()
    assert await world.storage.replies.interrupt(job.id, "Ann") is None
    await world.say(job, "one")
    with world.wakeups.listen(control_topic(job.id)) as bell:
        for _ in range(2):
            asked = await world.storage.replies.interrupt(job.id, "Bob")
            assert asked is not None and asked.cancel_requested_at is None
        assert bell.rung
    assert await world.handed(job) == {"one": True}
    assert (await world.bodies(job)).count(InterruptAsked(by="Bob")) == 1
    (number,) = await world.numbers(job)
    await world.storage.jobs.record(job, [ReplyBegun(reply=number)])
    assert await world.storage.replies.interrupt(job.id, "Ann") is None


async def test_a_cancel_drops_what_was_handed_and_ends_the_handing(world: World) -> None:
    job = await world.live()
    await world.say(job, "one")
    (number,) = await world.numbers(job)
    await world.storage.jobs.record(job, [ReplyBegun(reply=number)])
    await world.say(job, "two")
    await world.storage.jobs.cancel(job.id, "Ann")
    later = await world.say(job, "three")
    assert later is not None and (later.live, later.replies) == (False, 1)
    await world.storage.jobs.record(job, [ReplyTaken(reply=number)])
    await world.end(job, CANCELLED)
    assert await world.waiting(job) == ["three"]


async def test_the_same_message_is_handed_once(world: World) -> None:
    job = await world.live()
    for _ in range(2):
        await world.say(job, "one")
    assert await world.handed(job) == {"one": False}
