"""Requests that come again: the same Idempotency-Key is answered as it was the first time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256

from aiohttp import web

from bot.web.callers import Caller
from bot.web.problems import Problem
from storage.api import KeptAnswer
from storage.sqlite.api import ApiRecords

UNKEPT = "no-store"
"""The `Cache-Control` of an answer that must be written down nowhere: asked again, it is made again."""


class Repeats:
    """Keeps answers by caller and key, for a day. What was refused has changed nothing, and is tried anew."""

    def __init__(self, records: ApiRecords) -> None:
        self._records = records
        self._under_way: set[tuple[str, str]] = set()

    async def once(
        self, request: web.Request, caller: Caller, key: str, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """The answer that was given before, else a new one. Raises Problem 409, 422."""
        name = (caller.key, key)
        if name in self._under_way:
            raise Problem(
                409,
                "A request with this Idempotency-Key is being dealt with: send it again in a moment.",
                {"Retry-After": "1"},
                code="under_way",
            )
        self._under_way.add(name)
        try:
            return await self._once(request, name, answer)
        finally:
            self._under_way.discard(name)

    async def _once(
        self, request: web.Request, name: tuple[str, str], answer: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        asked = f"{request.method} {request.rel_url}\n".encode() + await request.read()
        asked_hash = sha256(asked).hexdigest()
        known = await self._records.answer(*name)
        if known is not None and known.request != asked_hash:
            raise Problem(
                422,
                "This Idempotency-Key was sent before with another request: what is new needs a new key.",
                field="Idempotency-Key",
                code="key_reused",
            )
        if known is not None:
            return web.Response(
                body=known.body,
                status=known.status,
                content_type="application/json",
                headers={"Idempotency-Replayed": "true"},
            )
        response = await answer()
        if isinstance(response.body, bytes) and response.headers.get("Cache-Control") != UNKEPT:
            kept = KeptAnswer(request=asked_hash, status=response.status, body=response.body)
            await self._records.keep_answer(*name, kept)
        return response
