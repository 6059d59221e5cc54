"""What is kept beside the jobs: announcements, messages, logins."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from executor import lifecycle, outbox
from executor.model import Job, Outcome, OutcomeKind, Report
from executor.outbox import Entry
from executor.wakeups import MESSAGES, TOLD, Wakeups
from storage import Storage, open_storage
from storage.hub import NewMessage
from tests.builders import TestClock, claim_one, request
from tests.fsck import check

DONE = Outcome(kind=OutcomeKind.DONE)
HELLO = NewMessage(channel="dev", sender="ann", content="Hello.", metadata={"n": [1, "ö"]})


@pytest.fixture
def wakeups() -> Wakeups:
    return Wakeups()


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def storage(tmp_path: Path, wakeups: Wakeups, clock: TestClock) -> AsyncIterator[Storage]:
    async with open_storage(tmp_path / "bifrost.db", wakeups, clock) as storage:
        yield storage
    check(tmp_path / "bifrost.db")


async def running(storage: Storage) -> Job:
    await storage.jobs.submit(request())
    job = await claim_one(storage.jobs, ["rehearsal"])
    assert job is not None
    return job


async def done(storage: Storage, report: Report | None = None) -> Job:
    job = await storage.jobs.settle(await running(storage), lifecycle.settle(DONE), DONE, report)
    assert job is not None
    return job


# The outbox


async def test_what_happens_to_a_job_is_due_to_be_announced(storage: Storage) -> None:
    job = await running(storage)
    assert set(await storage.outbox.of_job(job.id)) == {outbox.CARD}
    ended = await done(storage, Report(slug="slug", title="", description=""))
    entries = await storage.outbox.of_job(ended.id)
    at_the_end = {outbox.PAGES, outbox.RESULT, outbox.OUTPUT, outbox.REPORT, outbox.FILES}
    assert set(entries) == {outbox.CARD, *at_the_end}
    assert all(entry.due and entry.message_id is None for entry in entries.values())
    assert entries[outbox.CARD].wanted == ended.seq
    assert set(await storage.outbox.unsettled_jobs()) == {job.id, ended.id}


async def test_what_is_shown_is_due_no_more_until_something_new_happens(
    storage: Storage, wakeups: Wakeups
) -> None:
    job = await running(storage)
    with wakeups.listen(TOLD) as bell:
        await storage.outbox.begin(job.id, outbox.CARD, job.seq)
        assert (await storage.outbox.of_job(job.id))[outbox.CARD].sending
        assert await storage.outbox.any_due([job.id])
        await storage.outbox.shown(job.id, outbox.CARD, job.seq, "m1")
        assert bell.rung
    shown = Entry(
        job_id=job.id, kind=outbox.CARD, wanted=job.seq, shown=job.seq, message_id="m1", sending=False
    )
    assert (await storage.outbox.of_job(job.id))[outbox.CARD] == shown
    assert not await storage.outbox.any_due([job.id])
    cancelled = await storage.jobs.cancel(job.id, "Ann")
    assert cancelled is not None
    assert (await storage.outbox.of_job(job.id))[outbox.CARD] == replace(shown, wanted=cancelled.seq)


async def test_a_late_answer_does_not_make_a_newer_one_unsaid(storage: Storage) -> None:
    job = await running(storage)
    await storage.outbox.shown(job.id, outbox.CARD, job.seq, "m1")
    await storage.outbox.shown(job.id, outbox.CARD, job.seq - 1, None)
    entry = (await storage.outbox.of_job(job.id))[outbox.CARD]
    assert (entry.shown, entry.message_id) == (job.seq, "m1")


async def test_a_job_is_unsettled_until_all_of_it_is_told(storage: Storage) -> None:
    job = await done(storage)
    for kind, entry in (await storage.outbox.of_job(job.id)).items():
        assert await storage.outbox.unsettled_jobs() == [job.id]
        await storage.outbox.shown(job.id, kind, entry.wanted, None)
    assert await storage.outbox.unsettled_jobs() == []
    assert not await storage.outbox.any_due([job.id])


# Messages


async def test_a_message_is_kept_as_it_was_posted(storage: Storage, wakeups: Wakeups) -> None:
    with wakeups.listen(MESSAGES) as bell:
        message = await storage.messages.post(HELLO)
        assert bell.rung
    assert (message.content, message.metadata, message.thread) == (HELLO.content, HELLO.metadata, None)
    assert await storage.messages.message(message.id) == message
    assert await storage.messages.message("unknown") is None


async def test_a_key_makes_one_message_however_often_and_at_once_it_is_posted(storage: Storage) -> None:
    posted = await asyncio.gather(*(storage.messages.post(replace(HELLO, key="k")) for _ in range(10)))
    assert len({message.id for message in posted}) == 1
    assert await storage.messages.by_key("k") == posted[0]


async def test_a_reader_that_follows_the_revisions_misses_no_change(storage: Storage) -> None:
    messages, seen = storage.messages, 0
    first = await messages.post(HELLO)
    await messages.post(replace(HELLO, channel="other"))
    seen = await messages.revision()
    await asyncio.gather(messages.change(first.id, "Changed.", {}), *(messages.post(HELLO) for _ in range(5)))
    changed = await messages.changed_after("dev", seen)
    revisions = [message.revision for message in changed]
    assert revisions == sorted(set(revisions))
    assert len(changed) == 6
    assert {message.content for message in changed if message.id == first.id} == {"Changed."}
    assert await messages.changed_after("dev", await messages.revision()) == []
    assert await messages.change("unknown", "", {}) is None


async def test_messages_stand_in_the_order_in_which_they_came_whatever_the_clock_says(
    storage: Storage, clock: TestClock
) -> None:
    heads, replies = [], []
    for _ in range(5):
        clock.pass_by(hours=-1)
        heads.append(await storage.messages.post(HELLO))
        replies.append(await storage.messages.post(replace(HELLO, thread=heads[0].id)))
    assert await storage.messages.latest("dev", limit=3) == heads[2:]
    assert await storage.messages.replies(heads[0].id) == replies


# Reports and logins


async def test_a_published_report_is_found_by_its_slug(storage: Storage) -> None:
    job = await done(storage, Report(slug="slug", title="Title", description="What it is about."))
    report = await storage.reports.by_slug("slug")
    assert report is not None
    assert (report.job_id, report.title, report.description) == (job.id, "Title", "What it is about.")
    assert await storage.reports.by_slug("another") is None


async def test_a_login_lasts_as_long_as_it_was_given_for(storage: Storage, clock: TestClock) -> None:
    await storage.hub.add_login("hash", timedelta(days=1))
    assert await storage.hub.logged_in("hash")
    assert not await storage.hub.logged_in("another")
    clock.pass_by(days=1)
    assert not await storage.hub.logged_in("hash")
