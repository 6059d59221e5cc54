"""F14, F16: whichever write fails, the story ends as if it had not: one job, one card, one last word."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import mkdtemp

import pytest

from executor.model import JobStatus
from executor.ports import StoreFault
from executor.steps import watched
from tests.faults.store_faults import NthWrite
from tests.stage import Stage, set_stage

ASK_S = 10.0
MOST = 20
"""Writes of one name in a story; more are no story but a loop."""
ALL = {"submit", "claim", "process started", "record", "settle", "begin announcement", "announcement shown"}

pytestmark = pytest.mark.timeout(120)


@pytest.mark.parametrize("fault", StoreFault)
async def test_whichever_write_fails_the_story_ends_well(tmp_path: Path, fault: StoreFault) -> None:
    clean = await _run(tmp_path, NthWrite(fault, "none of them", 1))
    assert set(clean.seen) == ALL
    for name in clean.seen:
        for number in range(1, MOST):
            if not (await _run(tmp_path, NthWrite(fault, name, number))).struck:
                break  # a run without a fault
        else:
            pytest.fail(f"{name} never ceases")


async def _run(place: Path, failing: NthWrite) -> NthWrite:
    """Ann asks, again where she is told to; the job runs; #dev shows it once."""
    own = Path(mkdtemp(dir=place))
    async with set_stage(own, provider="rehearsal") as stage:
        with watched(failing):
            await _story(stage)
    return failing


async def _story(stage: Stage) -> None:
    await _asked(stage, "session where is cache_session?")
    job = await stage.ended()
    assert job.status is JobStatus.DONE
    assert job.attempt == 1, "it ran once"
    assert len(await stage.house.storage.jobs.jobs()) == 1
    (card,) = stage.slack.messages(stage.dev)
    assert "done" in card.plain
    assert len([reply for reply in card.thread if "@Ann" in reply.plain]) == 1, "one last word"


async def _asked(stage: Stage, words: str) -> None:
    """Asks until the job is accepted."""
    async with asyncio.timeout(ASK_S):
        while True:
            reply = await stage.ann.command("/job", words, channel=stage.dev)
            if reply.plain.startswith("Queued as"):
                return
            assert "That was not taken in: " in reply.plain
            assert "Ask again" in reply.plain or "ask again" in reply.plain
            await asyncio.sleep(0.05)  # as a person would, only faster
