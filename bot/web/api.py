"""What programs call: commands, the log of a job as it grows, login links, health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import orjson
from aiohttp import web
from pydantic import BaseModel

from bot.desk.asks import Invocation
from bot.desk.attachments import Limits
from bot.desk.desk import Door
from bot.outages import not_ready
from bot.web.answers import answered
from bot.web.bodies import ApiCommandBody, Fields
from bot.web.endpoints import Call, Endpoint
from bot.web.guard import BEARER
from bot.web.problems import Problem, unavailable
from bot.web.repeats import UNKEPT
from bot.web.shared_reads import SharedReads
from bot.web.sse import Frame, Streams, cursor
from bot.web.uploads import read_form
from executor.events import Event, Moved, encode
from executor.model import Origin
from executor.wakeups import job_topic
from storage import Storage

_FRAMES = 200
_READY_S = 2


class CommandAnswer(BaseModel):
    """What the desk says to a command; `text` is Markdown, `job_id` the job that it is about."""

    ok: bool
    text: str
    job_id: str | None


class After(Fields):
    """Where a stream goes on: after this event. The header `Last-Event-ID` goes first."""

    after: str | None = None


class LoginLink(BaseModel):
    """An address that logs a browser in, once, within 15 minutes."""

    url: str


class Api:
    """Commands, streams and login links, and two addresses that tell everybody whether the bot is well."""

    def __init__(
        self,
        storage: Storage,
        door: Door,
        streams: Streams,
        login_link: Callable[[], str],
        sandbox: str,
        limits: Limits,
    ) -> None:
        self._storage = storage
        self._door = door
        self._streams = streams
        self._login_link = login_link
        self._sandbox = sandbox
        self._limits = limits
        self._shared = SharedReads()

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/live", self._live), web.get("/ready", self._ready)]

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="POST",
                path="/api/commands",
                handler=self._command,
                summary="Do what would be typed after /job.",
                body=ApiCommandBody,
                answer=CommandAnswer,
                scope="run",
            ),
            Endpoint(
                method="GET",
                path="/jobs/{id}/stream",
                handler=self._stream,
                summary="The log of a job as server-sent events: what there is, then what comes.",
                query=After,
                problems=(404,),
            ),
            Endpoint(
                method="POST",
                path="/login-links",
                handler=self._new_login_link,
                summary="A link that logs a browser in as the owner.",
                answer=LoginLink,
                scope="admin",
            ),
        ]

    async def _command(self, call: Call[None, ApiCommandBody]) -> CommandAnswer:
        async with read_form(call.request, ApiCommandBody, self._limits) as (body, files):
            invocation = Invocation(
                text=body.text,
                origin=Origin(actor=call.actor, channel=body.channel),
                delivery=f"{call.caller.key}:{body.delivery}" if body.delivery else call.delivery,
                files=files,
            )
            answer = await answered(self._door.command(invocation))
        if answer.unavailable:
            raise unavailable(answer.text)
        return CommandAnswer(ok=answer.ok, text=answer.text, job_id=answer.job.id if answer.job else None)

    async def _stream(self, call: Call[After, None]) -> web.StreamResponse:
        request, job = call.request, await self._storage.jobs.job(call.path("id"))
        if job is None:
            raise Problem(404, "There is no such job.")
        after = cursor(request)
        if job.status.final and after == job.seq:
            return web.Response(status=204)  # tells an EventSource not to come back

        async def read_after(seq: int) -> Sequence[Frame]:
            return await self._shared.frames((job.id, seq), lambda: self._frames(job.id, seq))

        return await self._streams.serve(
            call.request, job_topic(job.id), read_after, after=after, end=job.seq
        )

    async def _frames(self, job_id: str, seq: int) -> Sequence[Frame]:
        return [_frame(event) for event in await self._storage.jobs.events(job_id, seq, _FRAMES)]

    async def _new_login_link(self, call: Call[None, None]) -> LoginLink:
        call.headers["Cache-Control"] = UNKEPT
        return LoginLink(url=self._login_link())

    async def _live(self, request: web.Request) -> web.Response:
        return web.json_response({"live": True})

    async def _ready(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(_READY_S):
                await self._storage.messages.revision()
        except TimeoutError:
            raise Problem(503, "Not ready.") from None
        fault = self._storage.outage()
        if fault is not None:
            raise unavailable(not_ready(fault))
        # How jobs are held is no business of everybody who can reach the port.
        known = {"sandbox": self._sandbox} if request[BEARER] else {}
        return web.json_response({"ready": True, **known})


def _frame(event: Event) -> Frame:
    kind, fields = encode(event.body)
    ends = isinstance(event.body, Moved) and event.body.status.final
    data = orjson.dumps({"at": event.at, **fields}, option=orjson.OPT_UTC_Z).decode()
    return Frame(id=event.seq, event=kind, data=data, last=ends)
