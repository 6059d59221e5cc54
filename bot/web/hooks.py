"""The paths at which platforms call us: bytes in, bytes out; the platform's adapter finds out who it is."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.platforms.hooks import Hook


def routes(hooks: Mapping[str, Hook]) -> list[web.RouteDef]:
    """A route for each hook, by path."""
    return [web.post(path, _handler(hook)) for path, hook in hooks.items()]


def _handler(hook: Hook) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        answer = await hook(request.headers, await request.read())
        return web.Response(status=answer.status, body=answer.body.encode(), headers=answer.headers)

    return handle
