"""The REST API: who may call, how often, what goes wrong on the way; the routes are plain functions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import BodyPartReader, web

from tests.simulators.discord import commands, interactions, messages, payloads
from tests.simulators.discord.errors import ApiError, Json
from tests.simulators.discord.gateway import CONTENT, Gateway
from tests.simulators.discord.messages import Answer, Handler, Request
from tests.simulators.discord.model import Call
from tests.simulators.discord.rates import Buckets, Verdict
from tests.simulators.discord.state import Guild

_MOST_BYTES = 25 * 1024 * 1024
_CONTENT_LIMITED = 1 << 19
"""The flag of an application that is switched on for Message Content Intent and is not verified."""

ROUTES: Mapping[str, Handler] = {
    "POST /channels/{channel}/messages": messages.send,
    "GET /channels/{channel}/messages": messages.read_all,
    "GET /channels/{channel}/messages/{message}": messages.read,
    "PATCH /channels/{channel}/messages/{message}": messages.edit,
    "DELETE /channels/{channel}/messages/{message}": messages.delete,
    "PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me": messages.react,
    "GET /guilds/{guild}/members/{user}": messages.read_member,
    "POST /channels/{channel}/messages/{message}/threads": messages.start_thread,
    "POST /users/@me/channels": messages.open_direct,
    "GET /channels/{channel}": messages.read_channel,
    "GET /users/@me/guilds": commands.read_guilds,
    "PATCH /channels/{channel}": messages.change_channel,
    "PUT /applications/{app}/commands": commands.overwrite,
    "GET /applications/{app}/commands": commands.read,
    "PUT /applications/{app}/guilds/{guild}/commands": commands.overwrite,
    "GET /applications/{app}/guilds/{guild}/commands": commands.read,
}
OPEN_ROUTES: Mapping[str, Handler] = {
    "POST /interactions/{interaction}/{token}/callback": interactions.respond,
    "POST /webhooks/{app}/{token}": interactions.follow_up,
    "GET /webhooks/{app}/{token}/messages/@original": interactions.read_original,
    "PATCH /webhooks/{app}/{token}/messages/@original": interactions.edit_original,
    "DELETE /webhooks/{app}/{token}/messages/@original": interactions.delete_original,
}
"""Those whose path holds a token; they are not counted against the bot's own limit."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """What shall go wrong with the next calls of a route (any where it is empty)."""

    route: str
    status: int | None = None
    code: int = 0
    retry_after: float | None = None
    via: bool = True
    drop: bool = False
    drop_after_store: bool = False
    hold_answer: asyncio.Event | None = None
    times: int = 1


