"""A channel: its page, its live stream, and what people type there."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from aiohttp import web

from bot.desk.asks import Invocation
from bot.desk.commands import COMMANDS, JOB_COMMANDS, Takes
from bot.web import form
from bot.web.answers import answered
from bot.web.bodies import CommandBody, read_body
from bot.web.pages.messages import thread_of, view_of
from bot.web.pages.parts import Parts
from bot.web.pages.rooms import Elsewhere, Room, Rooms
from bot.web.problems import Problem
from bot.web.sse import Frame, cursor
from bot.web.uploads import read_form
from executor.model import Origin
from executor.wakeups import MESSAGES
from storage.hub import Message

_HEADS = 50
_FRAMES = 20
_NAME = "{name:[a-z0-9][a-z0-9_-]{0,39}}"


class Channels:
    """The page's own channels. Everybody who is logged in is `actor`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._messages = parts.storage.messages
        self._rooms = Rooms(parts.storage)

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/", self._home),
            web.get("/channels", self._list),
            web.get(f"/channels/{_NAME}", self._page),
            web.get(f"/channels/{_NAME}/live", self._live),
            web.post(f"/channels/{_NAME}/commands", self._command),
            web.post(f"/channels/{_NAME}/jobs", self._job),
            web.get("/messages/{id}", self._message),
        ]

    async def _home(self, request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/channels/dev"})

    async def _list(self, request: web.Request) -> web.Response:
        rows = [self._parts.row(job) for job in await self._rooms.jobs()]
        return self._parts.templates.page("channels.html", entries=await self._rooms.entries(), rows=rows)

    async def _page(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        try:
            room = await self._rooms.room(name)
        except Elsewhere as elsewhere:
            return web.Response(status=302, headers={"Location": elsewhere.address})
        # The revision first: what changes while we read comes once more by the stream, and nothing is missed.
        revision = await self._messages.revision()
        heads = await self._rooms.heads(room, _HEADS)
        await self._rooms.read(room, heads)
        return self._parts.page(
            request,
            "channel.html",
            name=name,
            job=room.job,
            others=[each for each in await self._rooms.entries() if each.name != name],
            revision=revision,
            threads=[thread_of(head, await self._messages.replies(head.id)) for head in heads],
            delivery=str(uuid.uuid4()),
            fields=form.fields(self._parts.choices),
            opened="new" in request.query,
            hints=list(_hints()),
            example=JOB_COMMANDS[0].example,
            types=form.types(),
        )

    async def _message(self, request: web.Request) -> web.Response:
        message = await self._messages.message(request.match_info["id"])
        if message is None:
            raise Problem(404, "There is no such message.")
        return self._parts.templates.page("single.html", view=view_of(message))

    async def _live(self, request: web.Request) -> web.StreamResponse:
        room = await self._place(request)
        looked_at = 0

        async def read_after(revision: int) -> Sequence[Frame]:
            nonlocal looked_at
            looked_at = max(looked_at, revision)
            while changed := await self._messages.changed_after(room.channel, looked_at, _FRAMES):
                frames = [self._frame(message) for message in changed if room.has(message)]
                looked_at = changed[-1].revision
                if frames:
                    return frames
            return ()

        end = await self._messages.revision()
        return await self._parts.streams.serve(request, MESSAGES, read_after, after=cursor(request), end=end)

    async def _place(self, request: web.Request) -> Room:
        """Where something is said, or watched. Raises Problem."""
        try:
            return await self._rooms.room(request.match_info["name"])
        except Elsewhere:
            raise Problem(404, "There is no such channel.") from None

    def _origin(self, room: Room) -> Origin:
        return Origin(actor=self._parts.actor, channel=room.channel, thread=room.thread)

    def _frame(self, message: Message) -> Frame:
        text = self._parts.templates.render("message.html", view=view_of(message))
        return Frame(id=message.revision, data=text)

    async def _command(self, request: web.Request) -> web.Response:
        body = await read_body(request, CommandBody)
        channel, room = request.match_info["name"], await self._place(request)
        if not body.text.strip() and request.content_type != "application/json":
            return web.Response(status=303, headers={"Location": f"/channels/{channel}?new#new"})
        invocation = Invocation(
            text=body.text,
            origin=self._origin(room),
            delivery=f"web:{body.delivery}",
            zone=body.clocks,
        )
        answer = await answered(self._parts.door.command(invocation))
        return self._parts.answers.give(request, answer, f"/channels/{channel}")

    async def _job(self, request: web.Request) -> web.Response:
        channel, room = request.match_info["name"], await self._place(request)
        async with read_form(request, form.JobBody, self._parts.limits) as (body, files):
            verb, args = form.verb_and_args(body)
            answer = await self._parts.asked(body, verb, args, origin=self._origin(room), files=files)
        return self._parts.answers.give(request, answer, f"/channels/{channel}")


def _hints() -> Iterator[dict[str, str]]:
    """What the command box offers, out of the command table."""
    for command in COMMANDS:
        fill = f"/job {command.verb}" + (
            "" if command.takes in (Takes.NOTHING, Takes.VERB, Takes.SETTING) else " "
        )
        yield {"verb": command.verb, "fill": fill, "usage": command.usage, "summary": command.summary}
