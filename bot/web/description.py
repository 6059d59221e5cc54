"""Serves the description of the HTTP API: for programs, and as a page."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from aiohttp import web

from bot.web.endpoints import Call, Endpoint
from bot.web.openapi import describe
from bot.web.templates import Templates


class Description:
    """Of `endpoints` and its own."""

    def __init__(self, endpoints: Sequence[Endpoint], templates: Templates) -> None:
        self._document = describe([*endpoints, *self.endpoints()])
        self._json = orjson.dumps(self._document)
        self._templates = templates

    def endpoints(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET",
                path="/openapi.json",
                handler=self._describe,
                summary="This description, as OpenAPI 3.1.",
            ),
            Endpoint(method="GET", path="/docs", handler=self._show, summary="This description, as a page."),
        ]

    async def _describe(self, call: Call[None, None]) -> web.Response:
        return web.Response(body=self._json, content_type="application/json")

    async def _show(self, call: Call[None, None]) -> web.Response:
        return self._templates.page("api.html", api=self._document)
