"""What programs call: commands, the log of a job as it grows, login links, health."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence

import orjson
from aiohttp import web

from bot.desk.asks import Invocation
from bot.desk.attachments import Limits
from bot.desk.desk import Door
from bot.outages import not_ready
from bot.web.asks import answered
from bot.web.bodies import ApiCommandBody
from bot.web.guard import BEARER
from bot.web.problems import Problem, unavailable
from bot.web.sse import Frame, Streams, cursor
from bot.web.uploads import read_form
from executor.events import Event, Moved, encode
from executor.model import Actor, Origin
from executor.wakeups import job_topic
from storage import Storage

_FRAMES = 200
_READY_S = 2


class Api:
    """The HTTP API. Who holds the token is `actor`."""

    def __init__(
        self,
        storage: Storage,
        door: Door,
        actor: Actor,
        streams: Streams,
        login_link: Callable[[], str],
        sandbox: str,
        limits: Limits,
    ) -> None:
        self._storage = storage
        self._door = door
        self._actor = actor
        self._streams = streams
        self._login_link = login_link
        self._sandbox = sandbox
        self._limits = limits

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/api/commands", self._command),
            web.get("/jobs/{id}/stream", self._stream),
            web.post("/login-links", self._new_login_link),
            web.get("/live", self._live),
            web.get("/ready", self._ready),
        ]

    async def _command(self, request: web.Request) -> web.Response:
        async with read_form(request, ApiCommandBody, self._limits) as (body, files):
            invocation = Invocation(
                text=body.text,
                origin=Origin(actor=self._actor, channel=body.channel),
                delivery=f"api:{body.delivery or uuid.uuid4()}",
                files=files,
            )
            answer = await answered(self._door.command(invocation))
        if answer.unavailable:
            raise unavailable(answer.text)
        job_id = answer.job.id if answer.job else None
        return web.json_response({"ok": answer.ok, "text": answer.text, "job_id": job_id})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        job = await self._storage.jobs.job(request.match_info["id"])
        if job is None:
            raise Problem(404, "There is no such job.")
        after = cursor(request)
        if job.status.final and after == job.seq:
            return web.Response(status=204)  # tells an EventSource not to come back

        async def read_after(seq: int) -> Sequence[Frame]:
            return [_frame(event) for event in await self._storage.jobs.events(job.id, seq, _FRAMES)]

        return await self._streams.serve(request, job_topic(job.id), read_after, after=after, end=job.seq)

    async def _new_login_link(self, request: web.Request) -> web.Response:
        return web.json_response({"url": self._login_link()})

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
    return Frame(id=event.seq, event=kind, data=orjson.dumps(fields).decode(), last=ends)
