"""Where agents of running jobs call the bot: a socket in the data directory, and nothing of the network.

A socket needs no address: it works wherever the page is bound, and where none is served. No other machine, no
browser and no other site's page can reach it, and a token of a job that got out is good for nothing there.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.agent.deeds import deed
from bot.agent.passes import Passes
from bot.desk.access import Allow, Deny
from bot.web import endpoints
from bot.web.callers import CALLER, agent_caller
from bot.web.endpoints import Endpoint
from bot.web.guard import BODY_LIMIT, check_body
from bot.web.problems import Problem, answering_problems
from bot.web.repeats import Repeats
from bot.web.tokens import Rate, Throttle
from executor.events import RecordChanged
from executor.model import Job, Origin
from storage import Storage
from storage.hub.authors import RecordRefused

log = logging.getLogger(__name__)

_RATE = Rate(per_s=20.0, burst=600.0)
"""Of one job: 60 changes at once, and then two a second."""
_STOP_S = 0.7
_ENDED = "Your job has ended, or this is not its token: nothing is taken or told on its behalf."
Authorize = Callable[[Origin, str, Job], Awaitable[Allow | Deny]]
"""Whether somebody who is not there may have something, as of now."""


class AgentDoor:
    """Answers while its block runs. Whoever's job it is must still be allowed to have it, at each call."""

    def __init__(
        self,
        path: Path,
        *,
        passes: Passes,
        storage: Storage,
        authorize: Authorize,
        api: Sequence[Endpoint],
    ) -> None:
        self._path = path
        self._passes = passes
        self._storage = storage
        self._authorize = authorize
        self._api = api
        self._throttle = Throttle(_RATE)
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        app = web.Application(
            middlewares=[answering_problems(lambda _, problem: problem.detail), self._guard()],
            client_max_size=BODY_LIMIT,
        )
        app.add_routes(endpoints.routes(self._api, Repeats(self._storage.api), {}))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S, auto_decompress=False)
        self._running.push_async_callback(runner.cleanup)
        self._running.callback(self._path.unlink, missing_ok=True)
        await runner.setup()
        await web.SockSite(runner, _listener(self._path)).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    def _guard(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            job = self._passes.job(request.headers.get("Authorization", ""))
            if job is None:
                raise Problem(401, _ENDED)
            try:
                await self._let_in(request, job)
                response = await handler(request)
            except Problem as problem:
                _note(request, job, problem.status)
                raise
            _note(request, job, response.status)
            await self._tell(request, job, response)
            return response

        return guard

    async def _let_in(self, request: web.Request, job: Job) -> None:
        request[CALLER] = caller = agent_caller(job)
        wait_s = self._throttle.wait_s(caller.key, safe=request.method == "GET")
        if wait_s:
            raise Problem(429, f"Too many calls: the next one is taken in {wait_s} s.")
        if request.match_info.http_exception is not None:
            raise request.match_info.http_exception
        allowed = await self._authorize(job.origin, job.type, job)
        if isinstance(allowed, Deny):
            raise Problem(403, f"Whoever your job is for may not have this any more. {allowed.reason}")
        await check_body(request)

    async def _tell(self, request: web.Request, job: Job, response: web.StreamResponse) -> None:
        """Lets people see, in the job's own log, what its agent has changed."""
        if request.method == "GET" or response.status >= 300 or not isinstance(response, web.Response):
            return
        answer: Any = orjson.loads(response.body) if isinstance(response.body, bytes) else {}
        if said := deed(request.method, request.path, answer):
            try:
                await self._storage.agents.tell(job, RecordChanged(text=said))
            except RecordRefused:
                log.warning("agent.untold", extra={"job_id": job.id, "deed": said})


def _note(request: web.Request, job: Job, status: int) -> None:
    actor = job.origin.actor
    log.info(
        "agent.called",
        extra={
            "job_id": job.id,
            "attempt": job.attempt,
            "owner": f"{actor.platform}:{actor.user_id}",
            "call": f"{request.method} {request.path}",
            "status": status,
        },
    )


def _listener(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)  # of one that was killed: whoever holds the lock of the directory is alone
    listener = socket.socket(socket.AF_UNIX)
    # By its directory: the address of a socket has no room for a long path.
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        listener.bind(f"/proc/self/fd/{directory}/{path.name}")
    except OSError:
        listener.close()
        raise
    finally:
        os.close(directory)
    path.chmod(0o600)
    return listener
