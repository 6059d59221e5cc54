"""What forms change of the shared records: once each time that they are sent, and told where they stand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

import orjson
from aiohttp import web

from bot.desk.asks import Answer
from bot.web.answers import Answers
from bot.web.bodies import Back, PageBody
from bot.web.callers import LOGIN
from storage.api import KeptAnswer
from storage.hub.authors import RecordRefused
from storage.sqlite.api import ApiRecords


class RecordBody(PageBody):
    """What every form of these pages sends; `back` is the page that it stands on."""

    back: Back = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was done, in a sentence; `on` is the page to go on with, where that is another one."""

    text: str
    on: str = ""


class Saving:
    """Lets forms change records. The same delivery is answered as it was the first time."""

    def __init__(self, records: ApiRecords, answers: Answers) -> None:
        self._records = records
        self._answers = answers
        self._one = asyncio.Lock()

    async def once(
        self, request: web.Request, body: RecordBody, change: Callable[[], Awaitable[Saved]]
    ) -> web.Response:
        """The answer to `body`: what `change` has done, or why it refused (RecordRefused)."""
        key = sha256(f"{request.path} {body.model_dump_json()}".encode()).hexdigest()
        back = body.back or "/inbox"
        try:
            async with self._one:  # a second click finds what the first one has done
                saved = await self._known(key) or await self._keep(key, await change())
        except RecordRefused as refused:
            answer = Answer(ok=False, text=refused.text, field=refused.field)
            return self._answers.give(request, answer, back)
        return self._answers.give(request, Answer(ok=True, text=saved.text), saved.on or back, on=saved.on)

    async def _known(self, key: str) -> Saved | None:
        kept = await self._records.answer(LOGIN.key, key)
        return Saved(**orjson.loads(kept.body)) if kept else None

    async def _keep(self, key: str, saved: Saved) -> Saved:
        body = orjson.dumps({"text": saved.text, "on": saved.on})
        await self._records.keep_answer(LOGIN.key, key, KeptAnswer(request=key, status=200, body=body))
        return saved
