"""Who is logged in."""

from __future__ import annotations

from datetime import timedelta

from executor.ports import Clock, SystemClock
from storage.sqlite.database import Database
from storage.sqlite.queries import load
from storage.sqlite.rows import to_text

_SQL = load("hub")


class Hub:
    """Keeps logins, by the hashes of their tokens."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def add_login(self, token_hash: str, lifetime: timedelta) -> None:
        """Keeps a login by the hash of its token."""
        now = self._clock.now()
        values = {"token_hash": token_hash, "now": to_text(now), "expires_at": to_text(now + lifetime)}
        await self._database.write("add login", lambda c: c.execute(_SQL["add_login"], values))

    async def logged_in(self, token_hash: str) -> bool:
        """Whether a login of this hash exists and has not expired."""
        values = {"token_hash": token_hash, "now": to_text(self._clock.now())}
        return await self._database.read(lambda c: c.execute(_SQL["login"], values).fetchone() is not None)
