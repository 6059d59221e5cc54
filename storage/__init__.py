"""What lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from executor.ports import Clock
from executor.queueing import QueueRules
from executor.wakeups import Wakeups
from storage.sqlite.database import NewerSchema, check_database, open_database
from storage.sqlite.hub import Hub
from storage.sqlite.messages import Messages
from storage.sqlite.outbox import Outbox
from storage.sqlite.schedules import Schedules
from storage.sqlite.store import SqliteStore

__all__ = ["NewerSchema", "Storage", "check_database", "open_storage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Everything that is kept, by what it is for."""

    jobs: SqliteStore
    outbox: Outbox
    messages: Messages
    hub: Hub
    schedules: Schedules


@asynccontextmanager
async def open_storage(
    path: Path, wakeups: Wakeups, clock: Clock | None = None, rules: QueueRules | None = None
) -> AsyncIterator[Storage]:
    """Opens the database at `path` (made where it is missing) and brings its schema up to date.

    Raises NewerSchema where a later release wrote it.
    """
    async with open_database(path) as database:
        yield Storage(
            jobs=SqliteStore(database, wakeups, clock, rules),
            outbox=Outbox(database, wakeups),
            messages=Messages(database, wakeups, clock),
            hub=Hub(database, clock),
            schedules=Schedules(database, wakeups),
        )