class Rest:
    """Serves the routes."""

    def __init__(self, guild: Guild, gateway: Gateway, token: str) -> None:
        self._guild = guild
        self._gateway = gateway
        self._token = token
        self._buckets = Buckets(guild.rules, guild.clock)
        self.faults: list[Fault] = []
        self.token_refused = False

    def add_to(self, app: web.Application, prefix: str) -> None:
        """Makes the routes known to the server."""
        own: Mapping[str, Handler] = {
            "GET /users/@me": self._me,
            "GET /oauth2/applications/@me": self._application,
            "GET /applications/@me": self._application,
            "GET /gateway/bot": self._where,
        }
        for route, handler in (*own.items(), *ROUTES.items()):
            self._add(app, prefix, route, handler, needs_token=True)
        for route, handler in OPEN_ROUTES.items():
            self._add(app, prefix, route, handler, needs_token=False)

    def _add(
        self, app: web.Application, prefix: str, route: str, handler: Handler, *, needs_token: bool
    ) -> None:
        method, path = route.split(" ", 1)

        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, route, handler, needs_token=needs_token)

        app.router.add_route(method, prefix + path, serve)

    async def _serve(
        self, request: web.Request, route: str, handler: Handler, *, needs_token: bool
    ) -> web.StreamResponse:
        asked = await _read(request)
        call = Call(route=route, path=request.path, body=asked.body, at=self._guild.clock())
        self._guild.calls.append(call)
        fault = self._fault(route)
        if fault is not None and fault.drop:
            return _drop(request, call)
        headers: dict[str, str] = {}
        try:
            if fault is not None:
                _fail(fault)
            if needs_token:
                self._check_token(request)
            verdict = self._take(route, request, needs_token)
            headers |= verdict.headers
            status, body = _too_fast(verdict) if verdict.wait_s else await handler(self._guild, asked)
        except ApiError as error:
            status, body, call.code = error.status, error.body, error.code
            headers |= _retry_headers(error)
        if status == 429 and (fault is None or fault.via):
            headers["Via"] = "1.1 google"
        if fault is not None and fault.hold_answer is not None:
            await fault.hold_answer.wait()
        if fault is not None and fault.drop_after_store:
            return _drop(request, call)
        call.status, call.headers = status, headers
        self._guild.changes.notify()
        return _answer(status, body, headers)

    def _fault(self, route: str) -> Fault | None:
        for fault in self.faults:
            if fault.route in route:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _check_token(self, request: web.Request) -> None:
        if self.token_refused or request.headers.get("Authorization") != f"Bot {self._token}":
            raise ApiError(0)
        if "DiscordBot" not in request.headers.get("User-Agent", ""):
            raise ApiError(40333, status=403, text="internal network error")

    def _take(self, route: str, request: web.Request, needs_token: bool) -> Verdict:
        major = request.match_info
        key = major.get("channel") or major.get("guild") or major.get("token") or ""
        return self._buckets.take(route, key, counts_globally=needs_token)

    async def _me(self, guild: Guild, request: Request) -> Answer:
        return 200, payloads.user(guild.bot_id, guild.bot_name, bot=True)

    async def _application(self, guild: Guild, request: Request) -> Answer:
        return 200, {
            "id": guild.app_id,
            "name": guild.bot_name,
            "description": "",
            "icon": None,
            "summary": "",
            "bot_public": False,
            "bot_require_code_grant": False,
            "verify_key": "0" * 64,
            "flags": _CONTENT_LIMITED if self._gateway.allowed_privileged & CONTENT else 0,
            "owner": payloads.user("1", "Owner"),
            "team": None,
        }

    async def _where(self, guild: Guild, request: Request) -> Answer:
        gateway = self._gateway
        return 200, {
            "url": f"{guild.origin.replace('http:', 'ws:')}/gateway",
            "shards": 1,
            "session_start_limit": {
                "total": 1_000,
                "remaining": max(0, gateway.identifies_left),
                "reset_after": int(gateway.identify_again_s * 1000),
                "max_concurrency": 1,
            },
        }


async def _read(request: web.Request) -> Request:
    params = dict(request.match_info)
    query = dict(request.query)
    if request.content_type.startswith("multipart/"):
        body, files = await _read_parts(request)
        return Request(params=params, query=query, body=body, files=files)
    raw = await request.read()
    body = json.loads(raw) if raw else {}
    return Request(params=params, query=query, body={"list": body} if isinstance(body, list) else body)


async def _read_parts(request: web.Request) -> tuple[Json, list[tuple[str, bytes]]]:
    body: Json = {}
    files = []
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        content = bytes(await part.read())
        if part.name == "payload_json":
            body = json.loads(content)
        else:
            files.append((part.filename or "unknown", content))
    return body, files


def _fail(fault: Fault) -> None:
    if fault.retry_after is not None:
        raise ApiError(fault.code, status=429, text="You are being rate limited.", retry_s=fault.retry_after)
    if fault.status is not None or fault.code:
        raise ApiError(fault.code, status=fault.status or 0)


def _too_fast(verdict: Verdict) -> tuple[int, Json]:
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(verdict.wait_s, 3),
        "global": verdict.whole_bot,
    }
    return 429, body


def _retry_headers(error: ApiError) -> dict[str, str]:
    if error.status != 429:
        return {}
    return {"Retry-After": str(int(error.retry_s) + 1), "X-RateLimit-Scope": "user"}


def _answer(status: int, body: object, headers: Mapping[str, str]) -> web.Response:
    if status == 204:
        return web.Response(status=204, headers=headers)
    # Exactly this type: discord.py compares the string, and a charset makes it read text.
    return web.Response(
        status=status,
        body=json.dumps(body).encode(),
        headers={**headers, "Content-Type": "application/json"},
    )


def _drop(request: web.Request, call: Call) -> web.StreamResponse:
    call.status = 0
    assert request.transport is not None
    request.transport.abort()
    return web.Response(status=500)
