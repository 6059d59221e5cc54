"""Worktrees and the work in them, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

import orjson

from executor.events import WorkDecided, WorkLeft
from executor.ports import Clock, SystemClock
from executor.wakeups import NEWS, Wakeups, job_topic
from executor.work import MOVES, Work, WorkState, Worktree
from storage.sqlite.database import Database
from storage.sqlite.database import Work as Sort
from storage.sqlite.event_log import append
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text, to_work

_SQL = load("worktrees")


class Worktrees:
    """Implements executor.work.WorktreeStore."""

    def __init__(self, database: Database, wakeups: Wakeups, clock: Clock | None = None) -> None:
        self._database = database
        self._wakeups = wakeups
        self._clock = clock or SystemClock()

    async def worktree(self, id: str) -> Worktree | None:
        row = await self._database.read(lambda c: c.execute(_SQL["worktree"], {"id": id}).fetchone())
        return None if row is None else _to_worktree(row)

    async def use(self, worktree: Worktree, job_id: str) -> None:
        values = {**_values(worktree), "job_id": job_id, "now": self._now()}
        await self._database.write("use worktree", lambda c: _use(c, values), Sort.ACCEPTED)

    async def leave(self, worktree: Worktree, job_id: str, work: Work | None) -> bool:
        now = self._now()
        left = await self._database.write(
            "leave worktree", lambda c: _leave(c, worktree, job_id, work, now), Sort.ACCEPTED
        )
        self._ring([job_id])
        return left

    async def secure(self, worktree: Worktree) -> None:
        await self._database.write("secure work", lambda c: c.execute(_SQL["secure"], _values(worktree)))

    async def decide(self, worktree: Worktree, work: Work) -> bool:
        now = self._now()
        told = await self._database.write("decide work", lambda c: _decide(c, worktree, work, now))
        self._ring(told)
        return bool(told)

    async def request(self, worktree: Worktree, url: str) -> None:
        now = self._now()
        self._ring(await self._database.write("keep request", lambda c: _request(c, worktree, url, now)))

    async def abandoned(self) -> Sequence[Worktree]:
        rows = await self._database.read(lambda c: c.execute(_SQL["abandoned"]).fetchall())
        return [_to_worktree(row) for row in rows]

    async def undecided(self, before: datetime) -> Sequence[Worktree]:
        values = {"before": to_text(before)}
        rows = await self._database.read(lambda c: c.execute(_SQL["undecided"], values).fetchall())
        return [_to_worktree(row) for row in rows]

    async def last_job(self, worktree: Worktree) -> str:
        return await self._id("last_job", id=worktree.id)

    async def busy(self, worktree: Worktree, but: str = "") -> str:
        return await self._id("busy", id=worktree.id, but=but)

    async def writer(self, workspaces: Sequence[str], types: Sequence[str]) -> str:
        return await self._id("writer", workspaces=_json(workspaces), types=_json(types))

    async def all(self) -> Sequence[str]:
        rows = await self._database.read(lambda c: c.execute(_SQL["worktrees"]).fetchall())
        return [row["id"] for row in rows]

    async def _id(self, query: str, **values: object) -> str:
        row = await self._database.read(lambda c: c.execute(_SQL[query], values).fetchone())
        return "" if row is None else str(row["id"])

    def _now(self) -> str:
        return to_text(self._clock.now())

    def _ring(self, job_ids: Sequence[str]) -> None:
        for topic in (*map(job_topic, job_ids), NEWS):
            self._wakeups.ring(topic)


def _use(connection: sqlite3.Connection, values: dict[str, object]) -> None:
    connection.execute(_SQL["use"], values)
    connection.execute(_SQL["work_in"], values)


def _leave(
    connection: sqlite3.Connection, worktree: Worktree, job_id: str, work: Work | None, now: str
) -> bool:
    if not _move(connection, worktree, WorkState.EMPTY if work is None else WorkState.LEFT, now):
        return False
    if work is not None:
        _set_work(connection, job_id, work, now)
        left = WorkLeft(
            branch=work.branch,
            commits=work.commits,
            files=work.files,
            added=work.added,
            removed=work.removed,
            uncommitted=work.uncommitted,
        )
        append(connection, job_id, left, now)
    return True


def _decide(connection: sqlite3.Connection, worktree: Worktree, work: Work, now: str) -> Sequence[str]:
    if not _move(connection, worktree, work.state, now):
        return ()
    jobs = connection.execute(_SQL["jobs_with_work"], {"id": worktree.id}).fetchall()
    for row in jobs:
        _set_work(connection, row["id"], work, now)
        decided = WorkDecided(branch=work.branch, state=work.state.value, by=work.by, note=work.note)
        append(connection, row["id"], decided, now)
    return [row["id"] for row in jobs]


def _request(connection: sqlite3.Connection, worktree: Worktree, url: str, now: str) -> Sequence[str]:
    jobs = connection.execute(_SQL["jobs_with_work"], {"id": worktree.id}).fetchall()
    for row in jobs:
        work = replace(to_work(row["work"]), request_url=url)
        _set_work(connection, row["id"], work, now)
        requested = WorkDecided(branch=work.branch, state="offered", note=url)
        append(connection, row["id"], requested, now)
    return [row["id"] for row in jobs]


def _move(connection: sqlite3.Connection, worktree: Worktree, state: WorkState, now: str) -> bool:
    values = {**_values(worktree), "state": state, "now": now, "sources": _json(sorted(MOVES[state]))}
    return bool(connection.execute(_SQL["move_worktree"], values).rowcount)


def _set_work(connection: sqlite3.Connection, job_id: str, work: Work, now: str) -> None:
    values = {"job_id": job_id, "work": orjson.dumps(asdict(work)).decode(), "now": now}
    connection.execute(_SQL["set_work"], values)


def _values(worktree: Worktree) -> dict[str, object]:
    return {
        "id": worktree.id,
        "checkout": str(worktree.checkout),
        "branch": worktree.branch,
        "base": worktree.base,
        "tip": worktree.tip,
    }


def _to_worktree(row: sqlite3.Row) -> Worktree:
    return Worktree(
        id=row["id"],
        checkout=Path(row["checkout"]),
        branch=row["branch"],
        base=row["base"],
        state=WorkState(row["state"]),
        tip=row["tip"],
    )


def _json(words: Sequence[str]) -> str:
    return orjson.dumps(list(words)).decode()
