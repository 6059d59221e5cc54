"""What stands beside the pages: style sheets, scripts and signs, compressed once, asked for once."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_KEPT = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asset:
    content: bytes
    compressed: bytes
    kind: str


class Assets:
    """Serves the files of `static` under an address that changes with any of them.

    The version stands in the folder's name, so that one script finds the next by its plain name.
    """

    def __init__(self) -> None:
        folder = files("bot.web").joinpath("static")
        self._files = {file.name: _asset(file.name, file.read_bytes()) for file in folder.iterdir()}
        whole = hashlib.sha256()
        for name in sorted(self._files):
            whole.update(name.encode() + self._files[name].content)
        self._version = whole.hexdigest()[:12]

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/static/{version}/{name}", self._file)]

    def address(self, name: str) -> str:
        """Where the file `name` is."""
        if name not in self._files:
            raise LookupError(name)
        return f"/static/{self._version}/{name}"

    async def _file(self, request: web.Request) -> web.Response:
        asset = self._files.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        current = request.match_info["version"] == self._version
        headers = {
            "Content-Type": f"{asset.kind}; charset=utf-8",
            "Cache-Control": _KEPT if current else "no-cache",
            "ETag": f'"{self._version}"',
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=asset.content, headers=headers)
        return web.Response(body=asset.compressed, headers=headers | {"Content-Encoding": "gzip"})


def _asset(name: str, content: bytes) -> _Asset:
    kind = _TYPES["." + name.rpartition(".")[2]]
    return _Asset(content=content, compressed=gzip.compress(content, mtime=0), kind=kind)
