"""Attempts that are stopped from outside, and attempts under which something of ours fails."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from executor.attempt import Attempt
from executor.events import TextWritten, ToolEnded
from executor.lifecycle import Transition
from executor.model import JobStatus, Outcome, OutcomeKind
from executor.processes.sandbox import Mode
from tests.builders import carried_out, reached
from tests.unit.attempt_scene import NAP, WAIT, Scene, open_scene, until
from tests.walls import wall


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as scene:
        yield scene


@pytest.fixture(params=list(Mode))
async def held_scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    """The same in every way that jobs are held."""
    async with open_scene(tmp_path, (await wall(request.param)).argv) as scene:
        yield scene


# Stopped from outside


async def test_a_cancel_stops_the_process_and_names_who_wanted_it(held_scene: Scene) -> None:
    job = await held_scene.started(f"trap 'echo say bye' TERM; echo say hi; {NAP} & wait")
    async with asyncio.timeout(20):
        running = asyncio.create_task(Attempt(held_scene.workshop, job).run())
        await reached(held_scene.workshop, job, lambda row: row.seq > 2)
        await held_scene.workshop.store.cancel(job.id, "Bob")
        await running
    ended = await reached(held_scene.workshop, job, lambda _: True)
    assert (ended.status, ended.cancelled_by) == (JobStatus.CANCELLED, "Bob")
    assert TextWritten(text="bye") in await held_scene.bodies(job)


@pytest.mark.parametrize("timeout_s", [60, 0.3], ids=["by a cancel", "by its time"])
async def test_a_tool_that_we_cut_off_has_not_failed_but_was_stopped(scene: Scene, timeout_s: float) -> None:
    job = await scene.started(f"trap 'echo failed exit 143' TERM; echo failed exit 2; {NAP} & wait")
    types = {name: replace(each, timeout_s=timeout_s) for name, each in scene.workshop.job_types.items()}
    async with asyncio.timeout(20):
        running = asyncio.create_task(Attempt(replace(scene.workshop, job_types=types), job).run())
        await reached(scene.workshop, job, lambda row: row.seq > 2)
        if timeout_s > 1:
            await scene.workshop.store.cancel(job.id, "Bob")
        await running
    ended = [body for body in await scene.bodies(job) if isinstance(body, ToolEnded)]
    assert [(body.detail, body.stopped) for body in ended] == [("exit 2", False), ("exit 143", True)]


async def test_a_cancel_that_came_before_the_process_is_found_by_it(scene: Scene) -> None:
    job = await scene.started(NAP)
    await scene.workshop.store.cancel(job.id, "Bob")
    assert (await carried_out(scene.workshop, job)).status is JobStatus.CANCELLED


async def test_a_shutdown_gives_the_job_back_with_its_session(held_scene: Scene) -> None:
    job = await held_scene.started(f"echo session s1; {NAP}")
    running = asyncio.create_task(Attempt(held_scene.workshop, job).run())
    await reached(held_scene.workshop, job, lambda row: row.session_id is not None)
    running.cancel()
    async with asyncio.timeout(20):
        with pytest.raises(asyncio.CancelledError):
            await running
    row = await reached(held_scene.workshop, job, lambda _: True)
    assert (row.status, row.reason, row.session_id) == (JobStatus.PENDING, "shutdown", "s1")


async def test_a_shutdown_at_any_moment_leaves_the_job_pending_and_nothing_else(held_scene: Scene) -> None:
    for offset in range(40):
        job = await held_scene.started(f"{NAP} & {NAP}")
        running = asyncio.create_task(Attempt(held_scene.workshop, job).run())
        for _ in range(offset * 3):
            await asyncio.sleep(0)
        running.cancel()
        async with asyncio.timeout(20):
            await asyncio.wait([running])
        row = await reached(held_scene.workshop, job, lambda _: True)
        # Cancelled before its first step, a task never runs: whoever claims must start it first.
        if offset > 0:
            assert (row.status, row.reason) == (JobStatus.PENDING, "shutdown")
        await held_scene.workshop.store.settle(job, Transition.FAIL, Outcome(kind=OutcomeKind.FAILED))
        await held_scene.workshop.store.cancel(job.id, "Ann")
        assert held_scene.processes() == []


async def test_a_shutdown_while_a_cancel_is_acted_on_ends_as_cancelled(held_scene: Scene) -> None:
    job = await held_scene.started(f"trap '' TERM; echo say hi; {NAP} & wait")
    workshop = replace(held_scene.workshop, grace_s=0.3)
    running = asyncio.create_task(Attempt(workshop, job).run())
    await reached(workshop, job, lambda row: row.seq > 2)
    await workshop.store.cancel(job.id, "Bob")
    await asyncio.wait([running], timeout=0.05)
    running.cancel()
    async with asyncio.timeout(20):
        await asyncio.wait([running])
    assert (await reached(workshop, job, lambda _: True)).status is JobStatus.CANCELLED


async def test_a_shutdown_does_not_undo_what_is_done(scene: Scene) -> None:
    job = await scene.started(f"echo say hi; {WAIT}; echo done Tidy.", type="research")
    running = asyncio.create_task(Attempt(scene.workshop, job).run())
    await reached(scene.workshop, job, lambda row: row.seq > 2)
    async with asyncio.timeout(20):
        with scene.database() as stranger:
            stranger.execute("BEGIN IMMEDIATE")
            scene.let_go(job)
            # Only the store keeps the attempt from its end.
            await until(lambda: any((scene.place / "reports").glob("*/index.html")))
            running.cancel()
            assert (await asyncio.wait([running], timeout=0.1))[1]
            stranger.execute("ROLLBACK")
        with pytest.raises(asyncio.CancelledError):
            await running
    ended = await reached(scene.workshop, job, lambda _: True)
    assert (ended.status, ended.result) == (JobStatus.DONE, "Tidy.")
    assert [folder.name for folder in (scene.place / "reports").iterdir()] == [ended.report_slug]


# When something of ours fails


@contextmanager
def refusal(scene: Scene, event: str) -> Iterator[None]:
    """The store refuses one sort of write."""
    with scene.database() as stranger:
        stranger.execute(f"CREATE TRIGGER refusal BEFORE {event} BEGIN SELECT RAISE(ABORT, 'refused'); END")
        yield
        stranger.execute("DROP TRIGGER refusal")


@pytest.mark.parametrize(
    "event", ["UPDATE OF pid ON attempts", "INSERT ON events WHEN new.kind = 'text_written'"]
)
async def test_a_write_that_fails_while_it_runs_fails_the_job_and_ends_its_process(
    scene: Scene, event: str
) -> None:
    with refusal(scene, event):
        job = await scene.ran(f"echo say hi; {NAP} & wait")
    assert (job.status, job.reason) == (JobStatus.FAILED, "internal")


async def test_an_end_that_cannot_be_written_is_loud_and_leaves_no_process(scene: Scene) -> None:
    job = await scene.started("echo done Tidy.")
    with refusal(scene, "UPDATE OF ended_at ON attempts"):
        async with asyncio.timeout(20):
            with pytest.raises(sqlite3.IntegrityError, match="refused"):
                await Attempt(scene.workshop, job).run()
    assert scene.processes() == []
    assert (await reached(scene.workshop, job, lambda _: True)).status is JobStatus.RUNNING
    assert await carried_out(scene.workshop, job)
