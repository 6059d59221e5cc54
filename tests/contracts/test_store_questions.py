"""What every store must do with the questions of agents: the first decision counts, and reaches who asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from executor.events import QuestionAsked, QuestionClosed
from executor.model import Job, JobStatus, Outcome, OutcomeKind
from executor.questions import Asked, Choice, Decision, Question, QuestionKind, QuestionState, Verdict
from executor.queueing import Hindrance
from executor.wakeups import QUEUE, control_topic
from tests.builders import START, claim_one
from tests.contracts.store_world import (
    ADAPTERS,
    DONE,
    INTERRUPTED,
    PROVIDERS,
    StorageWorld,
    open_storage_world,
)

S = QuestionState
WAITING = Outcome(kind=OutcomeKind.WAITING, reason="waiting")
LOST = Outcome(kind=OutcomeKind.LOST, reason="restart")
CANCELLED = Outcome(kind=OutcomeKind.CANCELLED, reason="cancelled")
SOON = START + timedelta(minutes=30)
YES = Decision(verdict=Verdict.APPROVE, by="Ann")
NO = Decision(verdict=Verdict.DENY, by="Bob", text="not on a Friday")
ALWAYS = Decision(verdict=Verdict.ALWAYS, by="Ann")
COLOUR = Asked(
    kind=QuestionKind.CHOICE,
    text="Which colour?",
    choices=(Choice(label="Red", description="As blood"), Choice(label="Blue")),
    several=True,
)


def command(line: str) -> Asked:
    return Asked(
        kind=QuestionKind.APPROVAL,
        text="Run a command?",
        detail=line,
        syntax="bash",
        grant=f"run this very command: {line}",
    )


class World(StorageWorld):
    """With what this suite asks of it."""

    async def ask(self, job: Job, *asked: Asked, request: str = "r1") -> list[Question]:
        return list(await self.storage.questions.ask(job, request, asked, SOON))

    async def decide(self, question: Question, decision: Decision = YES) -> Question | None:
        return await self.storage.questions.decide(question.id, decision)

    async def states(self, job: Job) -> list[QuestionState]:
        return [each.state for each in await self.storage.questions.of_job(job.id)]


@pytest.fixture(params=ADAPTERS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_storage_world(World, request.param, tmp_path) as world:
        yield world


async def test_a_question_is_asked_decided_and_told(world: World) -> None:
    job = await world.running()
    with world.wakeups.listen(control_topic(job.id)) as bell:
        (asked,) = await world.ask(job, COLOUR)
        assert bell.rung and await bell.wait()
        assert (asked.number, asked.asked, asked.state, asked.attempt, asked.request, asked.expires_at) == (
            *(1, COLOUR, S.OPEN, job.attempt, "r1", SOON),
        )
        assert await world.storage.questions.question(asked.id) == asked
        assert (await world.row(job)).asking == 1
        assert (await world.bodies(job))[-1] == QuestionAsked(number=1, text="Which colour?")
        said = Decision(verdict=Verdict.ANSWER, by="Ann", choices=("Red", "Blue"), text="or both")
        decided = await world.decide(asked, said)
        assert decided is not None and bell.rung
    assert (decided.state, decided.decision, decided.decided_at) == (S.DECIDED, said, START)
    assert (await world.bodies(job))[-1] == QuestionClosed(
        number=1, state="decided", said="Red, Blue, or both", by="Ann"
    )
    assert (await world.row(job)).asking == 0
    outbox = await world.storage.outbox.of_job(job.id)
    assert outbox["question:1"].wanted == outbox["card"].wanted == (await world.row(job)).seq
    assert list(await world.storage.questions.of_attempt(job)) == [decided]
    await world.storage.questions.told(job, "r1")
    assert await world.storage.questions.of_attempt(job) == []
    assert await world.states(job) == [S.DECIDED]


async def test_of_many_decisions_the_first_counts(world: World) -> None:
    job = await world.running()
    (asked,) = await world.ask(job, command("make"))
    answers = await asyncio.gather(*(world.decide(asked, each) for each in (NO, YES, ALWAYS)))
    assert [each and each.decision for each in answers] == [NO, None, None]
    (kept,) = await world.storage.questions.of_job(job.id)
    assert kept.decision == NO
    assert kept.decision.said == "denied: not on a Friday"
    assert sum(isinstance(body, QuestionClosed) for body in await world.bodies(job)) == 1


async def test_only_the_running_attempt_asks(world: World) -> None:
    job = await world.running()
    await world.end(job, INTERRUPTED)
    assert await world.ask(job, COLOUR) == []
    await world.claimed()
    assert await world.ask(job, COLOUR) == []
    assert (await world.row(job)).asking == 0


async def test_a_request_that_is_repeated_is_not_asked_twice_but_two_of_the_same_are(world: World) -> None:
    job = await world.running()
    first = await world.ask(job, COLOUR, COLOUR)
    assert [each.number for each in first] == [1, 2]
    assert await world.ask(job, COLOUR, COLOUR) == first
    (other,) = await world.ask(job, COLOUR, request="r2")
    assert other.number == 3
    await world.decide(first[0])
    await world.storage.questions.told(job, "r1")
    assert await world.states(job) == [S.DECIDED, S.WITHDRAWN, S.OPEN]
    (again,) = await world.ask(job, COLOUR)
    assert (again.number, again.decision) == (1, YES)


async def test_a_job_with_an_open_question_does_not_start(world: World) -> None:
    job = await world.running()
    first, second = await world.ask(job, COLOUR, command("make"))
    await world.end(job, INTERRUPTED)
    kept = await world.storage.questions.of_job(job.id)
    assert [(each.state, each.attempt, each.expires_at) for each in kept] == [(S.OPEN, None, None)] * 2
    assert await world.storage.jobs.hindrance(job.id) == Hindrance(asked=True)
    for question in (first, second):
        assert await claim_one(world.storage.jobs, PROVIDERS) is None
        with world.wakeups.listen(QUEUE) as bell:
            await world.decide(question)
            assert bell.rung
    assert (await world.claimed()).id == job.id


@pytest.mark.parametrize("decision", [YES, NO, ALWAYS])
async def test_what_was_decided_meanwhile_is_known_at_once_to_the_next_attempt_that_asks(
    world: World, decision: Decision
) -> None:
    job = await world.running()
    (asked,) = await world.ask(job, command("make"))
    await world.end(job, INTERRUPTED)
    await world.decide(asked, decision)
    again = await world.claimed()
    assert await world.storage.questions.of_attempt(again) == []
    (known,) = await world.ask(again, command("make"), request="new")
    assert (known.id, known.decision, known.attempt, known.request) == (asked.id, decision, 2, "new")
    await world.storage.questions.told(again, "new")
    assert (await world.row(job)).asking == 0
    (anew,) = await world.ask(again, command("make"), request="newer")
    assert anew.number == 2, "each decision is told once"
    assert anew.state is (S.DECIDED if decision is ALWAYS else S.OPEN)


async def test_what_expires_is_asked_again_and_the_old_question_takes_no_decision(world: World) -> None:
    job = await world.running()
    first, second, third = await world.ask(job, command("one"), command("two"), COLOUR)
    await world.decide(second)
    settled = await world.end(job, WAITING)
    assert (settled.status, settled.asking) == (JobStatus.PENDING, 2)
    assert await world.states(job) == [S.EXPIRED, S.DECIDED, S.EXPIRED, S.OPEN, S.OPEN]
    *olds, once_more, last = await world.storage.questions.of_job(job.id)
    assert [each.again for each in olds] == [4, 0, 5]
    assert [(each.asked, each.attempt, each.expires_at) for each in (once_more, last)] == [
        (first.asked, None, None),
        (third.asked, None, None),
    ]
    assert QuestionClosed(number=1, state="expired") in await world.bodies(job)
    assert QuestionAsked(number=4, text=first.asked.text) in await world.bodies(job)
    assert await world.decide(first) is None
    assert await world.decide(once_more, NO) is not None
    await world.decide(last)
    again = await world.claimed()
    told = [await world.ask(again, asked, request=asked.detail) for asked in (command("one"), command("two"))]
    assert [each.decision for (each,) in told] == [NO, YES]


@pytest.mark.parametrize("outcome", [DONE, LOST, CANCELLED])
async def test_what_nobody_comes_back_to_is_withdrawn(world: World, outcome: Outcome) -> None:
    job = await world.running()
    (asked,) = await world.ask(job, COLOUR)
    settled = await world.end(job, outcome)
    assert (settled.asking, await world.states(job)) == (0, [S.WITHDRAWN])
    assert await world.decide(asked) is None


async def test_a_job_that_waits_for_an_answer_can_be_cancelled(world: World) -> None:
    job = await world.running()
    await world.ask(job, COLOUR)
    await world.end(job, WAITING)
    cancelled = await world.storage.jobs.cancel(job.id, "Ann")
    assert cancelled is not None and cancelled.status is JobStatus.CANCELLED
    assert await world.states(job) == [S.EXPIRED, S.WITHDRAWN]


async def test_a_yes_for_the_job_covers_what_says_the_same_and_nothing_else(world: World) -> None:
    job = await world.running()
    first, _, other, choice = await world.ask(
        job, command("make"), command("make"), command("make install"), COLOUR
    )
    assert (await world.decide(first, ALWAYS)) is not None
    assert await world.states(job) == [S.DECIDED, S.DECIDED, S.OPEN, S.OPEN]
    before = (await world.row(job)).seq
    (later,) = await world.ask(job, command("make"), request="r2")
    assert (later.state, later.decision) == (S.DECIDED, ALWAYS)
    assert (await world.row(job)).seq == before, "nobody has to be told"
    await world.decide(other, YES)
    (once,) = await world.ask(job, command("make install"), request="r3")
    assert once.state is S.OPEN, "a yes to one is a yes to one"
    await world.decide(choice, ALWAYS)
    (asked,) = await world.ask(job, COLOUR, request="r4")
    assert asked.state is S.OPEN, "what has no grant is always asked"
    stranger = await world.running()
    (theirs,) = await world.ask(stranger, command("make"))
    assert theirs.state is S.OPEN, "the yes was for the other job"
