"""What is known of reports, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime

import orjson

from executor.ports import Clock, SystemClock
from storage.hub.authors import Author, RecordRefused, Role, Why, forbidden, missing
from storage.hub.reports import (
    NewReport,
    ReportChanges,
    ReportFilter,
    ReportRow,
    ReportStatus,
    ReportType,
)
from storage.sqlite.database import Database, Work
from storage.sqlite.links import after, check_task
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text

_SQL = load("reports")


class Reports:
    """Keeps what is known of reports: those that jobs publish, and those that agents write down here."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add(self, new: NewReport) -> ReportRow:
        """Raises RecordRefused: its slug is taken, or there is no such task."""
        now = to_text(self._clock.now())
        return await self._database.write("add record", lambda c: _add(c, new, now), Work.NEW)

    async def change(self, report_id: str, changes: ReportChanges, author: Author) -> ReportRow:
        """Raises RecordRefused, with nothing changed."""
        if author.role is Role.AGENT:
            raise forbidden("Only the owner or Clara may change a report.")
        now = to_text(self._clock.now())
        return await self._database.write("change record", lambda c: _change(c, report_id, changes, now))

    async def by_slug(self, slug: str) -> ReportRow | None:
        """The report that is published under `slug`."""
        return await self._one("by_slug", slug=slug)

    async def report(self, report_id: str) -> ReportRow | None:
        return await self._one("by_id", id=report_id)

    async def reports(
        self, wanted: ReportFilter | None = None, limit: int = 50, cursor: str | None = None
    ) -> Sequence[ReportRow]:
        """The newest first; those after the report `cursor` where a page goes on. Raises RecordRefused."""
        wanted = wanted or ReportFilter()
        query = _SQL["newest" if wanted.status is None else "newest_of_status"]
        return await self._database.read(
            lambda c: [
                _report(row)
                for row in c.execute(
                    query, {**asdict(wanted), **after(c, _SQL["by_id"], cursor), "limit": limit}
                )
            ]
        )

    async def of_task(self, task_id: str, limit: int = 50) -> Sequence[ReportRow]:
        """The reports of one task, the newest first."""
        values = {"task_id": task_id, "limit": limit}
        return await self._database.read(
            lambda c: [_report(row) for row in c.execute(_SQL["of_task"], values)]
        )

    async def counts(self) -> Mapping[ReportStatus, int]:
        """How many reports stand where."""
        rows = await self._database.read(lambda c: c.execute(_SQL["counts"]).fetchall())
        return {ReportStatus(row["status"]): row["number"] for row in rows}

    async def _one(self, query: str, **values: str) -> ReportRow | None:
        row = await self._database.read(lambda c: c.execute(_SQL[query], values).fetchone())
        return None if row is None else _report(row)


def _add(connection: sqlite3.Connection, new: NewReport, now: str) -> ReportRow:
    check_task(connection, new.task_id)
    values = _values(asdict(new)) | {"id": uuid.uuid4().hex, "now": now}
    row = connection.execute(_SQL["insert"], values).fetchone()
    if row is None:
        raise RecordRefused(
            Why.TAKEN, f"There is a report under `{new.slug}` already; pick another slug.", "slug"
        )
    return _report(row)


def _change(connection: sqlite3.Connection, report_id: str, changes: ReportChanges, now: str) -> ReportRow:
    row = connection.execute(_SQL["by_id"], {"id": report_id}).fetchone()
    if row is None:
        raise missing("report", report_id)
    wanted = replace(_report(row), **changes)
    check_task(connection, wanted.task_id)
    values = _values(asdict(wanted)) | {"now": now}
    return _report(connection.execute(_SQL["change"], values).fetchone())


def _values(fields: dict[str, object]) -> dict[str, object]:
    return fields | {"tags": orjson.dumps(fields["tags"]).decode()}


def _report(row: sqlite3.Row) -> ReportRow:
    return ReportRow(
        id=row["id"],
        slug=row["slug"],
        job_id=row["job_id"],
        task_id=row["task_id"],
        title=row["title"],
        description=row["description"],
        workspace=row["workspace"],
        type=ReportType(row["type"]),
        status=ReportStatus(row["status"]),
        tags=tuple(orjson.loads(row["tags"])),
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
    )
