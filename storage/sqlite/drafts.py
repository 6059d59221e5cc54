"""What waits for an answer of the person who asked it, on SQLite. One method is one transaction."""

from __future__ import annotations

import sqlite3

import orjson

from executor.ports import Clock, SystemClock
from storage.drafts import KEPT, Draft, KeptFile
from storage.sqlite.database import Database, Work
from storage.sqlite.queries import load
from storage.sqlite.rows import to_origin, to_text

_SQL = load("drafts")


class Drafts:
    """Drafts by their ids. One that is older than KEPT is none any more."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def keep(self, draft: Draft) -> Draft:
        """Keeps it, and forgets old ones; the one that the same delivery made before, where there is one."""
        now = self._clock.now()
        values = _values(draft) | {"now": to_text(now), "old": to_text(now - KEPT)}
        return await self._database.write("keep draft", lambda c: _keep(c, values), Work.NEW)

    async def draft(self, draft_id: str) -> Draft | None:
        """The draft of that id; None where there is none, or not any more."""
        values = {"id": draft_id, "old": to_text(self._clock.now() - KEPT)}
        row = await self._database.read(lambda c: c.execute(_SQL["draft"], values).fetchone())
        return None if row is None else _draft(row)


def _keep(connection: sqlite3.Connection, values: dict[str, object]) -> Draft:
    connection.execute(_SQL["forget_old"], {"old": values["old"]})
    connection.execute(_SQL["add"], values)
    return _draft(connection.execute(_SQL["draft"], {"id": values["id"], "old": values["old"]}).fetchone())


def _values(draft: Draft) -> dict[str, object]:
    origin, actor = draft.origin, draft.origin.actor
    files = [{"label": each.label, "size": each.size, "reference": each.reference} for each in draft.files]
    return {
        "id": draft.id,
        "delivery": draft.delivery,
        "verb": draft.verb,
        "platform": actor.platform,
        "team": actor.team,
        "user_id": actor.user_id,
        "user_name": actor.name,
        "channel": origin.channel,
        "thread": origin.thread,
        "args": orjson.dumps(dict(draft.args)).decode(),
        "files": orjson.dumps(files).decode(),
        "choices": orjson.dumps(list(draft.choices)).decode(),
    }


def _draft(row: sqlite3.Row) -> Draft:
    return Draft(
        delivery=row["delivery"],
        verb=row["verb"],
        origin=to_origin(row),
        args=orjson.loads(row["args"]),
        files=[KeptFile(**each) for each in orjson.loads(row["files"])],
        choices=orjson.loads(row["choices"]),
    )
