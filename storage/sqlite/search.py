"""Finds jobs among all that there ever were, in bounded time."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import orjson

from executor.events import Event, Todo, TodosChanged
from executor.listing import Finds, JobFilter, JobSearch
from executor.model import Job, JobStatus
from storage.sqlite.database import Database
from storage.sqlite.lists import NEWER_THAN_ALL, filter_query, filter_values
from storage.sqlite.queries import load
from storage.sqlite.rows import to_event, to_job, to_text

_SQL = {**load("lists"), **load("jobs"), **load("search")}
_WINDOW = 2_000
"""Jobs that match and are looked at for one page; behind them, the reader goes on."""
_MOST_WORDS = 12
_ID = re.compile(r"[0-9a-f][0-9a-f-]{3,35}")
_FACETS = {"job_type": "t", "provider": "p", "workspace": "w", "channel": "c", "person": "u"}
_NEWEST = 2**62


class Search:
    """Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, wanted: JobSearch, limit: int) -> Finds:
        """Up to `limit` jobs, the newest first."""
        by_words = any(getattr(wanted, name) for name in ("text", *_FACETS) if name != "job_type")
        return await self._database.read(lambda c: (_matching if by_words else _newest)(c, wanted, limit))

    async def counts(self) -> Mapping[JobStatus, int]:
        """How many jobs stand where."""
        rows = await self._database.read(lambda c: c.execute(_SQL["counts"]).fetchall())
        return {JobStatus(row["status"]): row["number"] for row in rows}

    async def asking(self) -> int:
        """How many jobs wait for an answer."""
        row = await self._database.read(lambda c: c.execute(_SQL["asking"]).fetchone())
        return int(row[0])

    async def successor(self, job_id: str) -> Job | None:
        """The newest job that goes on with this one."""
        row = await self._database.read(lambda c: c.execute(_SQL["successor"], {"id": job_id}).fetchone())
        return None if row is None else to_job(row)

    async def turns(self, job_id: str, limit: int) -> Sequence[Event]:
        """The last `limit` events that are about the job itself, and not what its agent did; in order."""
        values = {"job_id": job_id, "limit": limit}
        rows = await self._database.read(lambda c: c.execute(_SQL["turns"], values).fetchall())
        return [to_event(row) for row in reversed(rows)]

    async def todos(self, job_id: str) -> Sequence[Todo]:
        """What the agent has on its list; nothing where it keeps none."""
        values = {"job_id": job_id}
        row = await self._database.read(lambda c: c.execute(_SQL["todos"], values).fetchone())
        body = None if row is None else to_event(row).body
        return body.items if isinstance(body, TodosChanged) else ()


def _newest(connection: sqlite3.Connection, wanted: JobSearch, limit: int) -> Finds:
    row = connection.execute(_SQL["by_id"], {"id": wanted.before}).fetchone()
    before = None if row is None else to_job(row)
    asked = JobFilter(
        statuses=wanted.statuses, asking=wanted.asking, job_type=wanted.job_type or None, before=before
    )
    values = {**filter_values(asked), "limit": limit + 1, "most": limit + 1}
    if before is None and wanted.until is not None:
        values["before_at"] = to_text(wanted.until)
    rows = connection.execute(_SQL[filter_query(asked)], values).fetchall()
    jobs = [to_job(row) for row in rows if row["created_at"] >= _since(wanted)]
    return Finds(jobs=jobs[:limit], older=jobs[limit - 1].id if len(jobs) > limit else "")


def _matching(connection: sqlite3.Connection, wanted: JobSearch, limit: int) -> Finds:
    named = _by_id(connection, wanted)
    match = match_of(wanted)
    if not match:
        return Finds(jobs=named)
    values = {
        "match": match,
        "before": _before(connection, wanted),
        "window": _WINDOW,
        "statuses": orjson.dumps(list(wanted.statuses or JobStatus)).decode(),
        "since": _since(wanted),
        "until": to_text(wanted.until) if wanted.until else NEWER_THAN_ALL,
        "limit": limit + 1,
    }
    statement = "matching_asking" if wanted.asking else "matching"
    jobs = [to_job(row) for row in connection.execute(_SQL[statement], values)]
    if len(jobs) > limit:
        return Finds(jobs=[*named, *jobs[:limit]], older=jobs[limit - 1].id)
    if wanted.asking:  # of which all were looked at
        return Finds(jobs=[*named, *jobs])
    row = connection.execute(_SQL["looked_at"], values).fetchone()
    return Finds(jobs=[*named, *jobs], older=row["id"] if row else "")


def _by_id(connection: sqlite3.Connection, wanted: JobSearch) -> list[Job]:
    """The job whose id was typed, where one was: whatever else is asked for, that one is meant."""
    prefix = wanted.text.strip().lower()
    if wanted.before or not _ID.fullmatch(prefix):
        return []
    rows = connection.execute(_SQL["by_prefix"], {"prefix": prefix, "limit": 5}).fetchall()
    return [to_job(row) for row in rows]


def match_of(wanted: JobSearch) -> str:
    """The search in the words of the index: quoted, so that nothing that was typed is an operator."""
    terms = [f'facets : "{sign}{_spelled(value)}0"' for sign, value in _facets(wanted)]
    words = re.findall(r"\w+", wanted.text)[:_MOST_WORDS]
    terms += [f'words : "{word}"' for word in words]
    # Something was typed, and nothing of it is a word: nothing is found, rather than everything.
    return "" if wanted.text.strip() and not words else " AND ".join(terms)


def _facets(wanted: JobSearch) -> Iterator[tuple[str, str]]:
    for name, sign in _FACETS.items():
        if value := getattr(wanted, name).strip():
            yield sign, value


def _spelled(name: str) -> str:
    return name.encode(errors="replace").lower().hex()  # bytes lower as SQLite does: ASCII alone


def _since(wanted: JobSearch) -> str:
    return to_text(wanted.since) if wanted.since else ""


def _before(connection: sqlite3.Connection, wanted: JobSearch) -> int:
    """The number of the row that the look begins behind."""
    if not wanted.before and wanted.until is None:
        return _NEWEST
    newest = wanted.before
    if not newest:
        of_the_day = replace(wanted, statuses=(), asking=False, job_type="", since=None)
        newest = "".join(job.id for job in _newest(connection, of_the_day, 1).jobs)
    row = connection.execute(_SQL["number_of"], {"id": newest}).fetchone()
    return int(row[0]) + (not wanted.before) if row else 0
