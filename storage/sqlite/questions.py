"""What agents ask people, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

import orjson

from executor.model import Job
from executor.ports import Clock, SystemClock
from executor.questions import Asked, Decision, Question
from executor.wakeups import NEWS, QUEUE, Wakeups, control_topic, job_topic
from storage.sqlite import journal, question_states
from storage.sqlite.database import Database, Work
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text

_SQL = load("questions")


class Questions:
    """Implements executor.questions.Questions."""

    def __init__(self, database: Database, wakeups: Wakeups, clock: Clock | None = None) -> None:
        self._database = database
        self._wakeups = wakeups
        self._clock = clock or SystemClock()

    async def ask(
        self, job: Job, request: str, asked: Sequence[Asked], expires_at: datetime
    ) -> Sequence[Question]:
        now, until = self._now(), to_text(expires_at)
        questions = await self._database.write(
            "ask question", lambda c: _ask(c, job, request, asked, until, now), Work.ACCEPTED
        )
        self._ring(job.id, control_topic(job.id))
        return questions

    async def of_attempt(self, job: Job) -> Sequence[Question]:
        return await self._found("of_attempt", job_id=job.id, attempt=job.attempt)

    async def told(self, job: Job, request: str) -> None:
        now = self._now()
        await self._database.write("question told", lambda c: _told(c, job, request, now), Work.ACCEPTED)
        self._ring(job.id)

    async def decide(self, question_id: str, decision: Decision) -> Question | None:
        now = self._now()
        question = await self._database.write(
            "decide question", lambda c: _decide(c, question_id, decision, now)
        )
        if question is not None:
            self._ring(question.job_id, control_topic(question.job_id), QUEUE)
        return question

    async def question(self, question_id: str) -> Question | None:
        return next(iter(await self._found("by_id", id=question_id)), None)

    async def of_job(self, job_id: str) -> Sequence[Question]:
        return await self._found("of_job", job_id=job_id)

    async def _found(self, query: str, **values: object) -> Sequence[Question]:
        rows = await self._database.read(lambda c: c.execute(_SQL[query], values).fetchall())
        return question_states.to_questions(rows)

    def _now(self) -> str:
        return to_text(self._clock.now())

    def _ring(self, job_id: str, *topics: str) -> None:
        for topic in (job_topic(job_id), NEWS, *topics):
            self._wakeups.ring(topic)


def _ask(
    connection: sqlite3.Connection,
    job: Job,
    request: str,
    asked: Sequence[Asked],
    expires_at: str,
    now: str,
) -> Sequence[Question]:
    if not journal.is_running(connection, job):
        return ()
    belongs = {"attempt": job.attempt, "request": request, "expires_at": expires_at}
    questions: list[Question] = []
    for each in asked:
        known = [question.id for question in questions]
        values = {"job_id": job.id, "fingerprint": each.fingerprint, "but": orjson.dumps(known).decode()}
        row = connection.execute(_SQL["adopt"], values | belongs).fetchone()
        questions.append(
            question_states.to_question(row)
            if row is not None
            else question_states.ask(
                connection,
                job.id,
                each,
                now,
                attempt=job.attempt,
                request=request,
                expires_at=expires_at,
            )
        )
    question_states.count(connection, job.id)
    return questions


def _told(connection: sqlite3.Connection, job: Job, request: str, now: str) -> None:
    values = {"job_id": job.id, "attempt": job.attempt, "request": request}
    connection.execute(_SQL["told"], values)
    question_states.give_up(connection, job.id, job.attempt, request, now)


def _decide(
    connection: sqlite3.Connection, question_id: str, decision: Decision, now: str
) -> Question | None:
    values = {"id": question_id, "now": now, **question_states.decision_values(decision)}
    decided = question_states.to_questions(connection.execute(_SQL["decide"], values).fetchall())
    for question in decided:
        question_states.close(connection, question, now)
    if decided:
        question_states.count(connection, decided[0].job_id)
    return next((question for question in decided if question.id == question_id), None)
