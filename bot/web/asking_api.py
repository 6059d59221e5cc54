"""What the agent of a running job asks people by its tool, and how it waits for the answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Annotated
from uuid import uuid4

from aiohttp import web
from pydantic import AfterValidator, BaseModel, Field

from bot.agent.tools import MOST_CHOICE, MOST_CHOICES, MOST_QUESTION
from bot.news.words import excerpt
from bot.web.bodies import Fields, Text
from bot.web.endpoints import Call, Endpoint
from bot.web.problems import Problem
from executor.model import Job
from executor.ports import Clock
from executor.questions import Asked, Choice, Question, QuestionKind, QuestionState
from executor.wakeups import Wakeups, control_topic
from storage import Storage

_PATH = "/api/agent/questions"
_TURN_S = 20.0
"""Seconds that a call waits at a time: less than the bridge's patience."""
_GIST = 300
"""Characters of a question that is shown as it is; a longer one stands below the gist of it."""
_GONE = "Nobody will answer this any more: go on without, and say in your answer what you took for granted."


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    if not flat:
        raise ValueError("it is empty")
    return flat


class QuestionBody(Fields):
    """What people are asked, and the answers that are offered."""

    question: Annotated[Text, Field(max_length=MOST_QUESTION), AfterValidator(str.strip), Field(min_length=1)]
    choices: Annotated[
        tuple[Annotated[Text, Field(max_length=MOST_CHOICE), AfterValidator(_one_line)], ...],
        Field(max_length=MOST_CHOICES),
    ] = ()


class QuestionQuery(Fields):
    """Which question."""

    id: str = Field(min_length=1, max_length=100)


class Waiting(BaseModel):
    """It is asked; its answer comes at the address in `Location`."""

    id: str


class Answered(BaseModel):
    """What was said, and by whom."""

    by: str
    answer: str


class AskingApi:
    """For agents alone. `patience_s` is how long their job waits with its process."""

    def __init__(self, storage: Storage, wakeups: Wakeups, clock: Clock, patience_s: float) -> None:
        self._questions = storage.questions
        self._wakeups = wakeups
        self._clock = clock
        self._patience = timedelta(seconds=patience_s)

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="POST",
                path=_PATH,
                handler=self._ask,
                summary="Ask people.",
                body=QuestionBody,
                answer=Waiting,
                status=202,
                problems=(409, 422),
                scope="run",
            ),
            Endpoint(
                method="GET",
                path=_PATH,
                handler=self._wait,
                summary="The answer, or 202 as long as there is none: then ask again.",
                query=QuestionQuery,
                answer=Answered,
                problems=(404, 409),
            ),
            Endpoint(
                method="DELETE",
                path=_PATH,
                handler=self._told,
                summary="The agent has the answer, or does not need it any more.",
                query=QuestionQuery,
                problems=(404,),
                scope="run",
            ),
        ]

    async def _ask(self, call: Call[None, QuestionBody]) -> Waiting:
        job, request = _job(call), f"agent:{uuid4()}"
        expires_at = self._clock.now() + self._patience
        questions = await self._questions.ask(job, request, [_asked(call.body)], expires_at)
        if not questions:
            raise Problem(409, _GONE)
        call.headers["Location"] = f"{_PATH}?id={questions[0].id}"
        return Waiting(id=questions[0].id)

    async def _wait(self, call: Call[QuestionQuery, None]) -> Answered | web.Response:
        job = _job(call)
        with self._wakeups.listen(control_topic(job.id)) as bell:
            deadline = asyncio.get_running_loop().time() + _TURN_S
            while (question := await self._question(job, call.query.id)).state is QuestionState.OPEN:
                left_s = deadline - asyncio.get_running_loop().time()
                if left_s <= 0:
                    return web.Response(status=202, headers={"Location": f"{_PATH}?id={question.id}"})
                await bell.wait(left_s)
        if question.decision is None:
            raise Problem(409, _GONE)
        return Answered(by=question.decision.by, answer=question.decision.said)

    async def _told(self, call: Call[QuestionQuery, None]) -> None:
        job = _job(call)
        question = await self._question(job, call.query.id)
        await self._questions.told(job, question.request)

    async def _question(self, job: Job, question_id: str) -> Question:
        question = await self._questions.question(question_id)
        if question is None or question.job_id != job.id:
            raise Problem(404, "Your job has asked no such question.")
        return question


def _asked(body: QuestionBody) -> Asked:
    long = len(body.question) > _GIST or "\n" in body.question
    return Asked(
        kind=QuestionKind.CHOICE,
        text=excerpt(body.question, _GIST) if long else body.question,
        detail=body.question if long else "",
        syntax="markdown" if long else "",
        choices=tuple(Choice(label=label) for label in dict.fromkeys(body.choices)),
    )


def _job(call: Call[object, object]) -> Job:
    if call.caller.job is None:
        raise Problem(409, "This is for the agent of a running job.")
    return call.caller.job
