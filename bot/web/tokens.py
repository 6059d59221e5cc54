"""API tokens: made once and shown once, known afterwards by their hash alone, and each at its own pace."""

from __future__ import annotations

import hmac
import math
import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from bot.web.callers import OWNER, Caller, Scope, token_caller
from executor.ports import SystemClock
from storage.api import Token
from storage.sqlite.api import ApiRecords

PREFIX = "bifrost_"
"""What tokens begin with, so that whoever looks for lost secrets finds them."""
_UNSAFE_COST = 10.0
"""A request that may change something counts as so many that only read."""


class Tokens:
    """Makes and ends tokens, and tells whose a given one is.

    `master` is the token of the command line, which lies in the data directory and is in no table.
    """

    def __init__(self, records: ApiRecords, master: str) -> None:
        self._records = records
        self._master = master.encode()

    async def create(self, name: str, scope: Scope, lifetime: timedelta | None) -> tuple[Token, str]:
        """A new token, and what its bearer sends: that is said now and never again."""
        secret = PREFIX + secrets.token_urlsafe(32)
        token_id = uuid.uuid4().hex[:8]
        return await self._records.add_token(token_id, name, scope, _hash(secret), lifetime), secret

    async def tokens(self) -> Sequence[Token]:
        """All that there ever were."""
        return await self._records.tokens()

    async def revoke(self, token_id: str) -> bool:
        """Ends a token at once. False where there is none of that id that has not ended."""
        return await self._records.revoke_token(token_id)

    async def roles_of(self, team: str, user_id: str) -> frozenset[str]:
        """What lets the bearer of a token in who is not there: nothing, once it holds no more."""
        now = SystemClock().now()
        holding = (
            token_caller(token.id, token.name, _scope(token.scope)).actor
            for token in await self._records.tokens()
            if token.revoked_at is None and (token.expires_at is None or token.expires_at > now)
        )
        return next((actor.roles for actor in holding if actor.user_id == user_id), frozenset())

    async def caller(self, authorization: str) -> Caller | None:
        """Who sends this `Authorization`; None where it is no token that holds."""
        scheme, _, secret = authorization.partition(" ")
        given = secret.strip()
        if hmac.compare_digest(given.encode(errors="surrogateescape"), self._master):
            return _MASTER if scheme.lower() == "bearer" else None
        if scheme.lower() != "bearer" or not given.startswith(PREFIX):
            return None
        token = await self._records.token(_hash(given))
        return None if token is None else token_caller(token.id, token.name, _scope(token.scope))


_MASTER = Caller(key="token:master", actor=OWNER, scope="admin")


def _scope(name: str) -> Scope:
    return "read" if name == "read" else "run" if name == "run" else "admin"


def _hash(secret: str) -> str:
    return sha256(secret.encode(errors="surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How fast one token may call: so many readings a second, and so many at once."""

    per_s: float = 100.0
    burst: float = 1_200.0


class Throttle:
    """A token bucket per caller; buckets that are full again are forgotten."""

    def __init__(self, rate: Rate, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._monotonic = monotonic
        self._drawn: dict[str, tuple[float, float]] = {}
        """How much was drawn of a bucket, as of when."""

    def wait_s(self, key: str, *, safe: bool) -> int:
        """Draws for one request; 0 where it may go on, else in how many seconds it may come again."""
        cost = 1.0 if safe else _UNSAFE_COST
        now = self._monotonic()
        amount, since = self._drawn.get(key, (0.0, now))
        drawn = max(0.0, amount - (now - since) * self._rate.per_s)
        if drawn + cost > self._rate.burst:
            return max(1, math.ceil((drawn + cost - self._rate.burst) / self._rate.per_s))
        if len(self._drawn) > _BUCKETS:
            self._forget(now)
        self._drawn[key] = (drawn + cost, now)
        return 0

    def _forget(self, now: float) -> None:
        refilled = now - self._rate.burst / self._rate.per_s
        self._drawn = {key: drawn for key, drawn in self._drawn.items() if drawn[1] > refilled}


_BUCKETS = 1_000
