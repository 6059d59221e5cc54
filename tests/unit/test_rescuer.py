"""What a killed bot leaves behind is settled before the next one works."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from executor import lifecycle, rescuer
from executor.events import SessionOpened
from executor.model import Job, JobStatus, Outcome, OutcomeKind
from executor.ports import ProcessRecord
from executor.processes import reaper
from executor.processes.record import process_record
from executor.processes.shims import Shims
from executor.rescuer import OnRestart, rescue
from storage.sqlite.store import SqliteStore
from tests.builders import START, claim_one, open_store, request
from tests.fsck import check
from tests.programs import alive_with, shell


@dataclass(frozen=True, slots=True)
class Orphan:
    record: ProcessRecord
    token: str

    def alive(self) -> bool:
        return alive_with(self.token) != []


@asynccontextmanager
async def orphan() -> AsyncIterator[Orphan]:
    """A job as a killed bot leaves it: under its reaper, and nobody waits for it."""
    token = uuid4().hex
    async with Shims((), grace_s=1000) as shims:
        job = await shims.spawn(shell(f"trap '' TERM; sleep 1000 & echo; wait # {token}"))
        async with asyncio.timeout(10):
            await job.stdout.readline()
        yield Orphan(job.record, token)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    async with open_store(tmp_path) as store:
        yield store
    check(tmp_path / "bifrost.db")


async def claimed(store: SqliteStore) -> Job:
    job = await claim_one(store, ["rehearsal"])
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
    async with orphan() as left:
        await store.process_started(job, left.record)
        assert await rescue(store) == 1
        assert not left.alive()
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
    async with orphan() as stranger:
        await store.process_started(job, replace(stranger.record, **change))  # type: ignore[arg-type]
        assert await rescue(store) == 1
        assert stranger.alive()
    assert (await row(store, job)).status is JobStatus.PENDING


async def test_a_reaper_that_its_job_has_stopped_is_ended_all_the_same(store: SqliteStore) -> None:
    job = await running(store)
    async with orphan() as left:
        await store.process_started(job, left.record)
        os.kill(left.record.pid, signal.SIGSTOP)
        assert await rescue(store) == 1
        assert not left.alive()


async def test_a_job_whose_processes_cannot_be_ended_does_not_go_on(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rescuer, "_END_S", 0.2)
    job = await running(store)
    async with Shims((), grace_s=0) as shims:
        deaf = await shims.spawn(shell("trap '' TERM; echo; while :; do sleep 0.1; done"))
        async with asyncio.timeout(10):
            await deaf.stdout.readline()
        record = process_record(reaper.below([deaf.record.pid])[0])
        assert record is not None
        await store.process_started(job, record)
        assert await rescue(store) == 0
        assert (await row(store, job)).status is JobStatus.RUNNING
        assert "rescuer.stuck" in caplog.text
        await deaf.kill()
        assert await rescue(store) == 1
    assert (await row(store, job)).status is JobStatus.PENDING


async def test_an_attempt_that_never_had_a_process_begins_again(store: SqliteStore) -> None:
    """F03."""
    job = await running(store)
    assert await rescue(store) == 1
    assert (await row(store, job)).status is JobStatus.PENDING


async def test_a_cancel_that_the_bot_did_not_live_to_see_through_is_finished(store: SqliteStore) -> None:
    """F09."""
    job = await running(store)
    await store.cancel(job.id, "Bob")
    async with orphan() as left:
        await store.process_started(job, left.record)
        await rescue(store)
        assert not left.alive()
    rescued = await row(store, job)
    assert (rescued.status, rescued.cancelled_by) == (JobStatus.CANCELLED, "Bob")


async def test_a_job_under_which_the_bot_died_three_times_is_not_started_again(store: SqliteStore) -> None:
    """F05."""
    job = await running(store)
    for _ in range(2):
        await rescue(store)
        assert (await claimed(store)).id == job.id
    await rescue(store)
    rescued = await row(store, job)
    assert (rescued.status, rescued.reason, rescued.attempt) == (JobStatus.FAILED, "poison", 3)
    assert "3 times" in rescued.message


@pytest.mark.parametrize(
    "ending",
    [
        Outcome(kind=OutcomeKind.LIMITED, resets_at=START),
        Outcome(kind=OutcomeKind.INTERRUPTED, reason="shutdown"),
    ],
    ids=["limits", "bots that were stopped"],
)
async def test_what_is_no_crash_does_not_make_a_job_suspicious(store: SqliteStore, ending: Outcome) -> None:
    job = await running(store)
    for _ in range(10):
        await store.settle(job, lifecycle.settle(ending), ending)
        job = await claimed(store)
    await rescue(store)
    rescued = await row(store, job)
    assert (rescued.status, rescued.attempt) == (JobStatus.PENDING, 11)


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
