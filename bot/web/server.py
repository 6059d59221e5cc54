"""The web server: one address for the page, the API and the reports."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.desk.attachments import Limits
from bot.platforms.hooks import Hook
from bot.web import documents, endpoints, hooks
from bot.web.answers import Answers
from bot.web.api import Api
from bot.web.assets import Assets
from bot.web.callers import OWNER
from bot.web.description import Description
from bot.web.documents import Documents
from bot.web.endpoints import Endpoint
from bot.web.guard import BODY_LIMIT, Address, Guard
from bot.web.logins import Logins
from bot.web.pages.asks import Asks
from bot.web.pages.channels import Channels
from bot.web.pages.diff import DiffPage
from bot.web.pages.inbox import Inbox
from bot.web.pages.job import JobPage
from bot.web.pages.jobs import JobsPage
from bot.web.pages.links import MessageUrl
from bot.web.pages.parts import Parts, Routed
from bot.web.pages.remarks import Remarks
from bot.web.pages.reports import ReportsPage
from bot.web.pages.rows import Door
from bot.web.pages.saving import Saving
from bot.web.pages.schedules import SchedulesPage
from bot.web.pages.settings import SettingsPage, Terms
from bot.web.pages.task import TaskPage
from bot.web.pages.tasks import TasksPage
from bot.web.pages.usage import UsagePage
from bot.web.problems import Problem, answering_problems
from bot.web.repeats import Repeats
from bot.web.sse import Streams
from bot.web.templates import Templates
from bot.web.tokens import Rate, Throttle, Tokens
from bot.web.tokens_api import TokensApi
from executor.wakeups import Wakeups
from storage import Storage

_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - all addresses are no address to go to
_STOP_S = 0.7
"""aiohttp waits so long for a handler to end, cancels it, and waits so long again."""
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LOGIN_USED = (
    "This link is used up, too old or mistyped. Run `bifrost login` on the machine where the bot runs: "
    "it prints a new one."
)

_NO_PREVIEW = "This link is for a person's browser."


class WebServer:
    """Serves while its block runs (`async with`) or until `run` is cancelled.

    `public_url` is what people type where that is not the bound address, as behind a proxy; with https the
    cookie is for https alone. Port 0 takes a free one; `url` tells which. `sandbox` is how jobs are held,
    `limits` what may be sent along with a request. `called_at` are the paths at which platforms call us.
    `api` is what programs may call beside commands and streams, `terms` what the settings page shows;
    `slack_url` finds messages in Slack.
    """

    def __init__(
        self,
        *,
        storage: Storage,
        wakeups: Wakeups,
        door: Door,
        reports: Path,
        files: Path,
        terms: Terms,
        api_token: str,
        host: str = "127.0.0.1",
        port: int = 4003,
        public_url: str = "",
        sandbox: str = "",
        limits: Limits | None = None,
        called_at: Mapping[str, Hook] | None = None,
        api: Sequence[Endpoint] = (),
        slack_url: MessageUrl = lambda origin, message_id: "",
    ) -> None:
        if not api_token:
            raise ValueError("api_token is empty: anybody would be let in")
        self._bind_to = (host, port)
        self._public_url = public_url.rstrip("/")
        self.tokens = Tokens(storage.api, api_token)
        self._throttle = Throttle(Rate())
        self._repeats = Repeats(storage.api)
        self._logins = Logins(storage.hub, secure=public_url.lower().startswith("https:"))
        self._assets = Assets()
        self._templates = Templates(self._assets)
        self._called_at = called_at or {}
        self._streams = Streams(wakeups)
        limits = limits or Limits()
        own = Api(storage, door, self._streams, self.login_link, sandbox, limits)
        reading = Documents(storage, reports=reports, files=files)
        pages = self._pages(storage, door, limits, reports, terms, slack_url)
        self._doors = (self._assets, *pages, own, reading)
        self._endpoints = self._described([*own.endpoints(), *TokensApi(self.tokens).endpoints(), *api])
        self._running = AsyncExitStack()
        self.address = ""
        """The bound address, as this machine reaches it."""

    def _pages(
        self,
        storage: Storage,
        door: Door,
        limits: Limits,
        reports: Path,
        terms: Terms,
        slack_url: MessageUrl,
    ) -> Sequence[Routed]:
        """What people see; the lists and jobs that are pages have their addresses in common with the API."""
        answers = Answers()
        parts = Parts(
            storage=storage,
            door=door,
            actor=OWNER,
            templates=self._templates,
            streams=self._streams,
            answers=answers,
            saving=Saving(storage.api, answers),
            limits=limits,
        )
        jobs, job, diff = JobsPage(parts), JobPage(parts, slack_url), DiffPage(parts)
        pages = {"/jobs": jobs.page, "/jobs/{id}": job.page, "/jobs/{id}/diff": diff.page}
        self._html: Mapping[str, Handler] = pages
        upkeep = UsagePage(parts), SchedulesPage(parts), SettingsPage(parts, terms, self.tokens)
        shared = Inbox(parts), TasksPage(parts), TaskPage(parts), ReportsPage(parts, reports), Remarks(parts)
        return Asks(parts), Channels(parts), jobs, job, diff, *shared, *upkeep

    def _described(self, endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
        return [*endpoints, *Description(endpoints, self._templates).endpoints()]

    @property
    def url(self) -> str:
        """Where people reach the page."""
        return self._public_url or self.address

    def login_link(self) -> str:
        """An address that logs its opener in, once, within 15 minutes."""
        return f"{self.url}/login/{self._logins.new_code()}"

    async def run(self) -> None:
        """Serves until cancelled."""
        async with self:
            await asyncio.Event().wait()

    async def __aenter__(self) -> Self:
        host, port = self._bind_to
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listener = socket.create_server((host, port), family=family)
        except OSError as error:
            error.filename = f"{host}:{port}"  # as that of a file that cannot be opened
            raise
        bound: int = listener.getsockname()[1]
        name = _REACHED_AT.get(host, host)
        self.address = f"http://{f'[{name}]' if ':' in name else name}:{bound}"
        app = self._app(Address.of(bound, self.url))
        # aiohttp's access log would keep the paths, and with them the login codes.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S, auto_decompress=False)
        self._running.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._running.aclose()

    def _app(self, address: Address) -> web.Application:
        scopes = endpoints.scopes(self._endpoints)
        guard = Guard(address, self._logins, self.tokens, self._throttle, scopes, self._called_at)
        app = web.Application(
            middlewares=[answering_problems(self._templates.problem), guard.middleware()],
            client_max_size=BODY_LIMIT,
        )
        app.on_response_prepare.append(_add_headers)
        app.on_shutdown.append(self._close_streams)
        for door in self._doors:
            app.add_routes(door.routes())
        app.add_routes(endpoints.routes(self._endpoints, self._repeats, self._html))
        app.add_routes(hooks.routes(self._called_at))
        app.router.add_get("/login/{code}", self._log_in, allow_head=False)  # a HEAD must not use it up
        return app

    async def _log_in(self, request: web.Request) -> web.Response:
        # Not a redirect: a Strict cookie is kept back along one that another site's link has started.
        if "bot" in request.headers.get("User-Agent", "").lower():
            raise Problem(403, _NO_PREVIEW)  # chat platforms fetch what is linked; that must not use it up
        response = self._templates.page("logged_in.html")
        if not await self._logins.log_in(request.match_info["code"], response):
            raise Problem(403, _LOGIN_USED)
        return response

    async def _close_streams(self, app: web.Application) -> None:
        self._streams.close()


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    defaults = documents.HEADERS if request.path.startswith("/reports/") else _HEADERS
    for name, value in defaults.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "bifrost"
