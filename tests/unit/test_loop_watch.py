"""A loop that is held up does not go unnoticed."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.loop_watch import LoopWatch

LIMIT_S = 0.1


def hold_up() -> None:
    time.sleep(LIMIT_S * 5)


async def test_f51_a_blocked_loop_is_told_once_with_what_blocks_it(caplog: pytest.LogCaptureFixture) -> None:
    watching = asyncio.create_task(LoopWatch(LIMIT_S).run())
    await asyncio.sleep(LIMIT_S)
    hold_up()
    await asyncio.sleep(LIMIT_S)
    watching.cancel()
    await asyncio.wait([watching])
    (record,) = [record for record in caplog.records if record.message == "loop.blocked"]
    assert "in hold_up" in vars(record)["stack"]


async def test_a_loop_that_turns_is_left_in_peace(caplog: pytest.LogCaptureFixture) -> None:
    watching = asyncio.create_task(LoopWatch(limit_s=5).run())
    await asyncio.sleep(LIMIT_S)
    watching.cancel()
    await asyncio.wait([watching])
    assert caplog.records == []
