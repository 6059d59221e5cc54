"""What agents ask people over HTTP: the questions of a job, and answers to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import BaseModel, Field

from bot.desk.asks import ANSWER, CHOICES, QUESTION, SAYS, Ask
from bot.desk.desk import Door
from bot.web.answers import answered
from bot.web.bodies import Fields, Text
from bot.web.endpoints import Call, Endpoint
from bot.web.jobs_api import refused
from bot.web.problems import Problem, no_such_job
from executor.model import Job, Origin
from executor.questions import Decision, Question, QuestionKind, QuestionState, Verdict
from storage import Storage

_NUMBER = re.compile(r"\d{1,9}")
_FIELDS = {"prompt": "text", SAYS: "verdict"}
"""What the desk calls otherwise."""


class ChoiceRecord(BaseModel):
    """One of the answers that an agent offers."""

    label: str
    description: str


class DecisionRecord(BaseModel):
    """What a person has said; `choices` are the labels of what they picked."""

    verdict: Verdict
    by: str
    choices: list[str]
    text: str


class QuestionRecord(BaseModel):
    """A question of a job. Times are UTC."""

    number: int
    kind: QuestionKind
    state: QuestionState
    text: str
    detail: str = Field(description="What has to be seen to decide, to the letter.")
    syntax: str = Field(description="What the detail is written in: `bash`, `diff`, `markdown` …")
    choices: list[ChoiceRecord]
    several: bool = Field(description="Whether more than one of the choices may be picked.")
    grant: str = Field(description="What `always` lets the job do; empty where that cannot be said.")
    asked_at: datetime
    expires_at: datetime | None = Field(
        description="When the job stops to hold its place for it; null where it holds none."
    )
    decision: DecisionRecord | None
    decided_at: datetime | None
    again: int | None = Field(description="The number of the question that asks the same again.")


class AnswerBody(Fields):
    """What is decided. `choices` are labels, and `text` an answer in words, or why not."""

    verdict: Verdict
    choices: tuple[Text, ...] = Field(default=(), max_length=100)
    text: Text = ""


class QuestionsApi:
    """For whoever may see jobs; the desk says who may answer."""

    def __init__(self, storage: Storage, door: Door) -> None:
        self._storage = storage
        self._door = door

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/jobs/{id}/questions",
                handler=self._list,
                summary="What a job has asked people, the first question first.",
                answer=list[QuestionRecord],
                problems=(404,),
            ),
            Endpoint(
                method="POST",
                path="/jobs/{id}/questions/{number}/answer",
                handler=self._answer,
                summary="Decide a question of a job. The first decision counts.",
                body=AnswerBody,
                answer=QuestionRecord,
                problems=(404, 409, 422),
                scope="run",
            ),
        ]

    async def _list(self, call: Call[None, None]) -> list[QuestionRecord]:
        job = await self._job(call.path("id"))
        return [_record(each) for each in await self._storage.questions.of_job(job.id)]

    async def _answer(self, call: Call[None, AnswerBody]) -> QuestionRecord:
        job = await self._job(call.path("id"))
        question = await self._question(job, call.path("number"))
        body = call.body
        ask = Ask(
            verb=ANSWER,
            origin=Origin(actor=call.actor, channel=job.origin.channel),
            delivery=call.delivery,
            target=job.id,
            args={
                QUESTION: str(question.number),
                SAYS: body.verdict,
                CHOICES: _numbers(question, body.choices),
                "prompt": body.text,
            },
        )
        answer = await answered(self._door.ask(ask))
        if not answer.ok:
            raise refused(replace(answer, field=_FIELDS.get(answer.field, answer.field)), otherwise=409)
        return _record(await self._question(job, call.path("number")))

    async def _job(self, job_id: str) -> Job:
        job = await self._storage.jobs.job(job_id.lower())
        if job is None:
            raise no_such_job()
        return job

    async def _question(self, job: Job, number: str) -> Question:
        for each in await self._storage.questions.of_job(job.id):
            if _NUMBER.fullmatch(number) and each.number == int(number):
                return each
        raise Problem(404, "The job has asked no such question.")


def _numbers(question: Question, labels: Sequence[str]) -> str:
    """The choices as the desk counts them. Raises Problem 422."""
    known = [choice.label for choice in question.asked.choices]
    for label in labels:
        if label not in known:
            raise Problem(422, "`choices` are labels that the question offers.", field="choices")
    return ",".join(str(known.index(label) + 1) for label in labels)


def _decided(decision: Decision) -> DecisionRecord:
    return DecisionRecord(
        verdict=decision.verdict, by=decision.by, choices=[*decision.choices], text=decision.text
    )


def _record(question: Question) -> QuestionRecord:
    asked, decision = question.asked, question.decision
    return QuestionRecord(
        number=question.number,
        kind=asked.kind,
        state=question.state,
        text=asked.text,
        detail=asked.detail,
        syntax=asked.syntax,
        choices=[ChoiceRecord(label=each.label, description=each.description) for each in asked.choices],
        several=asked.several,
        grant=asked.grant,
        asked_at=question.asked_at,
        expires_at=question.expires_at,
        decision=_decided(decision) if decision else None,
        decided_at=question.decided_at,
        again=question.again or None,
    )
