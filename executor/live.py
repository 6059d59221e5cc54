"""Writes what an attempt does into the log: at once when nothing came before, else in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from executor.events import Activity, TextWritten, TodosChanged
from executor.model import Job
from executor.ports import Store
from executor.unbroken import unbroken
from executor.wakeups import Bell

BATCH_S = 0.1
"""Seconds between two writes, so that the log grows by the second and not by the token."""
_MOST, _MOST_TEXT = 2000, 1_000_000
"""Activities, and characters of text, that may wait; a process that prints more has to wait for them."""


class LiveLog:
    """The one writer of a running attempt's activities."""

    def __init__(self, store: Store, job: Job) -> None:
        self._store = store
        self._job = job
        self._waiting: list[Activity] = []
        self._text = 0
        self._bell = Bell()
        self._writing = asyncio.Lock()

    async def add(self, activities: Sequence[Activity]) -> None:
        """Takes activities in; returns when there is room for more."""
        if not activities:
            return
        self._waiting.extend(activities)
        self._text += sum(len(each.text) for each in activities if isinstance(each, TextWritten))
        self._bell.ring()
        if len(self._waiting) >= _MOST or self._text >= _MOST_TEXT:
            await self.flush()

    async def run(self) -> None:
        """Writes batches until cancelled."""
        while True:
            await self._bell.wait()
            await self.flush()
            await asyncio.sleep(BATCH_S)

    async def flush(self) -> None:
        """Writes what waits."""
        async with self._writing:
            batch, self._waiting, self._text = _joined(self._waiting), [], 0
            if batch:
                await unbroken(self._store.record(self._job, batch))


def _joined(activities: Iterable[Activity]) -> list[Activity]:
    """Text in one piece, and of lists that followed each other the last one alone."""
    joined: list[Activity] = []
    texts: list[str] = []
    for activity in activities:
        if (
            isinstance(activity, TodosChanged)
            and joined
            and isinstance(joined[-1], TodosChanged)
            and not texts
        ):
            joined[-1] = activity
            continue
        if isinstance(activity, TextWritten):
            texts.append(activity.text)
            continue
        _close(texts, joined)
        joined.append(activity)
    _close(texts, joined)
    return joined


def _close(texts: list[str], joined: list[Activity]) -> None:
    if texts:
        joined.append(TextWritten(text="".join(texts)))
        texts.clear()
