"""Fetches files from a platform's own hosts, and from nowhere else."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urljoin, urlsplit

import aiohttp

from bot.desk.asks import Unfetchable
from executor.parcels import Take

_TIMEOUT = aiohttp.ClientTimeout(total=90, sock_connect=10, sock_read=20)
_PIECE = 64 * 1024
_REDIRECTS = 3
_ELSEWHERE = "it lies with another service, from which I fetch nothing."
_GONE = "it is not there any more."
_LOST = "it could not be fetched just now; send it again."


def origin_of(url: str) -> str:
    """Scheme, host and port, as one that may be named in a list of those that are allowed."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


class Downloads:
    """Fetches from `origins`. `headers`, which may hold a token, go there alone, also after a redirect.

    `locked_out` says, in the end of a sentence, what it means that we are shown a page to log in instead.
    """

    def __init__(
        self, origins: Collection[str], headers: Mapping[str, str] | None = None, locked_out: str = _GONE
    ) -> None:
        self._origins = frozenset(origins)
        # Compressed, a small file could become one that is larger than any disk.
        self._headers = {**(headers or {}), "Accept-Encoding": "identity"}
        self._locked_out = locked_out

    async def fetch(self, url: str, take: Take, *, page: bool = False) -> None:
        """Hands the bytes to `take` as they come. Raises Unfetchable. `page`: the file itself is HTML."""
        try:
            async with aiohttp.ClientSession(timeout=_TIMEOUT, auto_decompress=False) as session:
                for _ in range(_REDIRECTS + 1):
                    onward = await self._get(session, url, take, page)
                    if onward is None:
                        return
                    url = onward
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unfetchable(_LOST) from error
        raise Unfetchable(_LOST)

    async def _get(self, session: aiohttp.ClientSession, url: str, take: Take, page: bool) -> str | None:
        """The address that we are sent on to; None once the file is here."""
        if origin_of(url) not in self._origins:
            raise Unfetchable(_ELSEWHERE)
        async with session.get(url, headers=self._headers, allow_redirects=False) as response:
            if response.status in (301, 302, 303, 307, 308):
                onward = urljoin(url, response.headers.get("Location", ""))
                if origin_of(onward) not in self._origins:
                    raise Unfetchable(self._locked_out)
                return onward
            self._check(response, page)
            async for piece in response.content.iter_chunked(_PIECE):
                await take(piece)
        return None

    def _check(self, response: aiohttp.ClientResponse, page: bool) -> None:
        if response.status in (401, 403):
            raise Unfetchable(self._locked_out)
        if response.status in (404, 410):
            raise Unfetchable(_GONE)
        if response.status != 200 or "Content-Encoding" in response.headers:
            raise Unfetchable(_LOST)
        if response.content_type == "text/html" and not page:
            raise Unfetchable(self._locked_out)
