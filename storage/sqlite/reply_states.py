"""The moves of a reply, each a part of some transaction: waiting, handed, begun, taken, or dropped."""

from __future__ import annotations

import sqlite3

from executor.events import Activity, ReplyBegun, ReplyTaken
from executor.model import Job
from storage.sqlite.queries import load

_SQL = load("replies")


def count(connection: sqlite3.Connection, job_id: str) -> None:
    """Tells the job how many replies nobody has begun with."""
    connection.execute(_SQL["count"], {"job_id": job_id})


def hand(connection: sqlite3.Connection, job_id: str) -> list[str]:
    """Hands what waits to the running attempt, if that takes replies. Returns who said it, in order."""
    rows = connection.execute(_SQL["hand"], {"job_id": job_id}).fetchall()
    return [row["user_name"] or row["user_id"] for row in rows]


def note(connection: sqlite3.Connection, job: Job, activity: Activity) -> None:
    """What the session of an attempt says became of a reply."""
    match activity:
        case ReplyBegun(reply=number):
            query = "begin"
        case ReplyTaken(reply=number):
            query = "end"
        case _:
            return
    connection.execute(_SQL[query], {"reply": number, "job_id": job.id, "attempt": job.attempt})
    count(connection, job.id)


def give_back(connection: sqlite3.Connection, job_id: str) -> None:
    """The attempt ends: what it has not taken waits again, for the next one or for the job's end."""
    if connection.execute(_SQL["give_back"], {"job_id": job_id}).rowcount:
        count(connection, job_id)


def drop(connection: sqlite3.Connection, job_id: str) -> None:
    """Nobody will answer what was said to the job."""
    if connection.execute(_SQL["drop"], {"job_id": job_id}).rowcount:
        count(connection, job_id)
