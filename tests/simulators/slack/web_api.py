"""The Web API's front door: tokens, scopes, rate limits and faults on demand, before any method runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from tests.simulators.slack import chat, conversations, files, views
from tests.simulators.slack.arguments import ApiError, Args, read_arguments
from tests.simulators.slack.limits import Buckets
from tests.simulators.slack.model import Call
from tests.simulators.slack.reading import Json
from tests.simulators.slack.state import Workspace

Method = Callable[[Workspace, Args], Json]

METHODS: Mapping[str, Method] = {
    **chat.METHODS,
    **conversations.METHODS,
    **files.METHODS,
    **views.METHODS,
}
# Scopes that depend on the kind of channel are checked by the methods themselves.
SCOPES: Mapping[str, str] = {
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "files.completeUploadExternal": "files:write",
    "files.getUploadURLExternal": "files:write",
    "files.info": "files:read",
    "reactions.add": "reactions:write",
    "reactions.remove": "reactions:write",
    "users.info": "users:read",
}


@dataclass(slots=True, kw_only=True)
class Fault:
    """What shall go wrong with the next calls of a method; `method` "*" means any."""

    method: str
    status: int | None
    error: str | None
    retry_after: int | None
    drop: bool
    drop_after_store: bool
    hold_answer: asyncio.Event | None
    times: int

    @property
    def answer(self) -> tuple[int, Json] | None:
        """The status and body to give without running the method, None when it shall run."""
        if self.drop:
            return 0, {}
        if self.retry_after is not None:
            return 429, {"ok": False, "error": "ratelimited"}
        if self.status is not None or self.error is not None:
            return self.status or 200, {"ok": False, "error": self.error or "internal_error"}
        return None


class WebApi:
    """Answers every call to `/api/<method>` and records it."""

    def __init__(self, workspace: Workspace, bot_token: str, app_token: str, connect: Method) -> None:
        self._workspace = workspace
        self._buckets = Buckets(workspace.rules, workspace.clock)
        self._bot_token = bot_token
        self._app_token = app_token
        self._methods = {**METHODS, "apps.connections.open": connect}
        self.token_error: str | None = None
        self.faults: list[Fault] = []
        self._held: list[asyncio.Event] = []

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one call the way Slack does: HTTP 200 for success and for errors of the API."""
        call = Call(method=request.match_info["method"], args={}, at=self._workspace.clock())
        fault = self._next_fault(call.method)
        retry_after: int | None = fault.retry_after if fault else None
        try:
            args = await read_arguments(request)
            call.args = args.given
            if fault is not None and fault.answer is not None:
                call.status, call.answer = fault.answer
            elif wait_s := self._buckets.take(call.method, args.text("channel")):
                call.status, call.answer = 429, {"ok": False, "error": "ratelimited"}
                retry_after = wait_s
            else:
                call.answer = self._run(call.method, self._token(request, args), args)
        except ApiError as error:
            call.answer = error.answer
        self._workspace.calls.append(call)
        if fault is not None and fault.drop_after_store:
            call.status = 0
        self._workspace.changes.notify()
        if fault is not None and fault.hold_answer is not None:
            self._held.append(fault.hold_answer)
            await fault.hold_answer.wait()
        return self._respond(request, call, retry_after)

    def close(self) -> None:
        """Let go of the answers that are still held back."""
        for held in self._held:
            held.set()

    def _run(self, method: str, token: str, args: Args) -> Json:
        if method not in self._methods:
            raise ApiError("unknown_method", req_method=method)
        self._check_token(method, token)
        scope = SCOPES.get(method)
        if scope is not None:
            conversations.need_scope(self._workspace, scope)
        return {"ok": True, **self._methods[method](self._workspace, args)}

    @staticmethod
    def _token(request: web.Request, args: Args) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return token if scheme == "Bearer" else args.text("token")

    def _check_token(self, method: str, token: str) -> None:
        right, wrong = self._bot_token, self._app_token
        if method == "apps.connections.open":
            right, wrong = wrong, right
        if not token:
            raise ApiError("not_authed")
        if token == wrong:
            raise ApiError("not_allowed_token_type")
        if token != right:
            raise ApiError("invalid_auth")
        if self.token_error is not None:
            raise ApiError(self.token_error)

    def _next_fault(self, method: str) -> Fault | None:
        fault = next((fault for fault in self.faults if fault.method in (method, "*")), None)
        if fault is not None:
            fault.times -= 1
            if fault.times == 0:
                self.faults.remove(fault)
        return fault

    def _respond(self, request: web.Request, call: Call, retry_after: int | None) -> web.Response:
        headers = {"x-oauth-scopes": ",".join(sorted(self._workspace.scopes)), "x-slack-req-id": "simulated"}
        if call.status == 429:
            # Whole seconds only: the SDK's own handler fails on a fraction.
            headers["Retry-After"] = str(retry_after or 1)
        if call.status == 0:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        if call.status >= 500:
            return web.Response(status=call.status, text="upstream error", headers=headers)
        return web.Response(
            status=call.status,
            body=json.dumps(call.answer).encode(),
            headers={**headers, "Content-Type": "application/json; charset=utf-8"},
        )
