"""A channel: its page, its live stream, and what people type and press there."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Sequence

from aiohttp import web

from bot.desk.asks import REPLY, Answer, Ask, Invocation
from bot.desk.attachments import Limits
from bot.desk.desk import Door
from bot.web import form
from bot.web.bodies import AskBody, CommandBody, ReplyBody, read_body
from bot.web.markup import to_html
from bot.web.pages import Desk, Pages, View, thread_of, view_of
from bot.web.problems import Problem
from bot.web.sse import Frame, Streams, cursor
from bot.web.uploads import read_form
from executor.model import Actor, Origin
from executor.wakeups import MESSAGES
from storage.hub import Message
from storage.sqlite.messages import Messages

_HEADS = 50
_FRAMES = 20
_KEPT_ANSWERS = 50
_ANSWER_S = 30
_NAME = "{name:[a-z0-9][a-z0-9_-]{0,39}}"


class Channels:
    """The page's own channels. Everybody who is logged in is `actor`."""

    def __init__(
        self,
        messages: Messages,
        door: Door,
        actor: Actor,
        pages: Pages,
        streams: Streams,
        limits: Limits,
    ) -> None:
        self._limits = limits
        self._messages = messages
        self._door = door
        self._actor = actor
        self._pages = pages
        self._streams = streams
        self._answers: OrderedDict[str, Answer] = OrderedDict()

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/", self._home),
            web.get(f"/channels/{_NAME}", self._page),
            web.get(f"/channels/{_NAME}/live", self._live),
            web.post(f"/channels/{_NAME}/commands", self._command),
            web.post(f"/channels/{_NAME}/jobs", self._job),
            web.post("/asks", self._ask),
            web.post("/replies", self._reply),
            web.get("/messages/{id}", self._message),
        ]

    async def _home(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/channels/dev"})

    async def _page(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        # The revision first: what changes while we read comes once more by the stream, and nothing is missed.
        revision = await self._messages.revision()
        threads = await self._threads(name)
        answer = self._answers.pop(request.query.get("answer", ""), None)
        desk = Desk(answer=answer, fields=form.fields(self._door.choices), opened="new" in request.query)
        text = self._pages.channel(name, threads, revision, str(uuid.uuid4()), desk)
        # Under no-referrer a browser posts the form with `Origin: null`, which the guard refuses.
        headers = {"Referrer-Policy": "same-origin"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def _threads(self, name: str) -> Sequence[View]:
        heads = await self._messages.latest(name, _HEADS)
        return [thread_of(head, await self._messages.replies(head.id)) for head in heads]

    async def _message(self, request: web.Request) -> web.Response:
        message = await self._messages.message(request.match_info["id"])
        if message is None:
            raise Problem(404, "There is no such message.")
        return web.Response(text=self._pages.single(view_of(message)), content_type="text/html")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]

        async def read_after(revision: int) -> Sequence[Frame]:
            changed = await self._messages.changed_after(name, revision, _FRAMES)
            return [self._frame(message) for message in changed]

        end = await self._messages.revision()
        return await self._streams.serve(request, MESSAGES, read_after, after=cursor(request), end=end)

    def _frame(self, message: Message) -> Frame:
        return Frame(id=message.revision, data=self._pages.message(view_of(message)))

    async def _command(self, request: web.Request) -> web.Response:
        body = await read_body(request, CommandBody)
        channel = request.match_info["name"]
        if not body.text.strip() and request.content_type != "application/json":
            return web.Response(status=303, headers={"Location": f"/channels/{channel}?new#new"})
        invocation = Invocation(
            text=body.text,
            origin=Origin(actor=self._actor, channel=channel),
            delivery=f"web:{body.delivery}",
            zone=body.clocks,
        )
        return self._answered(request, await answered(self._door.command(invocation)), channel)

    async def _job(self, request: web.Request) -> web.Response:
        channel = request.match_info["name"]
        async with read_form(request, form.JobBody, self._limits) as (body, files):
            verb, args = form.verb_and_args(body)
            ask = Ask(
                verb=verb,
                origin=Origin(actor=self._actor, channel=channel),
                delivery=f"web:{body.delivery}",
                args=args,
                zone=body.clocks,
                files=files,
            )
            answer = await answered(self._door.ask(ask))
        return self._answered(request, answer, channel)

    async def _ask(self, request: web.Request) -> web.Response:
        body = await read_body(request, AskBody)
        origin = await self._origin(body.message)
        ask = Ask(
            verb=body.verb,
            target=body.target,
            origin=origin,
            delivery=f"web:{body.delivery}",
            zone=body.clocks,
        )
        return self._answered(request, await answered(self._door.ask(ask)), origin.channel)

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
        return self._answered(request, answer, origin.channel)

    async def _origin(self, message_id: str) -> Origin:
        """Where a button was pressed, or a reply written: in the thread of its message."""
        message = await self._messages.message(message_id) if message_id else None
        if message is None:
            return Origin(actor=self._actor, channel="dev")
        return Origin(actor=self._actor, channel=message.channel, thread=message.thread or message.id)

    def _answered(self, request: web.Request, answer: Answer, channel: str) -> web.Response:
        """The answer as JSON for the page's script; for a plain form, the way back to the page."""
        if "application/json" in (request.content_type, request.headers.get("Accept")):
            sentence = to_html(answer.text.partition("\n")[0])
            fields = {"ok": answer.ok, "html": to_html(answer.text), "field": answer.field}
            return web.json_response(fields | {"sentence": sentence})
        key = str(uuid.uuid4())
        self._answers[key] = answer
        if len(self._answers) > _KEPT_ANSWERS:
            self._answers.popitem(last=False)
        return web.Response(status=303, headers={"Location": f"/channels/{channel}?answer={key}#answer"})


async def answered(answer: Awaitable[Answer]) -> Answer:
    """The desk's answer, within bounds. Raises Problem 504 where it takes too long."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await answer
    except TimeoutError:
        raise Problem(
            504, "The desk did not answer in time. Look at `/job list` before you try again."
        ) from None
