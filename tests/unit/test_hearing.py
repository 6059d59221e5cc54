"""Up to when people were heard: what is read back after an absence, and what is not done again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.desk.asks import Answer
from bot.desk.hearing import WINDOW, Hearing
from executor import lifecycle, outbox
from executor.model import Outcome, OutcomeKind
from executor.wakeups import Wakeups
from storage import Storage, open_storage
from tests.builders import START, TestClock, claim_one, origin, request
from tests.fsck import check

DONE = Outcome(kind=OutcomeKind.DONE)
TAKEN = Answer(ok=True, text="queued")
REFUSED = Answer(ok=False, text="That is too long.")


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def storage(tmp_path: Path, clock: TestClock) -> AsyncIterator[Storage]:
    async with open_storage(tmp_path / "bifrost.db", Wakeups(), clock) as storage:
        yield storage
    check(tmp_path / "bifrost.db")


@pytest.fixture
def hearing(storage: Storage, clock: TestClock) -> Hearing:
    return Hearing("web", storage.threads, clock)


async def read_back(hearing: Hearing) -> list[str]:
    hearing.returned()
    async with hearing.absence() as threads:
        return [thread.id for thread in threads]


def behind(hearing: Hearing) -> bool:
    return hearing.is_behind


async def since(hearing: Hearing) -> list[timedelta]:
    """Since when each thread is read back, counted from the start."""
    hearing.returned()
    async with hearing.absence() as threads:
        return [thread.since - START for thread in threads]


async def test_threads_of_jobs_that_live_or_ended_lately_are_read_back(
    storage: Storage, hearing: Hearing, clock: TestClock
) -> None:
    await storage.jobs.submit(request(origin=origin(thread="ended")))
    job = await claim_one(storage.jobs, ["rehearsal"])
    assert job is not None
    await storage.jobs.settle(job, lifecycle.settle(DONE), DONE)
    card = (await storage.jobs.submit(request(origin=origin()))).job
    await storage.jobs.submit(request(origin=origin(thread="later"), scheduled_at=START + timedelta(days=9)))
    assert sorted(await read_back(hearing)) == ["ended", "later"], "a card that is not posted has no thread"
    assert behind(hearing) is False
    await storage.outbox.begin(card.id, outbox.CARD, card.seq)
    assert sorted(await read_back(hearing)) == ["ended", "later"]
    assert behind(hearing), "the card may stand there, and people may have answered below it"
    await storage.outbox.shown(card.id, outbox.CARD, card.seq, "card")
    assert sorted(await read_back(hearing)) == ["card", "ended", "later"]
    assert behind(hearing) is False
    clock.pass_by(seconds=WINDOW.total_seconds() + 1)
    assert sorted(await read_back(hearing)) == ["card", "later"]


async def test_other_platforms_threads_are_not_this_ones(storage: Storage, clock: TestClock) -> None:
    await storage.jobs.submit(request(origin=origin(thread="t")))
    assert await read_back(Hearing("discord", storage.threads, clock)) == []


async def test_what_is_done_is_not_read_back_and_nothing_older_than_a_day(
    storage: Storage, hearing: Hearing, clock: TestClock
) -> None:
    await storage.jobs.submit(request(origin=origin(thread="t")))
    assert await since(hearing) == [timedelta()], "since there is the job"
    for minutes, answer in ((5, TAKEN), (9, REFUSED), (7, TAKEN)):
        await hearing.done(str(minutes), START + timedelta(minutes=minutes), answer)
    assert await since(hearing) == [timedelta(minutes=9)]
    await hearing.done("x", START + timedelta(minutes=20), Answer(ok=False, text=""))
    assert await since(hearing) == [timedelta(minutes=9)], "that was no business of ours"
    clock.pass_by(seconds=3 * 86_400)
    assert await since(hearing) == [timedelta(days=2)]


async def test_what_comes_while_the_absence_is_read_back_hides_nothing_of_it(
    storage: Storage, hearing: Hearing
) -> None:
    await storage.jobs.submit(request(origin=origin(thread="t")))
    hearing.returned()
    await hearing.done("new", START + timedelta(hours=1), TAKEN)
    assert await storage.threads.heard("web") is None
    with pytest.raises(OSError):
        async with hearing.absence():
            raise OSError
    await hearing.done("newer", START + timedelta(hours=2), TAKEN)
    assert await storage.threads.heard("web") is None, "it was not read to its end"
    async with hearing.absence() as threads:
        assert [thread.since for thread in threads] == [START]
        hearing.returned()
    assert await storage.threads.heard("web") is None, "meanwhile there was another absence"
    async with hearing.absence():
        pass
    assert await storage.threads.heard("web") == START + timedelta(hours=2)


async def test_one_delivery_is_done_once_unless_it_could_not_be_taken_in(hearing: Hearing) -> None:
    assert [hearing.is_new("a"), hearing.is_new("a"), hearing.is_new("b")] == [True, False, True]
    await hearing.done("a", START, Answer(ok=False, text="The disk is full.", unavailable=True))
    await hearing.done("b", START, REFUSED)
    assert [hearing.is_new("a"), hearing.is_new("b")] == [True, False]
