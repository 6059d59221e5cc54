"""Reports and attached files: made by jobs, so hostile, and served so that they can do nothing."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import quote

from aiohttp import web

from bot.web.problems import Problem
from executor.reports import OWN_PAGE, PAGE, SOURCE
from executor.untrusted import read_under
from storage import Storage

POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""No script, no cookie, no request, an opaque origin. Our report template needs nothing more."""
OWN_POLICY = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; connect-src 'none'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
"""For pages that agents wrote: their scripts run, so that charts work, in the same opaque origin."""
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
_SLUG = re.compile(r"[A-Za-z0-9_-]{1,200}")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}


class Documents:
    """Serves reports to whoever knows the slug, and files to whoever is logged in."""

    def __init__(self, storage: Storage, *, reports: Path, files: Path) -> None:
        self._storage = storage
        self._reports = reports
        self._files = files

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/reports/{slug}", self._to_folder),
            web.get("/reports/{slug}/", self._page),
            web.get("/reports/{slug}/report.md", self._source),
            web.get("/messages/{id}/files/{name}", self._file),
        ]

    async def _to_folder(self, request: web.Request) -> web.Response:
        await self._report(request, PAGE)
        return web.Response(status=308, headers={"Location": f"{request.rel_url.raw_path}/"})

    async def _page(self, request: web.Request) -> web.Response:
        own = await self._content(request, OWN_PAGE)
        if own is None:
            return _document(await self._report(request, PAGE), ".html")
        response = _document(own, ".html")
        response.headers["Content-Security-Policy"] = OWN_POLICY
        return response

    async def _source(self, request: web.Request) -> web.Response:
        return _document(await self._report(request, SOURCE), ".md")

    async def _report(self, request: web.Request, name: str) -> bytes:
        content = await self._content(request, name)
        if content is None:
            raise Problem(404, "There is no such report.")
        return content

    async def _content(self, request: web.Request, name: str) -> bytes | None:
        slug = request.match_info["slug"]
        known = await self._storage.reports.by_slug(slug) if _SLUG.fullmatch(slug) else None
        if known is None:
            return None
        return await asyncio.to_thread(read_under, self._reports, known.slug, name)

    async def _file(self, request: web.Request) -> web.Response:
        message = await self._storage.messages.message(request.match_info["id"])
        name = str(message.metadata["file"]["name"]) if message and "file" in message.metadata else ""
        content = None
        if message is not None and name == request.match_info["name"]:
            content = await asyncio.to_thread(read_under, self._files, message.id, name)
        if content is None:
            raise Problem(404, "There is no such file.")
        return _document(content, Path(name).suffix, attachment=name)


def _document(content: bytes, suffix: str, attachment: str = "") -> web.Response:
    headers = HEADERS | {"Content-Type": _TYPES.get(suffix, "application/octet-stream")}
    if attachment and suffix != ".html":
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(attachment, safe='')}"
    return web.Response(body=content, headers=headers)
