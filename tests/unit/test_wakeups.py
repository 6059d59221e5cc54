"""Bells: a ring is never lost, and never lasts longer than the wait for it."""

from __future__ import annotations

import asyncio

import pytest

from executor.wakeups import Bell, Wakeups


async def test_a_ring_before_the_wait_counts_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    assert await bell.wait(1)
    assert not bell.rung
    assert not await bell.wait(0)


async def test_a_ring_ends_the_wait() -> None:
    bell = Bell()
    async with asyncio.timeout(5):
        waiting = asyncio.create_task(bell.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        bell.ring()
        assert await waiting


async def test_a_wait_that_ran_out_or_was_cancelled_leaves_a_later_ring_alone() -> None:
    bell = Bell()
    assert not await bell.wait(0.001)
    waiting = asyncio.create_task(bell.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    bell.ring()
    assert await bell.wait(1)


async def test_a_ring_reaches_everybody_who_listens_to_its_topic_and_nobody_else() -> None:
    wakeups = Wakeups()
    with (
        wakeups.listen("a", "b") as both,
        wakeups.listen("a") as one,
        wakeups.listen("c") as other,
    ):
        wakeups.ring("a")
        assert (both.rung, one.rung, other.rung) == (True, True, False)
    with wakeups.listen("a") as late:
        assert not late.rung


async def test_whoever_has_left_is_not_kept_in_mind() -> None:
    wakeups = Wakeups()
    with wakeups.listen("a"), wakeups.listen("a", "b"):
        pass
    wakeups.ring("a")
    assert wakeups._bells == {}


async def test_no_ring_is_lost_between_two_looks() -> None:
    """A worker that looks, then waits, sees everything that was put there before a ring."""
    wakeups, put, seen = Wakeups(), [0], 0

    async def write() -> None:
        for _ in range(200):
            put[0] += 1
            wakeups.ring("news")
            await asyncio.sleep(0)

    with wakeups.listen("news") as bell:
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            group.create_task(write())
            while seen < 200:
                await bell.wait()
                seen = put[0]
                await asyncio.sleep(0)
