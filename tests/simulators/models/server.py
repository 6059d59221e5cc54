"""The server: who asks, which scenario, and the answer on the wire at its pace."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol, Self, TypeVar

from aiohttp import web

from tests.simulators.models import anthropic, environments, gemini, openai
from tests.simulators.models.request import JsonObject, Provider, Request
from tests.simulators.models.scenarios import SCENES, Refusal, Reply, Scene
from tests.simulators.models.sse import Frame

T = TypeVar("T")

_BROKEN_AFTER = 3  # deltas that a stream sends before it is cut or fails


class Api(Protocol):
    """One provider's way to read a request and to write an answer."""

    PROVIDER: Provider
    SCENES: Mapping[str, Scene]

    def read(self, body: JsonObject, path: str) -> Request: ...
    def error(self, status: int, message: str) -> Refusal: ...
    def overloaded(self) -> bytes: ...
    def whole(self, reply: Reply, request: Request) -> JsonObject: ...
    def stream(self, reply: Reply, request: Request) -> Iterator[Frame]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds that every answer takes, beside what its scenario asks for."""

    first_byte_s: float = 0
    between_chunks_s: float = 0


class ModelSimulator:
    """Three model APIs on one loopback port; `requests` is what the CLIs asked, oldest first.

    `strays` are the calls it has no answer for ("GET /v1/models"); `latency` may be changed at any time.
    Scenarios that are put into `lifted` are over: they are a plain hello.
    """

    def __init__(self, *, latency: Latency | None = None) -> None:
        self.latency = latency or Latency()
        self.requests: list[Request] = []
        self.strays: list[str] = []
        self.lifted: set[str] = set()
        self.url = ""
        self._seen: Counter[tuple[Provider, str, str]] = Counter()
        self._changed = asyncio.Condition()
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=0.2)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def until(
        self,
        condition: Callable[[], T],
        *,
        timeout: float = 10,  # noqa: ASYNC109 (the bound belongs to the promise: its end names what was missing)
        what: str = "the condition",
    ) -> T:
        """Wait, woken by every request, until the condition gives something true; return that.

        After `timeout` seconds: AssertionError with `what` was awaited and all that was asked.
        """
        try:
            async with asyncio.timeout(timeout), self._changed:
                return await self._changed.wait_for(condition)
        except TimeoutError:
            asked = "\n".join(map(repr, self.requests)) or "nothing"
            raise AssertionError(f"{what}: not within {timeout} s; the model was asked:\n{asked}") from None

    def claude_env(self, home: Path, *, oauth: bool = False) -> dict[str, str]:
        """What makes Claude Code talk to this server, from a configuration of its own under `home`."""
        return environments.claude(self.url, home, oauth=oauth)

    def gemini_env(self, home: Path) -> dict[str, str]:
        """What makes Gemini CLI talk to this server; writes its settings under `home`."""
        return environments.gemini(self.url, home)

    def codex_env(self, home: Path) -> dict[str, str]:
        """What makes Codex talk to this server; writes its configuration under `home`."""
        return environments.codex(self.url, home)

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        models = "/{version:v1beta|v1alpha}/models/{model}"
        app.router.add_head("/", partial(_say, {}))
        app.router.add_post("/v1/messages", partial(self._answer, anthropic))
        app.router.add_post("/v1/messages/count_tokens", partial(_say, {"input_tokens": 100}))
        app.router.add_post(f"{models}:streamGenerateContent", partial(self._answer, gemini))
        app.router.add_post(f"{models}:generateContent", partial(self._answer, gemini))
        app.router.add_post(f"{models}:countTokens", partial(_say, {"totalTokens": 100}))
        app.router.add_post("/v1/responses", partial(self._answer, openai))
        app.router.add_route("*", "/{anything:.*}", self._stray)
        return app

    async def _stray(self, http: web.Request) -> web.Response:
        self.strays.append(f"{http.method} {http.path}")
        return web.json_response({}, status=404)

    async def _answer(self, api: Api, http: web.Request) -> web.StreamResponse:
        request = replace(
            api.read(json.loads(await http.read()), http.path), credential=_credential(http), at=time.time()
        )
        answer = self._play(api, request)
        await self._log(request)
        if isinstance(answer, Refusal):
            await asyncio.sleep(self.latency.first_byte_s)
            return web.json_response(answer.body, status=answer.status, headers=answer.headers)
        await asyncio.sleep(max(answer.first_byte_s, self.latency.first_byte_s))
        if not request.stream:
            return web.json_response(api.whole(answer, request), headers=answer.headers)
        return await self._stream(api, answer, request, http)

    async def _log(self, request: Request) -> None:
        async with self._changed:
            self.requests.append(request)
            self._changed.notify_all()

    def _play(self, api: Api, request: Request) -> Reply | Refusal:
        if request.credential is None:
            return api.SCENES["e401"](request)
        if request.model.startswith("nonexist"):
            return api.SCENES["e404"](request)
        name = self._name(request)
        scene = {**SCENES, **api.SCENES}.get(name)
        if scene is None:
            return api.error(400, f"The simulator knows no scenario {name!r} for {api.PROVIDER}.")
        return scene(request)

    def _name(self, request: Request) -> str:
        """The scenario. A `…_later` marker names what comes once a tool was used, amid the work."""
        name = request.scenario
        if name.endswith("_once"):
            name = self._once(request)
        elif name.endswith("_later"):
            name = name.removesuffix("_later")
            if name not in self.lifted and not request.tool_results:
                return "report"
        return "hello" if name in self.lifted else name

    def _once(self, request: Request) -> str:
        """The scenario of a `…_once` marker: what it names for the first time, a plain hello ever after."""
        if request.wants_json:
            return "hello"
        marker = (request.provider, request.scenario, request.argument)
        self._seen[marker] += 1
        return request.scenario.removesuffix("_once") if self._seen[marker] == 1 else "hello"

    async def _stream(
        self, api: Api, reply: Reply, request: Request, http: web.Request
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream", **reply.headers})
        await response.prepare(http)
        pause_s = max(reply.between_chunks_s, self.latency.between_chunks_s)
        deltas = 0
        for frame in api.stream(reply, request):
            if frame.is_delta and deltas:
                await asyncio.sleep(pause_s)
            deltas += frame.is_delta
            if deltas > _BROKEN_AFTER and reply.ending == "cut":
                _hang_up(http)
                return response
            if deltas > _BROKEN_AFTER and reply.ending == "overloaded":
                await response.write(api.overloaded())
                return response
            await response.write(frame.payload)
        return response


async def _say(body: JsonObject, _: web.Request) -> web.Response:
    return web.json_response(body)


def _hang_up(http: web.Request) -> None:
    if http.transport is not None:
        http.transport.close()


def _credential(http: web.Request) -> str | None:
    """The header that carried the key and the key's last four characters."""
    for header in ("x-api-key", "x-goog-api-key", "authorization"):
        if value := http.headers.get(header):
            return f"{header} …{value[-4:]}"
    return None
