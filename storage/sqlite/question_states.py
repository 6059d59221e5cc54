"""The moves of a question, each a part of some transaction: asked, decided, asked again, withdrawn."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from executor.events import QuestionAsked, QuestionClosed
from executor.lifecycle import Transition
from executor.questions import Asked, Choice, Decision, Question, QuestionKind, QuestionState, Verdict
from storage.sqlite.event_log import append
from storage.sqlite.queries import load
from storage.sqlite.rows import to_time

_SQL = load("questions")
_GOES_ON = (Transition.INTERRUPT, Transition.HIT_LIMIT, Transition.PAUSE)
"""After these the same conversation goes on, and comes back to what it has asked."""


def ask(
    connection: sqlite3.Connection,
    job_id: str,
    asked: Asked,
    now: str,
    *,
    attempt: int | None = None,
    request: str = "",
    expires_at: str | None = None,
) -> Question:
    """A new question; one that a yes for the whole job covers is decided, and nobody hears of it."""
    given = connection.execute(_SQL["granted"], {"job_id": job_id, "grant": asked.grant}).fetchone()
    values = {
        "id": str(uuid.uuid4()),
        "job_id": job_id,
        "state": QuestionState.DECIDED if given else QuestionState.OPEN,
        "asked": orjson.dumps(asdict(asked)).decode(),
        "fingerprint": asked.fingerprint,
        "grant": asked.grant,
        "attempt": attempt,
        "request": request,
        "expires_at": expires_at,
        "now": now,
        **decision_values(_decision(given) if given else None),
    }
    question = to_question(connection.execute(_SQL["ask"], values).fetchone())
    if not given:
        append(connection, job_id, QuestionAsked(number=question.number, text=asked.text), now)
    return question


def close(connection: sqlite3.Connection, question: Question, now: str) -> None:
    """Says that a question waits no more."""
    decision = question.decision
    closed = QuestionClosed(
        number=question.number,
        state=question.state,
        said=decision.said if decision else "",
        by=decision.by if decision else "",
    )
    append(connection, question.job_id, closed, now)


def count(connection: sqlite3.Connection, job_id: str) -> None:
    """Tells the job how many of its questions are open."""
    connection.execute(_SQL["count"], {"job_id": job_id})


def withdraw(connection: sqlite3.Connection, job_id: str, now: str) -> None:
    """Nobody needs an answer any more."""
    _closed(connection, "withdraw", now, {"job_id": job_id})


def give_up(connection: sqlite3.Connection, job_id: str, attempt: int, request: str, now: str) -> None:
    """The attempt needs no answer to a request any more."""
    _closed(connection, "give_up", now, {"job_id": job_id, "attempt": attempt, "request": request})


def _closed(connection: sqlite3.Connection, query: str, now: str, values: dict[str, object]) -> None:
    questions = to_questions(connection.execute(_SQL[query], values).fetchall())
    for question in questions:
        close(connection, question, now)
    if questions:
        count(connection, questions[0].job_id)


def leave(connection: sqlite3.Connection, job_id: str, transition: Transition, now: str) -> None:
    """The running attempt ends by `transition`: what it has asked waits for the next one, or for nothing."""
    if transition is Transition.PAUSE:
        _ask_again(connection, job_id, now)
    elif transition not in _GOES_ON:
        withdraw(connection, job_id, now)
    connection.execute(_SQL["release"], {"job_id": job_id})


def _ask_again(connection: sqlite3.Connection, job_id: str, now: str) -> None:
    """What nobody has decided in time is asked anew, without a time."""
    for question in to_questions(connection.execute(_SQL["open"], {"job_id": job_id}).fetchall()):
        again = ask(connection, job_id, question.asked, now)
        connection.execute(_SQL["expire"], {"id": question.id, "again": again.number})
        closed = QuestionClosed(number=question.number, state=QuestionState.EXPIRED)
        append(connection, job_id, closed, now)
    count(connection, job_id)


def decision_values(decision: Decision | None) -> dict[str, object]:
    """A decision as columns."""
    if decision is None:
        return {"verdict": None, "by": None, "choices": None, "words": None}
    return {
        "verdict": decision.verdict,
        "by": decision.by,
        "choices": orjson.dumps(decision.choices).decode(),
        "words": decision.text,
    }


def to_questions(rows: Sequence[sqlite3.Row]) -> list[Question]:
    """The questions of these rows, in order."""
    return sorted(map(to_question, rows), key=lambda question: question.number)


def to_question(row: sqlite3.Row) -> Question:
    asked_at = to_time(row["asked_at"])
    assert asked_at is not None  # noqa: S101
    return Question(
        id=row["id"],
        job_id=row["job_id"],
        number=row["number"],
        asked=_asked(orjson.loads(row["asked"])),
        state=QuestionState(row["state"]),
        asked_at=asked_at,
        expires_at=to_time(row["expires_at"]),
        attempt=row["attempt"],
        request=row["request"],
        decision=_decision(row) if row["verdict"] is not None else None,
        decided_at=to_time(row["decided_at"]),
        again=row["again"],
    )


def _asked(values: dict[str, Any]) -> Asked:
    choices = tuple(Choice(**choice) for choice in values["choices"])
    return Asked(**values | {"kind": QuestionKind(values["kind"]), "choices": choices})


def _decision(row: sqlite3.Row) -> Decision:
    return Decision(
        verdict=Verdict(row["verdict"]),
        by=row["decided_by"],
        choices=tuple(orjson.loads(row["choices"])),
        text=row["words"],
    )
