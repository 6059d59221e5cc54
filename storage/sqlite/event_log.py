"""The logs of jobs: what is kept in them, and what must be announced after that."""

from __future__ import annotations

import sqlite3

import orjson

from executor import outbox
from executor.events import Body, encode
from storage.sqlite.queries import load

_SQL = load("jobs")


def append(connection: sqlite3.Connection, job_id: str, body: Body, now: str) -> None:
    """Logs what happened to a job, and what must be announced after that."""
    (seq,) = connection.execute(_SQL["next_seq"], {"id": job_id}).fetchone()
    keep(connection, job_id, seq, body, now)


def keep(connection: sqlite3.Connection, job_id: str, seq: int, body: Body, now: str) -> None:
    """The same of an event that has its number already, as a move has."""
    kind, fields = encode(body)
    connection.execute(
        _SQL["append_event"],
        {"job_id": job_id, "seq": seq, "at": now, "kind": kind, "body": orjson.dumps(fields).decode()},
    )
    for announcement in outbox.due_after(body):
        connection.execute(_SQL["want"], {"job_id": job_id, "kind": announcement, "wanted": seq})
