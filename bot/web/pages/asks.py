"""What people ask by a button or a box, on whatever page it stands."""

from __future__ import annotations

from aiohttp import web

from bot.desk.asks import ANSWER, CHOICES, QUESTION, REPLY, SAYS
from bot.web.bodies import AnswerBody, AskBody, ReplyBody, read_body
from bot.web.pages.parts import Parts
from bot.web.uploads import read_form
from executor.model import Origin


class Asks:
    """Takes what buttons and boxes send."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/asks", self._ask),
            web.post("/replies", self._reply),
            web.post("/answers", self._decide),
        ]

    async def _ask(self, request: web.Request) -> web.Response:
        body = await read_body(request, AskBody)
        origin = await self._origin(body.message)
        args = {"prompt": body.text} if body.text else {}
        answer = await self._parts.asked(body, body.verb, args, target=body.target, origin=origin)
        return self._parts.answers.give(request, answer, body.back or f"/channels/{origin.channel}")

    async def _reply(self, request: web.Request) -> web.Response:
        async with read_form(request, ReplyBody, self._parts.limits) as (body, files):
            origin = await self._origin(body.message)
            answer = await self._parts.asked(body, REPLY, {"prompt": body.text}, origin=origin, files=files)
        return self._parts.answers.give(request, answer, body.back or f"/channels/{origin.channel}")

    async def _decide(self, request: web.Request) -> web.Response:
        body = await read_body(request, AnswerBody)
        origin = await self._origin(body.message)
        args = {QUESTION: body.question, SAYS: body.says, CHOICES: body.choices, "prompt": body.text}
        answer = await self._parts.asked(body, ANSWER, args, target=body.job, origin=origin)
        return self._parts.answers.give(request, answer, body.back or f"/channels/{origin.channel}")

    async def _origin(self, message_id: str) -> Origin:
        """Where a button was pressed, or a reply written: in the thread of its message."""
        message = await self._parts.storage.messages.message(message_id) if message_id else None
        if message is None:
            return self._parts.dev
        thread = message.thread or message.id
        return Origin(actor=self._parts.actor, channel=message.channel, thread=thread)
