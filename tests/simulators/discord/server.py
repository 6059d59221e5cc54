"""The simulator itself: one loopback server, its guild, and the knobs a test turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TypeVar
from uuid import uuid4

from aiohttp import web

from tests.simulators.discord import payloads
from tests.simulators.discord.gateway import CONTENT, Gateway
from tests.simulators.discord.model import Call, Channel, File, Message, Ping, User
from tests.simulators.discord.people import Person
from tests.simulators.discord.rates import Rules
from tests.simulators.discord.rest import Fault, Rest
from tests.simulators.discord.state import Guild

T = TypeVar("T")
_MOST_BYTES = 26 * 1024 * 1024


class DiscordSimulator:
    """Discord on 127.0.0.1, with one guild: `async with DiscordSimulator() as discord`.

    The real discord.py is pointed at `api_url`; where the gateway is, that says.
    """

    def __init__(
        self,
        *,
        rules: Rules | None = None,
        clock: Callable[[], float] = time.monotonic,
        bot_name: str = "Bifrost",
    ) -> None:
        self.token = f"{uuid4().hex}.loopback.{uuid4().hex}"
        self.guild = Guild(rules=rules or Rules(), clock=clock, bot_name=bot_name, name="Workshop")
        self.gateway = Gateway(self.guild, self.token)
        self.guild.publish = self.gateway.publish
        self.guild.tell = self.gateway.tell
        self._rest = Rest(self.guild, self.gateway, self.token)
        self._down = False
        self.turned_away: list[str] = []
        """The paths of the calls that came while it was down."""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> DiscordSimulator:
        app = web.Application(client_max_size=_MOST_BYTES, middlewares=[self._refuse_when_down])
        self._rest.add_to(app, "/api/v10")
        app.router.add_get("/attachments/{id}/{name}", self._download)
        app.router.add_get("/gateway", self.gateway.serve)
        app.router.add_get("/gateway/", self.gateway.serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.guild.origin = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for fault in self._rest.faults:
            if fault.hold_answer is not None:
                fault.hold_answer.set()
        await self.gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        """Where REST begins."""
        return f"{self.guild.origin}/api/v10"

    @property
    def calls(self) -> list[Call]:
        """Every REST call in the order they came."""
        return self.guild.calls

    @property
    def throttled(self) -> list[Call]:
        """The calls answered with 429."""
        return [call for call in self.calls if call.status == 429]

    @property
    def pings(self) -> list[Ping]:
        """Everybody whom a new message notified."""
        return self.guild.pings

    @property
    def connected(self) -> bool:
        """Whether a bot is listening."""
        return bool(self.gateway.active)

    def channel(self, name: str) -> Channel:
        """The channel of this name, made when missing."""
        for channel in self.guild.channels.values():
            if channel.parent is None and channel.name == name:
                return channel
        channel = Channel(id=self.guild.new_id(), name=name)
        self.guild.channels[channel.id] = channel
        return channel

    def role(self, name: str) -> str:
        """A new role of the guild; its id."""
        role_id = self.guild.new_id()
        self.guild.roles[role_id] = name
        body = {"guild_id": self.guild.id, "role": payloads.role(role_id, name)}
        self.guild.publish("GUILD_ROLE_CREATE", body)
        return role_id

    def person(self, name: str, *, roles: tuple[str, ...] = ()) -> Person:
        """A new member of the guild."""
        person = Person(self.guild, id=self.guild.new_id(), name=name, roles=list(roles))
        self.guild.users[person.id] = person
        self.guild.names[person.id] = name
        return person

    def file(self, name: str, content: bytes, url: str = "") -> File:
        """A file that a person is about to attach."""
        file = File(id=self.guild.new_id(), name=name, content=content, url=url)
        self.guild.attached[file.id] = file
        return file

    def say(self, person: User, channel: Channel, content: str, files: Sequence[File] = ()) -> Message:
        """What a person writes in a channel; the bot hears of it only with the intent for it."""
        allowed = {"parse": ["users"]}
        return self.guild.post(channel, person.id, content, files=[*files], allowed_mentions=allowed)

    async def _download(self, request: web.Request) -> web.Response:
        """The file host, which knows no tokens and wants none."""
        file = self.guild.attached.get(request.match_info["id"])
        if "Authorization" in request.headers or file is None:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=file.content)

    def allow_content(self) -> None:
        """Switches on Message Content Intent, as on the page Bot of the developer portal."""
        self.gateway.allowed_privileged |= CONTENT
        self.guild.readable = True

    async def until(
        self,
        condition: Callable[[], T],
        *,
        timeout: float = 5.0,  # noqa: ASYNC109  the wait reports the whole guild when it ends
        what: str = "",
    ) -> T:
        """Wait, woken by every change here, until the condition gives something true; return that."""
        try:
            async with asyncio.timeout(timeout):
                return await self.guild.changes.until(condition)
        except TimeoutError:
            waited = f"waited {timeout} s for {what or 'a condition'}"
            raise AssertionError(f"{waited}\n{self.report()}") from None

    def report(self) -> str:
        """All channels as their readers see them, and the last calls."""
        lines = []
        for channel in self.guild.channels.values():
            lines.append(f"{'#' if channel.parent is None else '  thread '}{channel.name}")
            for message in channel.all_messages.values():
                who = self.guild.names[message.author] + (" (private)" if message.only_for else "")
                lines.append(f"    {who}: {message.plain} {message.buttons}")
        lines.append("last calls:")
        lines += [f"  {call.status} {call.code or ''} {call.route} {call.body}" for call in self.calls[-12:]]
        return "\n".join(lines)

    def fail_next(
        self,
        route: str = "",
        *,
        status: int | None = None,
        code: int = 0,
        retry_after: float | None = None,
        via: bool = True,
        drop: bool = False,
        drop_after_store: bool = False,
        hold_answer: asyncio.Event | None = None,
        times: int = 1,
    ) -> None:
        """Let the next calls go wrong whose route (`POST /channels/{channel}/messages`) holds `route`.

        `status`, `code`, `retry_after` (a 429, as Cloudflare's without `via`) and `drop` keep the call from
        being done. With `drop_after_store` it is done and its answer is lost; with `hold_answer` it is done
        and answered once that event is set.
        """
        self._rest.faults.append(
            Fault(
                route=route,
                status=status,
                code=code,
                retry_after=retry_after,
                via=via,
                drop=drop,
                drop_after_store=drop_after_store,
                hold_answer=hold_answer,
                times=times,
            )
        )

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Discord is down: connections break, everything is answered 503."""
        self._down = True
        self.gateway.cut()
        try:
            yield
        finally:
            self._down = False

    @web.middleware
    async def _refuse_when_down(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self._down:
            self.turned_away.append(request.path)
            self.guild.changes.notify()
            return web.Response(status=503, text="down")
        return await handler(request)

    def refuse_token(self, refused: bool = True) -> None:
        """Answer every call with 401, as after the token was reset."""
        self._rest.token_refused = refused
