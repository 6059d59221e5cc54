"""Decides whether a request gets in at all, before any handler sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.web.callers import CALLER, LOGIN, Caller, Scope
from bot.web.logins import Logins
from bot.web.problems import Problem, wants_page
from bot.web.tokens import Throttle, Tokens

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
"""Whether a request came with a token: from a program, which no other site's page can make send anything."""
_FORM = "application/x-www-form-urlencoded"
UPLOAD = "multipart/form-data"
_UPLOADS = {"/channels/{name}/jobs", "/replies", "/api/commands"}
"""Routes that take files, and look at their size themselves."""
LOG_IN = (
    "You are not logged in here. Run `bifrost login` on the machine where the bot runs: "
    "it prints a link that opens this page, once, within 15 minutes."
)
_CHALLENGE = {"WWW-Authenticate": "Bearer"}
_MAKE_ONE = "`bifrost token create NAME` makes one on the machine where the bot runs."
HOW_TO_CALL = f"Send an API token with the request: `Authorization: Bearer …`. {_MAKE_ONE}"
UNKNOWN_TOKEN = f"This token is not known here: mistyped, revoked or past its days. {_MAKE_ONE}"


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
    """Checks in this order: host 421, who it is 401, pace 429, origin 403, content 415, scope 403, size 413.

    `scopes` are what the endpoints of the API need, by method and path; a token for anything else must be of
    scope admin. The paths in `hooks` are for platforms, which sign what they send: the hook itself finds out
    who it is.
    """

    def __init__(
        self,
        address: Address,
        logins: Logins,
        tokens: Tokens,
        throttle: Throttle,
        scopes: Mapping[tuple[str, str], Scope],
        hooks: Collection[str] = (),
    ) -> None:
        self._address = address
        self._hooks = frozenset(hooks)
        self._logins = logins
        self._tokens = tokens
        self._throttle = throttle
        self._scopes = scopes

    def middleware(self) -> Middleware:
        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._check_host(request)
            if _route_of(request) in self._hooks:
                _check_encoding(request)
                await check_body(request)
            else:
                await self._let_in(request)
            return await handler(request)

        return guard

    async def _let_in(self, request: web.Request) -> None:
        bearer = await self._tokens.caller(request.headers.get("Authorization", ""))
        request[BEARER] = bearer is not None
        caller = bearer or await self._logged_in(request)
        if caller is not None:
            request[CALLER] = caller
        safe = request.method in _SAFE_METHODS
        uploads = request.content_type == UPLOAD and _route_of(request) in _UPLOADS
        if bearer is not None:
            self._check_pace(bearer, safe=safe)
        if request.match_info.http_exception is not None:
            raise request.match_info.http_exception
        if not safe:
            self._check_origin(request, bearer is not None)
            _check_content(request, bearer is not None, uploads=uploads)
        if bearer is not None and _route_of(request) not in _PUBLIC:
            self._check_scope(request, bearer)
        if not safe and not uploads:
            await check_body(request)

    def _check_host(self, request: web.Request) -> None:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1 or hosts[0].lower() not in self._address.hosts:
            raise Problem(421, "This server does not answer under that host name.")

    async def _logged_in(self, request: web.Request) -> Caller | None:
        """Whoever is logged in; None where nobody needs to be. Raises Problem 401."""
        route = _route_of(request)
        if route in _PUBLIC:
            return None
        if route not in _TOKEN_ONLY and await self._logins.is_logged_in(request):
            return LOGIN
        is_api = (request.method, route) in self._scopes and not wants_page(request)
        if request.headers.get("Authorization", "").lower().startswith("bearer "):
            raise Problem(401, UNKNOWN_TOKEN, _CHALLENGE)
        raise Problem(401, HOW_TO_CALL if is_api or route in _TOKEN_ONLY else LOG_IN, _CHALLENGE)

    def _check_pace(self, caller: Caller, *, safe: bool) -> None:
        wait_s = self._throttle.wait_s(caller.key, safe=safe)
        if wait_s:
            raise Problem(
                429,
                f"Too many requests with this token: the next one is taken in {wait_s} s.",
                {"Retry-After": str(wait_s)},
            )

    def _check_scope(self, request: web.Request, caller: Caller) -> None:
        method = "GET" if request.method == "HEAD" else request.method
        needed = self._scopes.get((method, _route_of(request)), "admin")
        if not caller.may(needed):
            raise Problem(
                403,
                f"This needs a token of scope `{needed}`; yours is of scope `{caller.scope}`. "
                f"`bifrost token create NAME --scope {needed}` makes one.",
                code="scope",
            )

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
    if not request.body_exists:
        return  # no body is no body of a wrong sort
    is_form = request.content_type == _FORM and not bearer
    if request.content_type != "application/json" and not is_form and not uploads:
        raise Problem(415, "Send JSON, with `Content-Type: application/json`.")


async def check_body(request: web.Request) -> None:
    """Reads the body. aiohttp looks at its size only while somebody reads it."""
    try:
        async with asyncio.timeout(_BODY_S):
            await request.read()
    except TimeoutError:
        raise Problem(408, f"The request did not arrive within {_BODY_S} seconds.") from None
