"""A stop comes to its end, whatever a part of the bot does with its cancellation."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bot.departure import departing

WITHIN_S = 0.1
LONG_S = 10.0


async def deaf(let_go: asyncio.Event) -> None:
    while not let_go.is_set():
        with suppress(asyncio.CancelledError):
            await let_go.wait()


async def test_f50_a_part_that_ignores_its_cancellation_is_left_and_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    let_go = asyncio.Event()
    async with asyncio.timeout(5):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(departing("announcer", deaf(let_go), WITHIN_S))
            await asyncio.sleep(0)
            task.cancel()
    assert task.cancelled()
    (record,) = [record for record in caplog.records if record.message == "departure.left"]
    assert vars(record)["part"] == "announcer"
    assert "deaf" in vars(record)["stands_at"]
    let_go.set()  # and it ends when the loop does
    await asyncio.sleep(0)


async def test_a_part_that_needs_its_time_gets_it_and_hears_every_cancellation() -> None:
    heard: list[str] = []

    async def slow() -> None:
        for word in ("first", "second"):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                heard.append(word)

    task = asyncio.create_task(departing("worker", slow(), LONG_S))
    for _ in range(2):
        await asyncio.sleep(0.01)
        task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert heard == ["first", "second"]


async def test_a_part_that_fails_fails_whoever_started_it() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await departing("worker", broken(), WITHIN_S)


async def test_a_part_that_fails_on_its_way_out_says_so() -> None:
    async def breaking() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ZeroDivisionError

    task = asyncio.create_task(departing("worker", breaking(), LONG_S))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(ZeroDivisionError):
        await task


async def test_a_part_that_has_nothing_more_to_do_ends() -> None:
    await departing("slack", asyncio.sleep(0), WITHIN_S)
