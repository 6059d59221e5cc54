"""The live log: in order, nothing lost, never more waiting than there is room for."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from executor import live as live_module
from executor.events import Activity, Moved, Noticed, TextWritten
from executor.lifecycle import Transition
from executor.live import LiveLog
from executor.model import Job, Outcome, OutcomeKind
from executor.ports import Store
from executor.wakeups import Bell, Wakeups, job_topic
from tests.builders import claim_one, open_store, request
from tests.fsck import check


@dataclass(frozen=True, slots=True)
class Scene:
    live: LiveLog
    store: Store
    job: Job
    news: Bell
    database: Path

    async def logged(self) -> list[object]:
        events = await self.store.events(self.job.id, limit=100_000)
        return [event.body for event in events if not isinstance(event.body, Moved)]

    @contextmanager
    def busy_store(self) -> Iterator[None]:
        """Another program holds the file: nothing can be written for as long."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            yield


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    wakeups = Wakeups()
    async with open_store(tmp_path, wakeups) as store:
        await store.submit(request())
        job = await claim_one(store, ["rehearsal"])
        assert job is not None
        with wakeups.listen(job_topic(job.id)) as news:
            yield Scene(LiveLog(store, job), store, job, news, tmp_path / "bifrost.db")
    check(tmp_path / "bifrost.db")


@asynccontextmanager
async def writing(scene: Scene) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(scene.live.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=10)


def say(*texts: str) -> list[Activity]:
    return [TextWritten(text=text) for text in texts]


async def test_what_comes_first_is_written_at_once_and_what_follows_in_batches(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "BATCH_S", 1000)
    async with asyncio.timeout(10), writing(scene):
        await scene.live.add(say("first"))
        assert await scene.news.wait()
        await scene.live.add(say("second"))
        assert await scene.logged() == say("first")
        await scene.live.flush()
        assert await scene.logged() == say("first", "second")


async def test_texts_that_follow_each_other_become_one_and_the_order_stays(scene: Scene) -> None:
    notice = Noticed(text="retrying")
    await scene.live.add([*say("a", "b"), notice, *say("c")])
    await scene.live.add(say("d"))
    await scene.live.flush()
    assert await scene.logged() == [TextWritten(text="ab"), notice, TextWritten(text="cd")]


async def test_nothing_is_lost_or_doubled_wherever_the_writer_is_cut_off(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_module, "BATCH_S", 0)
    wanted = [Noticed(text=str(number)) for number in range(60)]
    for number, notice in enumerate(wanted):
        async with writing(scene):
            await scene.live.add([notice])
            for _ in range(number % 12):
                await asyncio.sleep(0)
    await scene.live.flush()
    assert await scene.logged() == wanted


async def test_a_writer_that_is_cut_off_has_kept_what_it_was_writing(scene: Scene) -> None:
    async with asyncio.timeout(10):
        task = asyncio.create_task(scene.live.run())
        with scene.busy_store():
            await scene.live.add(say("kept"))
            await scene.logged()
            task.cancel()
            assert (await asyncio.wait([task], timeout=0.1))[1]
        await asyncio.wait([task])
    assert await scene.logged() == say("kept")


@pytest.mark.parametrize(("text", "most"), [("x", 2000), ("x" * 100_000, 10)])
async def test_a_process_that_prints_faster_than_is_kept_has_to_wait(
    scene: Scene, text: str, most: int
) -> None:
    added = 0

    async def print_on() -> None:
        nonlocal added
        while added < most + 100:
            await scene.live.add([Noticed(text="-"), *say(text)])
            added += 1

    async with asyncio.timeout(20), writing(scene):
        with scene.busy_store():
            printing = asyncio.create_task(print_on())
            assert (await asyncio.wait([printing], timeout=0.3))[1]
            assert added <= 2 * most + 2
            stalled = added
            assert (await asyncio.wait([printing], timeout=0.1))[1]
            assert added == stalled
        await printing
        await scene.live.flush()
    assert len(await scene.logged()) == 2 * added


async def test_no_batch_is_larger_than_what_may_wait(scene: Scene) -> None:
    async with asyncio.timeout(20), writing(scene):
        for number in range(5000):
            await scene.live.add([Noticed(text=str(number))])
    await scene.live.flush()
    events = await scene.store.events(scene.job.id, limit=100_000)
    notices = [event for event in events if isinstance(event.body, Noticed)]
    assert [event.body for event in notices] == [Noticed(text=str(number)) for number in range(5000)]
    # A batch is one transaction, and so of one moment.
    assert max(Counter(event.at for event in notices).values()) <= 2000


async def test_an_attempt_that_was_outrun_logs_nothing(scene: Scene) -> None:
    interrupted = Outcome(kind=OutcomeKind.INTERRUPTED)
    assert await scene.store.settle(scene.job, Transition.INTERRUPT, interrupted)
    await scene.live.add(say("late"))
    await scene.live.flush()
    assert await scene.logged() == []
