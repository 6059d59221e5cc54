"""The files of old jobs go, and nothing else does."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from executor.files import packed
from executor.model import Job, JobStatus
from executor.parcels import Parcels, Take
from executor.retention import Retention
from tests.builders import START, TestClock, open_workshop, started
from tests.fsck import check
from tests.programs import Scripted
from tests.unit.attempt_scene import Scene

MONTH = timedelta(days=30)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
async def scene(tmp_path: Path, clock: TestClock) -> AsyncIterator[Scene]:
    backend = Scripted()
    async with open_workshop(tmp_path, backend, clock=clock) as workshop:
        yield Scene(workshop, backend, tmp_path, "retention")
    check(tmp_path / "bifrost.db")


def aged(scene: Scene, job: Job) -> Path:
    """The directory of the job, as old as a clock that starts at START would have made it."""
    directory = scene.place / "jobs" / job.id
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "results").mkdir(exist_ok=True)
    os.utime(directory, (START.timestamp(), START.timestamp()))
    return directory


def retention(scene: Scene) -> Retention:
    parcels = Parcels(scene.workshop.received)
    return Retention(scene.workshop.store, scene.workshop.clock, scene.place / "jobs", parcels, MONTH)


async def test_the_files_of_an_ended_job_go_after_their_time_and_its_log_stays(
    scene: Scene, clock: TestClock
) -> None:
    job = await scene.ran("echo say hi; echo done Tidy.")
    directory, log = aged(scene, job), await scene.bodies(job)
    clock.pass_by(days=30, seconds=-1)
    assert await retention(scene).sweep() == 0
    assert directory.exists()
    clock.pass_by(seconds=2)
    assert await retention(scene).sweep() == 1
    assert not directory.exists()
    assert await scene.bodies(job) == log
    assert (await scene.workshop.store.job(job.id)) is not None


@pytest.mark.parametrize("script", ["", "echo limited 864000"], ids=["running", "waiting"])
async def test_a_job_that_has_not_ended_keeps_its_files_however_old(
    scene: Scene, clock: TestClock, script: str
) -> None:
    job = await scene.ran(script) if script else await started(scene.workshop)
    assert job.status in (JobStatus.RUNNING, JobStatus.RATE_LIMITED)
    directory = aged(scene, job)
    clock.pass_by(days=300)
    assert await retention(scene).sweep() == 0
    assert directory.exists()


async def test_what_is_linked_from_the_files_of_a_job_or_is_no_job_of_ours_stays(
    scene: Scene, clock: TestClock
) -> None:
    precious = scene.place / "workspace" / "precious"
    precious.write_text("kept")
    job = await scene.ran("echo done Tidy.")
    (scene.place / "jobs" / job.id / "link").symlink_to(precious.parent)
    aged(scene, job)
    foreign = scene.place / "jobs" / "notes"
    foreign.mkdir()
    os.utime(foreign, (0, 0))
    clock.pass_by(days=60)
    assert await retention(scene).sweep() == 1
    assert precious.read_text() == "kept"
    assert foreign.exists()


async def test_where_no_job_ever_ran_there_is_nothing_to_do(scene: Scene) -> None:
    assert await retention(scene).sweep() == 0


async def test_what_people_sent_goes_with_the_last_job_that_names_it(scene: Scene, clock: TestClock) -> None:
    async def fetch(take: Take) -> None:
        await take(b"1")

    parcels = Parcels(scene.workshop.received)
    async with parcels.parcel() as parcel:
        sent = await parcel.add("chart.png", fetch, 10)
    async with parcels.parcel() as parcel:
        await parcel.add("orphan", fetch, 10)
    await scene.ran("echo done Tidy.", payload={"prompt": "Tidy up.", **packed([sent])})
    await retention(scene).sweep()
    assert [each.name for each in parcels.root.iterdir()] == [sent.parcel]
    clock.pass_by(days=31)
    await retention(scene).sweep()
    assert list(parcels.root.iterdir()) == []
