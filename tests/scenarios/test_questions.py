"""What the real claude asks people while it works, and what becomes of what they decide."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from executor.follow_ups import Reply
from executor.model import Job, JobStatus
from executor.questions import Asked, Choice, Decision, Question, QuestionKind, QuestionState, Verdict
from executor.wakeups import job_topic
from executor.workshop import Workshop
from executor.workspaces import Permissions, Workspaces
from storage.sqlite.replies import Replies
from tests.agents import Agents
from tests.builders import open_workshop, origin, reached, request, working
from tests.fsck import check
from tests.simulators.models import ModelSimulator
from tests.simulators.models.environments import ANTHROPIC_KEY

pytestmark = [pytest.mark.cli, pytest.mark.timeout(90)]
END_S = 45.0
S = QuestionState
YES = Decision(verdict=Verdict.APPROVE, by="Ann")
NO = Decision(verdict=Verdict.DENY, by="Ann", text="not on a Friday")
ALWAYS = Decision(verdict=Verdict.ALWAYS, by="Ann")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    workshop: Workshop
    models: ModelSimulator
    workspace: Path

    async def submitted(self, prompt: str) -> Job:
        asked = request(provider="claude", model="sonnet", payload={"prompt": prompt})
        return (await self.workshop.store.submit(asked)).job

    async def open(self, job: Job, number: int = 1) -> Sequence[Question]:
        """The open questions, as soon as there are so many."""
        async with asyncio.timeout(END_S):
            with self.workshop.wakeups.listen(job_topic(job.id)) as bell:
                while True:
                    of_job = await self.workshop.questions.of_job(job.id)
                    found = [each for each in of_job if each.state is S.OPEN]
                    if len(found) >= number:
                        return found
                    await bell.wait()

    async def decide(self, question: Question, decision: Decision = YES) -> None:
        assert await self.workshop.questions.decide(question.id, decision) is not None

    async def ended(self, job: Job) -> Job:
        return await reached(self.workshop, job, lambda row: row.status.final, END_S)

    async def states(self, job: Job) -> list[QuestionState]:
        return [each.state for each in await self.workshop.questions.of_job(job.id)]

    def files(self) -> list[str]:
        return sorted(path.name for path in self.workspace.iterdir())

    def told(self) -> str:
        """The last that the model was told by us."""
        return self.models.requests[-1].prompt


@asynccontextmanager
async def a_world(
    place: Path, permissions: Permissions = Permissions.ASK, patience_s: float = 600
) -> AsyncIterator[World]:
    """Nobody works in it yet. When it closes, the database must be sound."""
    async with (
        ModelSimulator() as models,
        open_workshop(place, Agents(place, models).claude()) as workshop,
    ):
        ours = workshop.workspaces.named["main"]
        named = {"main": replace(ours, permissions=permissions)}
        changed = replace(workshop, workspaces=Workspaces(named=named), question_patience_s=patience_s)
        yield World(workshop=changed, models=models, workspace=ours.directory)
    check(place / "bifrost.db")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(tmp_path) as world, working(world.workshop):
        yield world


async def test_what_is_approved_is_done_and_what_is_denied_is_not(world: World) -> None:
    job = await world.submitted("[[together:touch one|touch two]]")
    (first,) = await world.open(job)
    assert (first.asked.text, first.asked.detail, first.asked.syntax) == (
        "Run a command",
        "touch one",
        "bash",
    )
    assert first.asked.grant == "run this very command: touch one"
    await world.decide(first, NO)
    (second,) = await world.open(job)
    assert second.asked.detail == "touch two"
    await world.decide(second)
    ended = await world.ended(job)
    assert (ended.status, ended.asking, ended.attempt) == (JobStatus.DONE, 0, 1)
    assert "Ann said no: not on a Friday" in ended.result
    assert world.files() == ["two"]


async def test_what_reads_is_not_asked_and_a_yes_for_the_job_holds_for_what_it_says(world: World) -> None:
    calls = [
        'Write {"file_path":"RESULTS/left.txt","content":"x"}',
        'Read {"file_path":"notes.txt"}',
        'Edit {"file_path":"notes.txt","old_string":"old","new_string":"new"}',
        'Write {"file_path":"more.txt","content":"more\\n"}',
        'Write {"file_path":".hidden/x","content":"x"}',
    ]
    (world.workspace / "notes.txt").write_text(f"an old line\n{ANTHROPIC_KEY}\n")
    job = await world.submitted(f"[[use:{'|'.join(calls)}]]")
    (edit,) = await world.open(job)
    assert (edit.asked.text, edit.asked.syntax) == ("Change notes.txt", "diff")
    assert "-an old line\n+an new line" in edit.asked.detail
    assert ANTHROPIC_KEY not in edit.asked.detail, "a credential of the bot is nobody's to see"
    assert edit.asked.grant == "change files in the workspace"
    await world.decide(edit, ALWAYS)
    (hidden,) = await world.open(job)
    assert (hidden.asked.text, hidden.asked.grant) == ("Create .hidden/x", "")
    await world.decide(hidden, NO)
    assert (await world.ended(job)).status is JobStatus.DONE
    assert [each.decision for each in await world.workshop.questions.of_job(job.id)] == [ALWAYS, ALWAYS, NO]
    assert (world.workspace / "notes.txt").read_text() == f"an new line\n{ANTHROPIC_KEY}\n"
    assert world.files() == ["more.txt", "notes.txt"]


async def test_in_the_mode_for_edits_files_are_changed_without_asking_but_programs_are_asked_for(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, Permissions.EDITS) as world, working(world.workshop):
        job = await world.submitted(
            '[[use:Write {"file_path":"made.txt","content":"x"}|Bash {"command":"python3 -c 1"}]]'
        )
        (asked,) = await world.open(job)
        assert asked.asked.detail == "python3 -c 1"
        await world.decide(asked)
        assert (await world.ended(job)).status is JobStatus.DONE
        assert world.files() == ["made.txt"]


async def test_a_question_that_nobody_answers_makes_room_and_its_answer_lets_the_job_go_on(
    tmp_path: Path,
) -> None:
    async with a_world(tmp_path, patience_s=0.2) as world, working(world.workshop):
        job = await world.submitted("[[insist:touch made]]")
        paused = await reached(world.workshop, job, lambda row: row.reason == "waiting", END_S)
        assert (paused.status, paused.asking) == (JobStatus.PENDING, 1)
        (again,) = await world.open(job)
        assert (again.number, again.attempt, again.asked.detail) == (2, None, "touch made")
        await world.decide(again)
        ended = await world.ended(job)
        assert (ended.status, ended.attempt, ended.session_id) == (JobStatus.DONE, 2, paused.session_id)
        assert await world.states(job) == [S.EXPIRED, S.DECIDED]
        assert world.files() == ["made"]


async def test_an_answer_that_comes_while_nobody_works_is_told_to_the_next_attempt(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        async with working(world.workshop):
            job = await world.submitted("[[ask:Which colour?=Red|Blue]]")
            (asked,) = await world.open(job)
        assert await world.states(job) == [S.OPEN]
        said = Decision(verdict=Verdict.ANSWER, by="Bob", choices=("Blue",))
        await world.decide(asked, said)
        async with working(world.workshop):
            ended = await world.ended(job)
        assert (ended.status, ended.attempt) == (JobStatus.DONE, 2)
        assert "- Which colour?\n  Bob: Blue" in "\n".join(world.models.requests[-1].texts)


async def test_its_own_questions_are_asked_also_where_it_may_do_all(tmp_path: Path) -> None:
    async with a_world(tmp_path, Permissions.BYPASS) as world, working(world.workshop):
        job = await world.submitted("[[ask:Which colour?=Red|Blue&Which sizes?*=S|M]]")
        colour, sizes = await world.open(job, 2)
        assert colour.asked == Asked(
            kind=QuestionKind.CHOICE,
            text="Which colour?",
            choices=(
                Choice(label="Red", description="It is Red"),
                Choice(label="Blue", description="It is Blue"),
            ),
        )
        assert (sizes.asked.several, sizes.request) == (True, colour.request)
        await world.decide(sizes, Decision(verdict=Verdict.ANSWER, by="Ann", choices=("S", "M")))
        await world.decide(colour, Decision(verdict=Verdict.ANSWER, by="Ann", text="green, please"))
        ended = await world.ended(job)
        assert '"Which colour?"="green, please"' in ended.result
        assert '"Which sizes?"="S, M"' in ended.result


@pytest.mark.parametrize("decision", [YES, NO])
async def test_a_plan_is_shown_whole_and_approved_or_sent_back(tmp_path: Path, decision: Decision) -> None:
    async with a_world(tmp_path, Permissions.BYPASS) as world, working(world.workshop):
        job = await world.submitted("[[plan:look around]]")
        (plan,) = await world.open(job)
        assert plan.asked.kind is QuestionKind.PLAN
        assert plan.asked.detail == "# The plan\n\n1. look around\n"
        await world.decide(plan, decision)
        ended = await world.ended(job)
        said = "User has approved" if decision.allows else "Ann said no: not on a Friday"
        assert said in ended.result


async def test_a_job_that_waits_for_a_person_is_cancelled_at_once(world: World) -> None:
    job = await world.submitted("[[bash:touch made]]")
    (asked,) = await world.open(job)
    await world.workshop.store.cancel(job.id, "Bob")
    ended = await world.ended(job)
    assert (ended.status, ended.cancelled_by, await world.states(job)) == (
        *(JobStatus.CANCELLED, "Bob"),
        [S.WITHDRAWN],
    )
    assert await world.workshop.questions.decide(asked.id, YES) is None
    assert world.files() == []


async def test_agents_of_its_own_ask_at_the_same_time_also_after_its_turn(world: World) -> None:
    job = await world.submitted("[[delegate:touch one|touch two]]")
    one, two = await world.open(job, 2)
    assert {one.asked.detail, two.asked.detail} == {"touch one", "touch two"}
    await world.decide(two, NO)
    await world.decide(one)
    assert (await world.ended(job)).status is JobStatus.DONE
    assert world.files() == [one.asked.detail.removeprefix("touch ")]


async def test_whoever_interrupts_takes_the_question_back(world: World) -> None:
    job = await world.submitted("[[bash:touch made]]")
    await world.open(job)
    workshop = world.workshop
    await reached(workshop, job, lambda row: row.live, END_S)
    replies = Replies(workshop.store._database, workshop.wakeups)  # type: ignore[attr-defined]
    await replies.keep(job.id, Reply(text="no, say hello [[hello]]", origin=origin(), delivery="d"))
    await replies.interrupt(job.id, "Ann")
    ended = await world.ended(job)
    assert (ended.status, ended.result) == (JobStatus.DONE, "Hello from the simulated model.")
    assert await world.states(job) == [S.WITHDRAWN]
    assert world.files() == []
