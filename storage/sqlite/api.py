"""Tokens and repeatable answers of the HTTP API, and what was used when, on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from executor.ports import Clock, SystemClock
from storage.api import KeptAnswer, Token, UsedOn
from storage.sqlite.database import Database, Work
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text, to_time, to_usage

_SQL = load("api")
REPEATABLE = timedelta(days=1)
"""How long a request is known by its key."""


class ApiRecords:
    """One method is one transaction."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add_token(
        self, token_id: str, name: str, scope: str, token_hash: str, lifetime: timedelta | None
    ) -> Token:
        """Keeps a token by its hash; without a `lifetime` it holds until it is revoked."""
        now = self._clock.now()
        expires_at = now + lifetime if lifetime is not None else None
        token = Token(id=token_id, name=name, scope=scope, created_at=now, expires_at=expires_at)
        values = {
            "id": token.id,
            "name": name,
            "scope": scope,
            "token_hash": token_hash,
            "now": to_text(now),
            "expires_at": to_text(expires_at) if expires_at else None,
        }
        await self._database.write("add token", lambda c: c.execute(_SQL["add_token"], values))
        return token

    async def token(self, token_hash: str) -> Token | None:
        """The token of this hash, if it holds."""
        values = {"token_hash": token_hash, "now": to_text(self._clock.now())}
        row = await self._database.read(lambda c: c.execute(_SQL["token"], values).fetchone())
        return None if row is None else _to_token(row)

    async def tokens(self) -> Sequence[Token]:
        """All that there ever were, the oldest first."""
        rows = await self._database.read(lambda c: c.execute(_SQL["tokens"]).fetchall())
        return [_to_token(row) for row in rows]

    async def revoke_token(self, token_id: str) -> bool:
        """Ends it. False where there is none of that id, or it was ended before."""
        values = {"id": token_id, "now": to_text(self._clock.now())}
        revoked = await self._database.write(
            "revoke token", lambda c: c.execute(_SQL["revoke_token"], values).rowcount
        )
        return revoked > 0

    async def answer(self, caller: str, key: str) -> KeptAnswer | None:
        """What was answered to this caller under this key in the last day."""
        values = {"caller": caller, "key": key, "before": self._forgotten()}
        row = await self._database.read(lambda c: c.execute(_SQL["answer"], values).fetchone())
        return None if row is None else KeptAnswer(**dict(row))

    async def keep_answer(self, caller: str, key: str, answer: KeptAnswer) -> None:
        """Keeps it for a day; those that are older go."""
        values = {
            "caller": caller,
            "key": key,
            "request": answer.request,
            "status": answer.status,
            "body": answer.body,
            "now": to_text(self._clock.now()),
            "before": self._forgotten(),
        }

        def keep(connection: sqlite3.Connection) -> None:
            connection.execute(_SQL["forget_answers"], values)
            connection.execute(_SQL["keep_answer"], values)

        await self._database.write("keep answer", keep, Work.ACCEPTED)

    async def usage(self, first: date, last: date, by: str, whose: str = "") -> Sequence[UsedOn]:
        """Sums of the days from `first` to `last`, the last first, and by what `by` names.

        `whose` is the key of a person, or the beginning of several, and a colon; empty for everybody's.
        """
        values = {"first": first.isoformat(), "last": last.isoformat(), "by": by, "whose": whose}
        rows = await self._database.read(lambda c: c.execute(_SQL["usage"], values).fetchall())
        return [
            UsedOn(
                day=row["day"],
                key=row["key"],
                name=row["name"] if by == "person" else "",
                jobs=row["jobs"],
                attempts=row["attempts"],
                usage=to_usage(row),
            )
            for row in rows
        ]

    async def text_tail(self, job_id: str, most: int) -> tuple[str, int]:
        """The end of what the agent of a job wrote, `most` characters or more, and the bytes of it all."""
        values = {"job_id": job_id}

        def read(connection: sqlite3.Connection) -> tuple[str, int]:
            pieces: list[str] = []
            for row in connection.execute(_SQL["text_tail"], values):
                pieces.append(row["text"])
                if sum(len(piece) for piece in pieces) >= most:
                    break
            whole: int = connection.execute(_SQL["text_size"], values).fetchone()["size"]
            return "".join(reversed(pieces)), whole

        return await self._database.read(read)

    def _forgotten(self) -> str:
        return to_text(self._clock.now() - REPEATABLE)


def _to_token(row: sqlite3.Row) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        scope=row["scope"],
        created_at=datetime.fromisoformat(row["created_at"]),
        expires_at=to_time(row["expires_at"]),
        revoked_at=to_time(row["revoked_at"]),
    )
