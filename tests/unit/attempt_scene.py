"""A workshop with one scripted backend, and what tests of attempts ask of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from executor.model import Job
from executor.workshop import Workshop
from tests import builders
from tests.builders import carried_out, claim_one, open_workshop
from tests.fsck import check
from tests.programs import Scripted, alive_with

NAP = "sleep 1000"
"""Longer than any test."""
WAIT = "until [ -e $RESULTS/go ]; do sleep 0.02; done"
"""Until the test lets go."""


@dataclass(slots=True)
class Scene:
    workshop: Workshop
    backend: Scripted
    place: Path
    token: str

    async def started(self, script: str, **changes: Any) -> Job:
        """A job whose process can be told from all others, however it hides."""
        self.backend.script = f"{script}\n: {self.token}"
        return await builders.started(self.workshop, **changes)

    async def ran(self, script: str, **changes: Any) -> Job:
        return await carried_out(self.workshop, await self.started(script, **changes))

    async def next_ran(self) -> Job:
        """The next job that is due, after its attempt."""
        job = await claim_one(self.workshop.store, list(self.workshop.backends))
        assert job is not None
        return await carried_out(self.workshop, job)

    async def bodies(self, job: Job) -> list[object]:
        return [event.body for event in await self.workshop.store.events(job.id)]

    def processes(self) -> list[int]:
        return alive_with(self.token)

    def let_go(self, job: Job) -> None:
        """Lets a script go on that waits for it with WAIT."""
        (self.place / "jobs" / job.id / "results" / "go").touch()

    def printed(self, job: Job) -> Path:
        """The raw log of the job's attempt."""
        return self.place / "jobs" / job.id / f"attempt-{job.attempt}.log"

    def temporary(self) -> list[Path]:
        return list(self.place.glob("jobs/*/tmp-*"))

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.place / "bifrost.db", isolation_level=None)) as connection:
            yield connection


async def until(condition: Callable[[], bool]) -> None:
    """Looks until `condition` holds of the world outside, which rings no bell."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)


@asynccontextmanager
async def open_scene(
    place: Path, sandbox: Sequence[str] = (), *, worktrees: bool = False
) -> AsyncIterator[Scene]:
    """A fresh scene; when it closes, no process and no temporary file may be left."""
    backend = Scripted()
    async with open_workshop(place, backend, sandbox=sandbox, worktrees=worktrees) as workshop:
        scene = Scene(workshop, backend, place, uuid4().hex)
        yield scene
    assert scene.processes() == []
    assert scene.temporary() == []
    check(place / "bifrost.db")
