"""Who is logged in: one-time links, and the cookie that such a link is exchanged for."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import timedelta

from aiohttp import web

from storage.sqlite.hub import Hub

LOGIN_LIFETIME = timedelta(days=30)
CODE_LIFETIME_S = 15 * 60


class Logins:
    """Makes codes, takes each of them once, and knows the cookies. Keeps hashes only."""

    def __init__(self, hub: Hub, *, secure: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._hub = hub
        self._secure = secure
        # The prefix binds the cookie to this host and to https; browsers refuse it without Secure.
        self._cookie = "__Host-bifrost" if secure else "bifrost"
        self._monotonic = monotonic
        self._codes: dict[str, float] = {}

    def new_code(self) -> str:
        """A code for one login within the next 15 minutes."""
        now = self._monotonic()
        self._codes = {code: ends for code, ends in self._codes.items() if ends > now}
        code = secrets.token_urlsafe(32)
        self._codes[_hash(code)] = now + CODE_LIFETIME_S
        return code

    async def log_in(self, code: str, response: web.Response) -> bool:
        """Exchanges `code` for a cookie on `response`; False where the code is wrong, used or expired."""
        ends = self._codes.pop(_hash(code), None)
        if ends is None or ends <= self._monotonic():
            return False
        token = secrets.token_urlsafe(32)
        await self._hub.add_login(_hash(token), LOGIN_LIFETIME)
        response.set_cookie(
            self._cookie,
            token,
            max_age=int(LOGIN_LIFETIME.total_seconds()),
            path="/",
            httponly=True,
            samesite="Strict",
            secure=self._secure,
        )
        return True

    async def is_logged_in(self, request: web.Request) -> bool:
        """Whether the request carries the cookie of a login that lasts."""
        token = request.cookies.get(self._cookie)
        return token is not None and await self._hub.logged_in(_hash(token))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
