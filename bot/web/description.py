"""Serves the description of the HTTP API: for programs, and as a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web

from bot.web.endpoints import Call, Endpoint
from bot.web.openapi import describe


class Description:
    """Of `endpoints` and its own; `page` makes the page of the document."""

    def __init__(self, endpoints: Sequence[Endpoint], page: Callable[[Mapping[str, Any]], str]) -> None:
        self._document = describe([*endpoints, *self.endpoints()])
        self._json = orjson.dumps(self._document)
        self._page = page

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
        return web.Response(text=self._page(self._document), content_type="text/html")
