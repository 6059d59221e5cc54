"""What tests of the executor and the store are built from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from executor.model import Actor, JobRequest, Origin
from executor.wakeups import Wakeups
from storage.sqlite.database import open_database
from storage.sqlite.store import SqliteStore

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


class TestClock:
    """A clock that stands until it is moved."""

    __test__ = False

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def pass_by(self, **time: float) -> datetime:
        """Moves on by a timedelta; the new time."""
        self.at += timedelta(**time)
        return self.at


def origin(thread: str | None = None) -> Origin:
    """Ann in #dev of the page."""
    return Origin(
        actor=Actor(platform="web", team="", user_id="ann", name="Ann"), channel="dev", thread=thread
    )


def request(**changes: Any) -> JobRequest:
    """What Ann asks for: a session by the rehearsal."""
    asked = JobRequest(
        type="session",
        payload={"prompt": "Tidy up."},
        provider="rehearsal",
        model="rehearsal",
        effort="medium",
        workspace="main",
        origin=origin(),
    )
    return replace(asked, **changes)


@asynccontextmanager
async def open_store(
    place: Path, wakeups: Wakeups | None = None, clock: TestClock | None = None
) -> AsyncIterator[SqliteStore]:
    """A store on the database `place`/bifrost.db."""
    async with open_database(place / "bifrost.db") as database:
        yield SqliteStore(database, wakeups or Wakeups(), clock)
