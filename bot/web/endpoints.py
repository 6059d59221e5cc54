"""The HTTP API as declarations: what an endpoint takes, answers and refuses, and the routes made of that."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, TypeAdapter

from bot.web.bodies import read_body, read_query
from bot.web.callers import CALLER, Caller, Scope
from bot.web.guard import UPLOAD
from bot.web.problems import Problem, wants_page
from executor.model import Actor

_Q = TypeVar("_Q", covariant=True)
_B = TypeVar("_B", covariant=True)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
KEY_HEADER = "Idempotency-Key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[_Q, _B]):
    """A request that was let in, its words checked. `query` and `body` are what the endpoint declares."""

    request: web.Request
    caller: Caller
    query: _Q
    body: _B
    delivery: str
    """Names the request for good: sent again under the same Idempotency-Key, it has the same one. Whatever a
    handler makes should be named by it, so that a repeat after a crash makes nothing twice."""
    headers: dict[str, str] = field(default_factory=dict)
    """What a handler adds to those of its answer."""

    @property
    def actor(self) -> Actor:
        return self.caller.actor

    def path(self, name: str) -> str:
        """The part of the path that the endpoint calls `{name}`."""
        return self.request.match_info[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one path.

    `handler` returns what `answer` says (a model, or a list of them), None for an answer without a body, or
    a response of its own. `problems` are the refusals that it adds to those that all have, and 204 where it
    may also answer without a body.
    """

    method: str
    path: str
    handler: Callable[[Call[Any, Any]], Awaitable[object]]
    summary: str
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    answer: type[BaseModel] | type[list[Any]] | None = None
    status: int = 200
    problems: tuple[int, ...] = ()
    scope: Scope = "read"


class Repeats(Protocol):
    """Remembers what was answered under an Idempotency-Key."""

    async def once(
        self, request: web.Request, caller: Caller, key: str, answer: Callable[[], Awaitable[web.Response]]
    ) -> web.Response:
        """The answer that was given under `key` before, else a new one. Raises Problem 409, 422."""


def routes(
    endpoints: Sequence[Endpoint], repeats: Repeats, pages: Mapping[str, Handler]
) -> list[web.RouteDef]:
    """A route per endpoint. A browser that asks for one of the paths in `pages` gets that page instead."""
    read = {endpoint.path for endpoint in endpoints if endpoint.method == "GET"}
    alone = [web.get(path, page) for path, page in pages.items() if path not in read]
    return alone + [
        (web.get if endpoint.method == "GET" else _adder(endpoint.method))(
            endpoint.path, _handler(endpoint, repeats, pages.get(endpoint.path))
        )
        for endpoint in endpoints
    ]


def scopes(endpoints: Sequence[Endpoint]) -> Mapping[tuple[str, str], Scope]:
    """The scope that is needed, by method and path."""
    return {(endpoint.method, endpoint.path): endpoint.scope for endpoint in endpoints}


def _adder(method: str) -> Callable[[str, Handler], web.RouteDef]:
    return lambda path, handler: web.route(method, path, handler)


def _handler(endpoint: Endpoint, repeats: Repeats, page: Handler | None) -> Handler:
    shape: Any = endpoint.answer
    adapter = TypeAdapter[Any](shape) if shape is not None else None

    async def handle(request: web.Request) -> web.StreamResponse:
        if page is not None and request.method in ("GET", "HEAD") and wants_page(request):
            return await page(request)
        call, key = await _call(endpoint, request)

        async def answer() -> Any:
            return _response(call, endpoint, adapter, await endpoint.handler(call))

        if not key or request.content_type == UPLOAD:
            return await answer()  # type: ignore[no-any-return]
        return await repeats.once(request, call.caller, key, answer)

    return handle


async def _call(endpoint: Endpoint, request: web.Request) -> tuple[Call[Any, Any], str]:
    caller, key = request[CALLER], _key(request)
    call = Call(
        request=request,
        caller=caller,
        query=read_query(request, endpoint.query),
        body=await _body(endpoint, request),
        delivery=f"api:{caller.key}:{key}" if key else f"api:{uuid.uuid4()}",
    )
    return call, key


def _key(request: web.Request) -> str:
    """The Idempotency-Key; reading and deleting need none. Raises Problem 400."""
    key = request.headers.get(KEY_HEADER, "")
    if key and not _KEY.fullmatch(key):
        raise Problem(400, f"`{KEY_HEADER}` is 1 to 200 visible ASCII characters.", field=KEY_HEADER)
    return key if request.method == "POST" else ""


async def _body(endpoint: Endpoint, request: web.Request) -> BaseModel | None:
    if endpoint.body is None:
        return None
    if request.content_type == UPLOAD:
        return None  # its handler reads it, a file at a time
    if request.body_exists and request.content_type != "application/json":
        raise Problem(415, "Send JSON, with `Content-Type: application/json`.")
    return await read_body(request, endpoint.body)


def _response(
    call: Call[Any, Any], endpoint: Endpoint, adapter: TypeAdapter[Any] | None, answer: object
) -> web.StreamResponse:
    if isinstance(answer, web.StreamResponse):
        return answer
    if adapter is None:
        return web.Response(status=204, headers=call.headers)
    return web.Response(
        body=adapter.dump_json(answer),
        status=endpoint.status,
        content_type="application/json",
        headers=call.headers,
    )
