"""Decides whether a request gets in at all, before any handler sees it."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.web.logins import Logins
from bot.web.problems import Problem

BODY_LIMIT = 1024 * 1024
_BODY_S = 10
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_PUBLIC = {
    *("/live", "/ready", "/login/{code}", "/static/{version}/{name}"),
    *("/reports/{slug}", "/reports/{slug}/", "/reports/{slug}/report.md"),
}
"""Routes that need no login; by route, not by path, so that no odd spelling of a path is among them."""
_TOKEN_ONLY = {"/api/commands", "/login-links"}
BEARER = web.RequestKey("bearer", bool)
"""Whether a request came with the token: from a program that may know everything."""
_FORM = "application/x-www-form-urlencoded"
UPLOAD = "multipart/form-data"
_UPLOADS = {"/channels/{name}/jobs", "/replies", "/api/commands"}
"""Routes that take files, and look at their size themselves."""
LOG_IN = (
    "You are not logged in here. Run `bifrost login` on the machine where the bot runs: "
    "it prints a link that opens this page, once, within 15 minutes."
)
HOW_TO_CALL = "Send the API token with the request: `Authorization: Bearer …`."


@dataclass(frozen=True, slots=True)
class Address:
    """The names that the server answers to; any other one is somebody's DNS pointing at us."""

    hosts: frozenset[str]
    origins: frozenset[str]

    @classmethod
    def of(cls, port: int, url: str) -> Address:
        """Loopback on the bound port, and the address that people use."""
        hosts = {f"{host}:{port}" for host in ("127.0.0.1", "localhost", "[::1]")}
        origins = {f"http://{host}" for host in hosts}
        public = urlsplit(url.lower())
        default = {"http": ":80", "https": ":443"}.get(public.scheme, "")
        host = public.netloc.removesuffix(default)  # as browsers write it
        return cls(frozenset(hosts | {host}), frozenset(origins | {f"{public.scheme}://{host}"}))


class Guard:
    """Checks in this order: host 421, login 401, origin 403, content 415, size 413.

    The paths in `hooks` are for platforms, which sign what they send: the hook itself finds out who it is.
    """

    def __init__(self, address: Address, logins: Logins, api_token: str, hooks: Collection[str] = ()) -> None:
        self._address = address
        self._hooks = frozenset(hooks)
        self._logins = logins
        self._token = api_token.encode()

    def middleware(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._check_host(request)
            if _route_of(request) in self._hooks:
                _check_encoding(request)
                await _check_body(request)
                return await handler(request)
            request[BEARER] = bearer = self._has_token(request)
            if not bearer:
                await self._check_login(request)
            if request.match_info.http_exception is not None:
                raise request.match_info.http_exception
            if request.method not in _SAFE_METHODS:
                self._check_origin(request, bearer)
                uploads = request.content_type == UPLOAD and _route_of(request) in _UPLOADS
                _check_content(request, bearer, uploads=uploads)
                if not uploads:
                    await _check_body(request)
            return await handler(request)

        return guard

    def _check_host(self, request: web.Request) -> None:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._address.hosts:
            raise Problem(421, "This server does not answer under that host name.")

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        given = token.strip().encode(errors="surrogateescape")
        return hmac.compare_digest(given, self._token) and scheme.lower() == "bearer"

    async def _check_login(self, request: web.Request) -> None:
        route = _route_of(request)
        if route in _PUBLIC:
            return
        if route in _TOKEN_ONLY:
            raise Problem(401, HOW_TO_CALL, {"WWW-Authenticate": "Bearer"})
        if not await self._logins.is_logged_in(request):
            raise Problem(401, LOG_IN, {"WWW-Authenticate": "Bearer"})

    def _check_origin(self, request: web.Request, bearer: bool) -> None:
        origin = request.headers.get("Origin")
        site = request.headers.get("Sec-Fetch-Site")
        if origin is None and site is None and not bearer:
            raise Problem(403, "A browser says where a request comes from; this one does not say it.")
        if origin is not None and origin.lower() not in self._address.origins:
            raise Problem(403, "This request comes from another site.")
        if site not in (None, "same-origin", "none"):
            raise Problem(403, "This request comes from another site.")


def _route_of(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def _check_encoding(request: web.Request) -> None:
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "Compressed requests are not accepted.")


def _check_content(request: web.Request, bearer: bool, *, uploads: bool) -> None:
    _check_encoding(request)
    is_form = request.content_type == _FORM and not bearer
    if request.content_type != "application/json" and not is_form and not uploads:
        raise Problem(415, "Send JSON, with `Content-Type: application/json`.")


async def _check_body(request: web.Request) -> None:
    """Reads the body. aiohttp looks at its size only while somebody reads it."""
    try:
        async with asyncio.timeout(_BODY_S):
            await request.read()
    except TimeoutError:
        raise Problem(408, f"The request did not arrive within {_BODY_S} seconds.") from None
