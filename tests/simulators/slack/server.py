"""The simulator itself: one loopback server, its workspace, and the knobs a test turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TypeVar
from uuid import uuid4

from aiohttp import web

from tests.simulators.slack import files, response_urls
from tests.simulators.slack.arguments import Args
from tests.simulators.slack.conversations import direct_channel
from tests.simulators.slack.http_mode import RequestUrl
from tests.simulators.slack.limits import Rules
from tests.simulators.slack.model import Call, Channel, Message, Ping, SharedFile, User
from tests.simulators.slack.people import Person
from tests.simulators.slack.reading import Json
from tests.simulators.slack.socket_mode import Delivery, SocketMode
from tests.simulators.slack.state import Workspace
from tests.simulators.slack.transcript import transcript, wait_until
from tests.simulators.slack.web_api import Fault, WebApi

T = TypeVar("T")

DEFAULT_SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "im:history",
        "reactions:write",
        "users:read",
    }
)
DEFAULT_EVENTS = frozenset({"app_home_opened", "app_mention", "message.im"})
DEFAULT_SHORTCUTS = frozenset({"job:on_message", "job:anywhere"})
"""The callback_ids of the shortcuts that the app's manifest declares."""
_UPLOAD_BYTES = 64 * 1024 * 1024


class SlackSimulator:
    """Slack on 127.0.0.1: `async with SlackSimulator() as slack`, then point the real SDK at `base_url`."""

    def __init__(
        self,
        *,
        rules: Rules | None = None,
        scopes: Iterable[str] = DEFAULT_SCOPES,
        events: Iterable[str] = DEFAULT_EVENTS,
        shortcuts: Iterable[str] = DEFAULT_SHORTCUTS,
        clock: Callable[[], float] = time.monotonic,
        bot_name: str = "Bifrost",
    ) -> None:
        self.bot_token = f"xoxb-{uuid4().hex}"
        self.app_token = f"xapp-1-{uuid4().hex}"
        self.signing_secret = uuid4().hex
        self.workspace = Workspace(
            rules=rules or Rules(),
            scopes=scopes,
            events=events,
            shortcuts=shortcuts,
            clock=clock,
            bot_name=bot_name,
        )
        self.socket = SocketMode(self.workspace)
        self.workspace.publish = self.socket.publish
        self._api = WebApi(self.workspace, self.bot_token, self.app_token, self._open_connection)
        self._down = False
        self.turned_away: list[str] = []
        """The paths of the calls that came while it was down."""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> SlackSimulator:
        app = web.Application(client_max_size=_UPLOAD_BYTES, middlewares=[self._refuse_when_down])
        app.router.add_route("*", "/api/{method}", self._api.serve)
        app.router.add_get("/link/{ticket}", self.socket.serve)
        app.router.add_post("/upload/{token}", self._upload)
        app.router.add_get("/files-pri/{id}/download/{name}", self._download)
        app.router.add_post("/response/{token}", self._respond)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.workspace.origin = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._api.close()
        await self.socket.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # Where the app finds us, and what it may do.

    @property
    def base_url(self) -> str:
        """The Web API's base URL, with the trailing slash the SDK wants."""
        return f"{self.workspace.origin}/api/"

    @property
    def team_id(self) -> str:
        """The workspace's id."""
        return self.workspace.team_id

    @property
    def bot_user_id(self) -> str:
        """The bot's user id."""
        return self.workspace.bot_user_id

    @property
    def scopes(self) -> set[str]:
        """The granted bot scopes; a test may change them."""
        return self.workspace.scopes

    def call_at(self, url: str) -> RequestUrl:
        """From now on the app is in HTTP mode, and everything goes to this Request URL."""
        self.socket.request_url = RequestUrl(url, self.signing_secret)
        return self.socket.request_url

    # Who and what is there.

    def channel(
        self,
        name: str,
        *,
        private: bool = False,
        bot_is_member: bool = True,
        members: Iterable[User] | None = None,
    ) -> Channel:
        """The channel of this name, made when missing; everybody is in it unless `members` says who."""
        workspace = self.workspace
        for channel in workspace.channels.values():
            if channel.kind != "im" and channel.name == name:
                return channel
        everybody = workspace.users.values() if members is None else members
        channel = Channel(
            id=workspace.new_id("C"),
            name=name,
            kind="private" if private else "channel",
            members={user.id for user in everybody},
            names=workspace.names,
            bot_is_member=bot_is_member,
        )
        workspace.channels[channel.id] = channel
        workspace.names[channel.id] = name
        return channel

    def person(self, name: str, *, tz: str = "Europe/Berlin", is_admin: bool = False) -> Person:
        """A new person, who joins every public channel there is."""
        workspace = self.workspace
        person = Person(workspace, self.socket, id=workspace.new_id("U"), name=name, tz=tz, is_admin=is_admin)
        workspace.users[person.id] = person
        workspace.names[person.id] = name
        for channel in workspace.channels.values():
            if channel.kind == "channel":
                channel.members.add(person.id)
        return person

    def dm(self, user: User) -> Channel:
        """The direct messages between this person and the bot."""
        return direct_channel(self.workspace, user)

    def file(self, name: str, content: bytes, *, moved_to: str = "", **facts: object) -> SharedFile:
        """A file that a person is about to attach; `facts` replace what Slack says of it."""
        return files.attached(self.workspace, name, content, moved_to, facts)

    @property
    def downloads(self) -> list[str]:
        """The Authorization header of everybody who came for a file."""
        return self.workspace.downloads

    def messages(self, channel: Channel) -> list[Message]:
        """What the channel shows, oldest first, without thread replies."""
        return channel.messages

    def transcript(self, channel: Channel) -> str:
        """The channel as readable text."""
        return transcript(self.workspace, channel)

    async def until(
        self,
        condition: Callable[[], T],
        *,
        timeout: float = 5.0,  # noqa: ASYNC109  the wait reports the whole workspace when it ends
        what: str = "",
    ) -> T:
        """Wait, woken by every change here, until the condition gives something true; return that.

        After `timeout` seconds: AssertionError with the transcript of everything.
        """
        return await wait_until(self.workspace, self.socket, condition, timeout_s=timeout, what=what)

    @property
    def calls(self) -> list[Call]:
        """Every Web API call in the order they were answered."""
        return self.workspace.calls

    @property
    def throttled(self) -> list[Call]:
        """The calls answered with 429."""
        return [call for call in self.calls if call.status == 429]

    @property
    def pings(self) -> list[Ping]:
        """Everybody whom a new message notified."""
        return self.workspace.pings

    @property
    def silent_mentions(self) -> list[Ping]:
        """Unescaped mentions that came with an edit, which shows but does not notify."""
        return self.workspace.silent_mentions

    @property
    def deliveries(self) -> list[Delivery]:
        """Every payload for the app with its attempts and acks."""
        return self.socket.deliveries

    @property
    def connections(self) -> int:
        """How many Socket Mode connections can take envelopes."""
        return len(self.socket.active)

    # What may go wrong.

    def fail_next(
        self,
        method: str = "*",
        *,
        status: int | None = None,
        error: str | None = None,
        retry_after: int | None = None,
        drop: bool = False,
        drop_after_store: bool = False,
        hold_answer: asyncio.Event | None = None,
        times: int = 1,
    ) -> None:
        """Let the next calls of a method go wrong.

        `status`, `error`, `retry_after` (a 429) and `drop` (the connection breaks) keep the method from
        running. With `drop_after_store` it runs and its answer is lost; with `hold_answer` it runs and
        is answered once that event is set.
        """
        self._api.faults.append(
            Fault(
                method=method,
                status=status,
                error=error,
                retry_after=retry_after,
                drop=drop,
                drop_after_store=drop_after_store,
                hold_answer=hold_answer,
                times=times,
            )
        )

    def stop_failing(self) -> None:
        """Forget the faults that have not happened yet."""
        self._api.faults.clear()

    def refuse_token(self, error: str | None) -> None:
        """Answer every call with this error (token_revoked, account_inactive …); None heals it."""
        self._api.token_error = error

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Slack is down: connections break, everything is answered 503."""
        self._down = True
        self.socket.drop()
        try:
            yield
        finally:
            self._down = False

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every connection to reconnect, as Slack does every few hours."""
        await self.socket.disconnect(reason)

    def drop_connections(self) -> None:
        """Break every Socket Mode connection without a word."""
        self.socket.drop()

    def duplicate_next(self, *, new_envelope_id: bool = False) -> None:
        """Send the next envelope twice in a row."""
        self.socket.duplicate_next(new_envelope_id=new_envelope_id)

    async def redeliver(self, delivery: Delivery, *, new_envelope_id: bool = False) -> None:
        """Send an old payload again and wait for its ack."""
        await self.socket.redeliver(delivery, new_envelope_id=new_envelope_id)

    def _open_connection(self, workspace: Workspace, args: Args) -> Json:
        origin = workspace.origin.replace("http:", "ws:")
        return {"url": f"{origin}/link/{self.socket.new_ticket()}"}

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        return await files.receive_upload(self.workspace, request)

    async def _download(self, request: web.Request) -> web.StreamResponse:
        return await files.serve(self.workspace, self.bot_token, request)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        return await response_urls.respond(self.workspace, request)

    @web.middleware
    async def _refuse_when_down(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if self._down:
            self.turned_away.append(request.path)
            self.workspace.changes.notify()
            return web.Response(status=503, text="down")
        return await handler(request)
