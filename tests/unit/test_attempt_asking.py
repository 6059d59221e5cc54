"""Attempts that wait for a person: their clocks stand still, and after a while they make room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from executor.attempt import Attempt
from executor.clocks import Clocks
from executor.model import Job, JobStatus
from executor.questions import Asked, Decision, Question, QuestionKind, QuestionState, Verdict
from executor.workspaces import Permissions, Workspaces
from tests.builders import carried_out, reached
from tests.unit.attempt_scene import NAP, Scene, open_scene

ASKED = Asked(kind=QuestionKind.APPROVAL, text="Run a command", detail="make", syntax="bash")
YES = Decision(verdict=Verdict.APPROVE, by="Ann")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path) as scene:
        yield scene


async def asked(scene: Scene, job: Job, within_s: float) -> Question:
    """A question of the running attempt, once that has a process."""
    await reached(scene.workshop, job, lambda row: row.session_id is not None)
    expires_at = scene.workshop.clock.now() + timedelta(seconds=within_s)
    (question,) = await scene.workshop.questions.ask(job, "r1", [ASKED], expires_at)
    return question


def test_both_clocks_stand_still_and_go_on_from_there() -> None:
    time = [100.0]
    clocks = Clocks(60, 10, spent_s=5, now=lambda: time[0])
    time[0] += 4
    assert (clocks.worked_s, clocks.time_left_s, clocks.patience_s) == (4, 51, 6)
    for _ in range(2):
        clocks.stand_still(True)
        time[0] += 1000
    assert (clocks.worked_s, clocks.time_left_s, clocks.patience_s) == (4, 51, 6)
    for _ in range(2):
        clocks.stand_still(False)
    assert (clocks.worked_s, clocks.time_left_s, clocks.patience_s) == (4, 51, 10)
    time[0] += 1
    assert (clocks.worked_s, clocks.patience_s) == (5, 9)
    clocks.hear()
    assert clocks.patience_s == 10


async def test_the_time_that_a_person_takes_is_nobodys(scene: Scene) -> None:
    silence_s = 1.5
    job = await scene.started(f"echo session s1; {NAP}")
    workshop = replace(scene.workshop, silence_s={"rehearsal": silence_s})
    async with asyncio.timeout(20):
        running = asyncio.create_task(Attempt(workshop, job).run())
        question = await asked(scene, job, 600)
        await asyncio.wait({running}, timeout=silence_s + 0.5)
        assert not running.done(), "it was stopped while it waited for a person"
        await scene.workshop.questions.decide(question.id, YES)
        await running
    ended = await reached(scene.workshop, job, lambda _: True)
    assert (ended.status, ended.reason) == (JobStatus.FAILED, "inactivity")


async def test_a_job_that_nobody_answers_makes_room_and_goes_on_with_what_was_said(scene: Scene) -> None:
    job = await scene.started(f"echo session s1; {NAP}")
    async with asyncio.timeout(20):
        running = asyncio.create_task(Attempt(scene.workshop, job).run())
        await asked(scene, job, 0.3)
        await running
    paused = await reached(scene.workshop, job, lambda _: True)
    assert (paused.status, paused.reason, paused.asking) == (JobStatus.PENDING, "waiting", 1)
    assert scene.processes() == []
    _, again = await scene.workshop.questions.of_job(job.id)
    assert (again.state, again.asked, again.attempt) == (QuestionState.OPEN, ASKED, None)
    await scene.workshop.questions.decide(again.id, YES)
    scene.backend.script = f"cat > $RESULTS/prompt; echo done Well.; : {scene.token}"
    ended = await scene.next_ran()
    assert (ended.id, ended.status, ended.attempt) == (job.id, JobStatus.DONE, 2)
    prompt = (scene.place / "jobs" / job.id / "results" / "prompt").read_text()
    assert prompt.startswith("Your work was interrupted.")
    assert "- Run a command\n  Ann: approved\n\n      make\n" in prompt


async def test_what_can_be_held_to_nothing_does_nothing_where_not_all_is_allowed(scene: Scene) -> None:
    place = replace(scene.workshop.workspaces.of("main"), permissions=Permissions.EDITS)
    workspaces = Workspaces(named={"main": place}, unheld=frozenset({"rehearsal"}))
    job = await scene.started("echo done Well.")
    ended = await carried_out(replace(scene.workshop, workspaces=workspaces), job)
    assert (ended.status, ended.reason) == (JobStatus.FAILED, "permissions")
    assert ended.message == workspaces.objection("main", "rehearsal")
    assert "`edits`" in ended.message and "--provider claude" in ended.message
    assert not workspaces.objection("main", "claude")
    assert not replace(scene.workshop.workspaces, unheld=workspaces.unheld).objection("main", "rehearsal")
