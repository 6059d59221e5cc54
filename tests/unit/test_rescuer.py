"""What a killed bot leaves behind is settled before the next one works."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from executor import lifecycle
from executor.events import SessionOpened
from executor.model import Job, JobStatus, Outcome, OutcomeKind
from executor.ports import ProcessRecord
from executor.processes.tree import process_record
from executor.rescuer import OnRestart, rescue
from storage.sqlite.store import SqliteStore
from tests.builders import START, open_store, request
from tests.fsck import check
from tests.programs import is_alive


@dataclass(frozen=True, slots=True)
class Orphan:
    record: ProcessRecord
    child: int


@contextmanager
def orphan() -> Iterator[Orphan]:
    """A process as a killed bot leaves it, with a child."""
    with subprocess.Popen(
        ["sh", "-c", "sleep 1000 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True, text=True
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        record = process_record(process.pid)
        assert record is not None
        try:
            yield Orphan(record, child)
        finally:
            for pid in (process.pid, child):
                if is_alive(pid):
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with open_store(tmp_path) as store:
        yield store
    check(tmp_path / "bifrost.db")


async def claimed(store: SqliteStore) -> Job:
    job = await store.claim("killed bot", ["rehearsal"])
    assert job is not None
    return job


async def running(store: SqliteStore) -> Job:
    await store.submit(request())
    return await claimed(store)


async def row(store: SqliteStore, job: Job) -> Job:
    found = await store.job(job.id)
    assert found is not None
    return found


async def test_an_orphan_and_its_children_are_ended_before_its_job_goes_on(store: SqliteStore) -> None:
    job = await running(store)
    with orphan() as left:
        await store.process_started(job, left.record)
        assert await rescue(store) == 1
        assert not is_alive(left.record.pid)
        assert not is_alive(left.child)
    rescued = await row(store, job)
    assert (rescued.status, rescued.reason) == (JobStatus.PENDING, "restart")
    assert (await claimed(store)).attempt == 2


@pytest.mark.parametrize(
    "change", [{"started": 1}, {"boot_id": "another boot"}, {"boot_id": ""}], ids=["start", "boot", "no boot"]
)
async def test_a_stranger_that_has_the_number_now_is_left_alone(
    store: SqliteStore, change: dict[str, object]
) -> None:
    job = await running(store)
    with orphan() as stranger:
        await store.process_started(job, replace(stranger.record, **change))  # type: ignore[arg-type]
        assert await rescue(store) == 1
        assert is_alive(stranger.record.pid)
        assert is_alive(stranger.child)
    assert (await row(store, job)).status is JobStatus.PENDING


async def test_an_attempt_that_never_had_a_process_begins_again(store: SqliteStore) -> None:
    job = await running(store)
    assert await rescue(store) == 1
    assert (await row(store, job)).status is JobStatus.PENDING


async def test_a_cancel_that_the_bot_did_not_live_to_see_through_is_finished(store: SqliteStore) -> None:
    job = await running(store)
    await store.cancel(job.id, "Bob")
    with orphan() as left:
        await store.process_started(job, left.record)
        await rescue(store)
        assert not is_alive(left.record.pid)
    rescued = await row(store, job)
    assert (rescued.status, rescued.cancelled_by) == (JobStatus.CANCELLED, "Bob")


async def test_a_job_that_was_interrupted_three_times_is_not_started_again(store: SqliteStore) -> None:
    job = await running(store)
    for _ in range(2):
        await rescue(store)
        assert (await claimed(store)).id == job.id
    await rescue(store)
    rescued = await row(store, job)
    assert (rescued.status, rescued.reason, rescued.attempt) == (JobStatus.FAILED, "poison", 3)
    assert "3 times" in rescued.message


async def test_limits_do_not_make_a_job_suspicious(store: SqliteStore) -> None:
    limited = Outcome(kind=OutcomeKind.LIMITED, resets_at=START)
    job = await running(store)
    for _ in range(4):
        await store.settle(job, lifecycle.settle(limited), limited)
        job = await claimed(store)
    await rescue(store)
    rescued = await row(store, job)
    assert (rescued.status, rescued.attempt) == (JobStatus.PENDING, 5)


async def test_what_is_not_running_is_left_as_it_is_and_a_second_rescue_finds_nothing(
    store: SqliteStore,
) -> None:
    first = await running(store)
    limited = Outcome(kind=OutcomeKind.LIMITED, resets_at=START)
    await store.settle(first, lifecycle.settle(limited), limited)
    await store.submit(request())
    before = await store.jobs()
    assert await rescue(store) == 0
    assert await store.jobs() == before
    await claimed(store)
    assert [await rescue(store), await rescue(store)] == [1, 0]


async def test_a_job_may_be_set_to_start_afresh_after_a_restart_but_not_for_ever(store: SqliteStore) -> None:
    job = await running(store)
    await store.record(job, [SessionOpened(session_id="s1")])
    for attempt in (2, 3):
        await rescue(store, OnRestart.REQUEUE)
        rescued = await row(store, job)
        assert (rescued.status, rescued.reason, rescued.session_id) == (JobStatus.PENDING, "restart", None)
        assert (await claimed(store)).attempt == attempt
    await rescue(store, OnRestart.REQUEUE)
    assert (await row(store, job)).reason == "poison"


async def test_a_job_may_be_left_to_people_after_a_restart(store: SqliteStore) -> None:
    job = await running(store)
    await rescue(store, OnRestart.FAIL)
    rescued = await row(store, job)
    assert (rescued.status, rescued.reason) == (JobStatus.FAILED, "restart")
    assert "Press Resume" in rescued.message
