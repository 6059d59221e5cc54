"""Serves the description of the HTTP API: for programs, and as a page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import orjson
from aiohttp import web

from bot.web.endpoints import Call, Endpoint
from bot.web.openapi import describe
from bot.web.templates import Templates


class Description:
    """Of `endpoints` and its own. Made when it is first asked for: that takes as long as a whole start."""

    def __init__(self, endpoints: Sequence[Endpoint], templates: Templates) -> None:
        self._endpoints = endpoints
        self._templates = templates

    @cached_property
    def _document(self) -> dict[str, Any]:
        return describe([*self._endpoints, *self.endpoints()])

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
        body = await asyncio.to_thread(lambda: orjson.dumps(self._document))
        return web.Response(body=body, content_type="application/json")

    async def _show(self, call: Call[None, None]) -> web.Response:
        document = await asyncio.to_thread(lambda: self._document)
        return self._templates.page("api.html", api=document)
