"""What people ask by a button or a box, on whatever page it stands, and how they are answered."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Awaitable

from aiohttp import web

from bot.desk.asks import ANSWER, CHOICES, QUESTION, REPLY, SAYS, Answer, Ask
from bot.desk.attachments import Limits
from bot.desk.desk import Door
from bot.web.bodies import AnswerBody, AskBody, ReplyBody, read_body
from bot.web.markup import data_url, to_html
from bot.web.problems import Problem
from bot.web.uploads import read_form
from executor.model import Actor, Origin
from storage.sqlite.messages import Messages

_KEPT = 50
_ANSWER_S = 30


class Answers:
    """Gives the desk's answers back: to a script as JSON; to a plain form by way of the page it came from."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Answer] = OrderedDict()

    def give(self, request: web.Request, answer: Answer, back: str, on: str = "") -> web.Response:
        """The answer for a script; for a plain form, the way `back`, where `asked_before` finds it once.

        `on` is the page that a script goes on to.
        """
        if "application/json" in (request.content_type, request.headers.get("Accept")):
            sentence = to_html(answer.text.partition("\n")[0])
            fields = {"ok": answer.ok, "html": to_html(answer.text), "field": answer.field}
            fields |= {"sentence": sentence, "on": on, "picture": _picture_of(answer)}
            return web.json_response(fields)
        key = str(uuid.uuid4())
        self._kept[key] = answer
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        sign = "&" if "?" in back else "?"
        return web.Response(status=303, headers={"Location": f"{back}{sign}answer={key}#answer"})

    def asked_before(self, request: web.Request) -> Answer | None:
        """What the form was answered that led to this page, the first time it is shown."""
        return self._kept.pop(request.query.get("answer", ""), None)


class Asks:
    """Takes what buttons and boxes send. Everybody who is logged in is `actor`."""

    def __init__(
        self, messages: Messages, door: Door, actor: Actor, answers: Answers, limits: Limits
    ) -> None:
        self._messages = messages
        self._door = door
        self._actor = actor
        self._answers = answers
        self._limits = limits

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/asks", self._ask),
            web.post("/replies", self._reply),
            web.post("/answers", self._decide),
        ]

    async def _ask(self, request: web.Request) -> web.Response:
        body = await read_body(request, AskBody)
        origin = await self._origin(body.message)
        ask = Ask(
            verb=body.verb,
            target=body.target,
            origin=origin,
            delivery=f"web:{body.delivery}",
            args={"prompt": body.text} if body.text else {},
            zone=body.clocks,
        )
        back = body.back or f"/channels/{origin.channel}"
        return self._answers.give(request, await answered(self._door.ask(ask)), back)

    async def _reply(self, request: web.Request) -> web.Response:
        async with read_form(request, ReplyBody, self._limits) as (body, files):
            origin = await self._origin(body.message)
            ask = Ask(
                verb=REPLY,
                origin=origin,
                delivery=f"web:{body.delivery}",
                args={"prompt": body.text},
                zone=body.clocks,
                files=files,
            )
            answer = await answered(self._door.ask(ask))
        return self._answers.give(request, answer, body.back or f"/channels/{origin.channel}")

    async def _decide(self, request: web.Request) -> web.Response:
        body = await read_body(request, AnswerBody)
        origin = await self._origin(body.message)
        ask = Ask(
            verb=ANSWER,
            target=body.job,
            origin=origin,
            delivery=f"web:{body.delivery}",
            args={QUESTION: body.question, SAYS: body.says, CHOICES: body.choices, "prompt": body.text},
        )
        answer = await answered(self._door.ask(ask))
        return self._answers.give(request, answer, body.back or f"/channels/{origin.channel}")

    async def _origin(self, message_id: str) -> Origin:
        """Where a button was pressed, or a reply written: in the thread of its message."""
        message = await self._messages.message(message_id) if message_id else None
        if message is None:
            return Origin(actor=self._actor, channel="dev")
        return Origin(actor=self._actor, channel=message.channel, thread=message.thread or message.id)


def _picture_of(answer: Answer) -> dict[str, str] | None:
    """The picture of an answer, as a script makes an image of it."""
    if answer.picture is None:
        return None
    return {"src": data_url(answer.picture.content), "alt": answer.picture.title}


async def answered(answer: Awaitable[Answer]) -> Answer:
    """The desk's answer, within bounds. Raises Problem 504 where it takes too long."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await answer
    except TimeoutError:
        raise Problem(
            504, "The desk did not answer in time. Look at `/job list` before you try again."
        ) from None
