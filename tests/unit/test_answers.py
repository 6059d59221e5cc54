"""Answers to what agents ask: what is a decision, who may make it, and what everybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.desk.answers import decision_of
from bot.desk.asks import ANSWER, CHOICES, QUESTION, SAYS, Refusal
from executor.lifecycle import Transition
from executor.model import Job, Outcome, OutcomeKind
from executor.questions import Asked, Choice, Decision, Question, QuestionKind, QuestionState, Verdict
from tests.unit.office import ADMIN, BOB, Office, an_office

RUN = Asked(kind=QuestionKind.APPROVAL, text="Run a command", detail="make", syntax="bash", grant="run make")
ONCE = replace(RUN, grant="")
WHERE = Asked(
    kind=QuestionKind.CHOICE, text="Where?", choices=(Choice(label="Redis"), Choice(label="a `file`"))
)
WHICH = replace(WHERE, text="Which?", several=True)
WORDS = Asked(kind=QuestionKind.CHOICE, text="What is it called?")
V = Verdict


def question(asked: Asked) -> Question:
    return Question(
        id="q",
        job_id="3fa9c1d2-0000-4000-8000-000000000000",
        number=2,
        asked=asked,
        state=QuestionState.OPEN,
        asked_at=datetime(2026, 11, 21, tzinfo=UTC),
        expires_at=None,
        attempt=None,
        request="",
    )


@pytest.mark.parametrize(
    ("asked", "args", "decision"),
    [
        (RUN, {"prompt": "approve"}, Decision(verdict=V.APPROVE, by="Ann")),
        (RUN, {"prompt": " Always "}, Decision(verdict=V.ALWAYS, by="Ann")),
        (RUN, {"prompt": "deny"}, Decision(verdict=V.DENY, by="Ann")),
        (
            RUN,
            {"prompt": "deny  not on a Friday"},
            Decision(verdict=V.DENY, by="Ann", text="not on a Friday"),
        ),
        (RUN, {SAYS: "deny", "prompt": "approve"}, Decision(verdict=V.DENY, by="Ann", text="approve")),
        (WHERE, {"prompt": "2"}, Decision(verdict=V.ANSWER, by="Ann", choices=("a `file`",))),
        (WHERE, {"prompt": "redis"}, Decision(verdict=V.ANSWER, by="Ann", choices=("Redis",))),
        (WHERE, {"prompt": "deny"}, Decision(verdict=V.ANSWER, by="Ann", text="deny")),
        (WHERE, {"prompt": "2026"}, Decision(verdict=V.ANSWER, by="Ann", text="2026")),
        (WHERE, {SAYS: "2"}, Decision(verdict=V.ANSWER, by="Ann", choices=("a `file`",))),
        (WHERE, {SAYS: ANSWER, "prompt": "2"}, Decision(verdict=V.ANSWER, by="Ann", text="2")),
        (WHICH, {"prompt": "2, 1"}, Decision(verdict=V.ANSWER, by="Ann", choices=("Redis", "a `file`"))),
        (
            WHICH,
            {SAYS: ANSWER, CHOICES: "1", "prompt": "and more"},
            Decision(verdict=V.ANSWER, by="Ann", choices=("Redis",), text="and more"),
        ),
        (WORDS, {"prompt": "1"}, Decision(verdict=V.ANSWER, by="Ann", text="1")),
    ],
)
def test_what_is_said_is_a_decision(asked: Asked, args: Mapping[str, str], decision: Decision) -> None:
    assert decision_of(question(asked), args, "Ann") == decision


@pytest.mark.parametrize(
    ("asked", "args", "hint"),
    [
        (RUN, {"prompt": "ok go"}, "approve"),
        (RUN, {"prompt": ""}, "approve"),
        (RUN, {"prompt": "approve if it is Friday"}, "approve"),
        (RUN, {SAYS: ANSWER, "prompt": "approve"}, "approve"),
        (RUN, {SAYS: "1"}, "approve"),
        (ONCE, {"prompt": "always"}, "just once"),
        (WHERE, {"prompt": "3"}, "1 to 2"),
        (WHERE, {"prompt": "1,2"}, "Just one"),
        (WHERE, {SAYS: "0"}, "no such choice"),
        (WHERE, {SAYS: "approve"}, "NUMBER"),
        (WHICH, {SAYS: ANSWER, CHOICES: "", "prompt": " "}, "Choose"),
    ],
)
def test_what_is_no_answer_to_it_is_refused_with_what_would_be(
    asked: Asked, args: Mapping[str, str], hint: str
) -> None:
    with pytest.raises(Refusal, match=hint):
        decision_of(question(asked), args, "Ann")


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


async def asking(office: Office, *asked: Asked) -> Job:
    job = await office.running()
    until = office.clock.now() + timedelta(minutes=30)
    assert await office.storage.questions.ask(job, "r-1", asked, until)
    return await office.job(job)


async def decisions(office: Office, job: Job) -> list[Decision | None]:
    return [each.decision for each in await office.storage.questions.of_job(job.id)]


async def test_the_owner_and_admins_decide_and_nobody_else(office: Office) -> None:
    job = await asking(office, RUN)
    before = office.rows()
    refused = await office.refused(await office.type(f"answer {job.short_id} approve", BOB), before)
    assert "only that person or an admin may answer it" in refused
    done = await office.type(f"answer {job.short_id} approve", ADMIN)
    assert done.ok and done.text == f"Approved: job `{job.short_id}` goes on."
    assert await decisions(office, job) == [Decision(verdict=V.APPROVE, by="Admin")]
    late = await office.type(f"answer {job.short_id} deny")
    assert not late.ok and "asks nothing just now" in late.text
    late = await office.type(f"answer {job.short_id} deny --question 1")
    assert not late.ok and "approved by Admin already" in late.text
    assert (await office.job(job)).asking == 0


async def test_of_two_who_decide_at_once_the_first_counts_and_the_other_is_told(office: Office) -> None:
    job = await asking(office, RUN)
    both = await asyncio.gather(
        office.type(f"answer {job.short_id} approve"), office.type(f"answer {job.short_id} deny", ADMIN)
    )
    first, second = sorted(both, key=lambda answer: not answer.ok)
    assert first.ok and not second.ok and "already" in second.text
    (decision,) = await decisions(office, job)
    assert decision and f"{decision.by} already" in second.text


async def test_which_of_several_questions_is_meant_is_said(office: Office) -> None:
    job = await asking(office, RUN, WHERE)
    which = await office.type(f"answer {job.short_id} 1")
    assert not which.ok and "`--question 1`: Run a command" in which.text
    assert "`--question 2`: Where?" in which.text
    none = await office.type(f"answer {job.short_id} 1 --question 3")
    assert not none.ok and "has asked no question `3`" in none.text
    done = await office.type(f"answer {job.short_id} 1 --question 2")
    assert done.ok and "“Redis”" in done.text
    shown = (await office.type(f"show {job.short_id}")).text
    assert "waits for an answer to its question" in shown
    assert f"question 1: Run a command. Type `/job answer {job.short_id} approve`" in shown
    assert "running, waits for an answer" in (await office.type("list")).text


async def test_what_was_not_answered_in_time_is_said_to_be_asked_again(office: Office) -> None:
    job = await asking(office, WHERE)
    waiting = Outcome(kind=OutcomeKind.WAITING, reason="waiting")
    assert await office.storage.jobs.settle(job, Transition.PAUSE, waiting)
    late = await office.type(f"answer {job.short_id} 1 --question 1")
    assert not late.ok and "asked again as question 2" in late.text
    done = await office.type(f"answer {job.short_id} a `FILE`")
    assert done.ok and "goes on as soon as it can" in done.text


async def test_a_form_is_opened_for_what_is_open_and_for_whoever_may_answer(office: Office) -> None:
    job = await asking(office, WHERE)
    opened = await office.send(ANSWER, {SAYS: "words", QUESTION: "1"}, job.id)
    assert opened.ok and opened.form is not None and opened.form.asked == WHERE
    denied = await office.send(ANSWER, {SAYS: "words", QUESTION: "1"}, job.id, BOB)
    assert denied.denied and denied.form is None
    assert await decisions(office, job) == [None]


async def test_in_its_thread_an_answer_needs_no_id_and_a_reply_answers_what_is_to_be_chosen(
    office: Office,
) -> None:
    job = await asking(office, RUN, WHERE)
    card = "1700000000.000100"
    await office.storage.outbox.shown(job.id, "card", 1, card)
    done = await office.type("answer deny not that --question 1", thread=card)
    assert done.ok and done.text.startswith("Denied")
    reply = await office.type("on paper", thread=card, delivery="once")
    again = await office.type("on paper", thread=card, delivery="once")
    assert reply.ok and again.ok and "answered by Ann already: on paper" in again.text
    assert await decisions(office, job) == [
        Decision(verdict=V.DENY, by="Ann", text="not that"),
        Decision(verdict=V.ANSWER, by="Ann", text="on paper"),
    ]
    assert (await office.job(job)).replies == 0
    more = await office.type("and something else", thread=card)
    assert more.ok and (await office.job(job)).replies == 1
    said = await office.type("answer the question of the tests", thread=card)
    assert said.ok and (await office.job(job)).replies == 2, "it asks nothing: that is for the agent"
