"""Slack for the rest of the bot: builds the parts, connects, stays connected, closes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.desk.board import Board
from bot.desk.desk import Door
from bot.desk.hearing import Hearing
from bot.platforms.base import Refused, SetupFault, Throttled, Unsure
from bot.platforms.errands import Errands
from bot.platforms.missed import Missed
from bot.platforms.slack.api import CALL_TIMEOUT_S, SlackApi
from bot.platforms.slack.connection import Connection
from bot.platforms.slack.doors import Doors
from bot.platforms.slack.files import Files
from bot.platforms.slack.grants import SCOPES
from bot.platforms.slack.home import Home
from bot.platforms.slack.links import Links, permalink
from bot.platforms.slack.messages import Messages
from bot.platforms.slack.people import People
from bot.platforms.slack.platform import SlackPlatform
from bot.platforms.slack.replies import Replies
from bot.platforms.slack.request_url import PATH, RequestUrl
from bot.platforms.slack.threads import ThreadReader
from executor.model import Origin

_DISPENSABLE = frozenset({"files:read"})
"""Without it the bot works, and says of each file that is attached why it cannot be taken."""

WATCH_S = 5
DEAD_AFTER_S = 30
"""How long slack_sdk may try to revive a socket before we open a new one ourselves."""
KEEP_ALIVE_S = 60
"""A socket can stand and stay silent until a Web API call is made (slackapi/bolt-python#1529)."""
SETTLE_S = 5
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0

_REINSTALL = "Reinstall the app from `manifest.yml` and use the token it shows then."
_BOT_REFUSED = f"Slack does not accept the bot token (`xoxb-…`). {_REINSTALL}"
_APP_REFUSED = (
    "Slack does not open a connection for the app-level token (`xapp-…`). The token needs the scope "
    "`connections:write`, and Socket Mode must be on in the settings of the app."
)

_log = logging.getLogger(__name__)


class SlackAdapter:
    """One Slack team. `ready` is set while Slack knows our tokens and has greeted our socket.

    With a `signing_secret` Slack comes to us instead: `request_url` answers it, and there is no socket.
    `overhear`: a reply in the thread of a job needs no mention.
    """

    def __init__(
        self,
        *,
        bot_token: str,
        app_token: str = "",
        signing_secret: str = "",
        door: Door,
        board: Board,
        hearing: Hearing,
        base_url: str = "https://slack.com/api/",
        command: str = "/job",
        overhear: bool = False,
    ) -> None:
        self.ready = asyncio.Event()
        self._bot = SlackApi(token=bot_token, base_url=base_url)
        self._socket = SlackApi(token=app_token, base_url=base_url)
        self._errands = Errands()
        self.platform = SlackPlatform(self._bot)
        self._app = _app(self._bot, base_url)
        self._home = Home(self._bot, board)
        files = Files(self._bot, base_url)
        self._listen(door, Links(self._bot, board), files, hearing, command, overhear=overhear)
        self.request_url = self._request_url(signing_secret) if signing_secret else None

    def _listen(
        self, door: Door, links: Links, files: Files, hearing: Hearing, command: str, *, overhear: bool
    ) -> None:
        replies, people = Replies(self._bot), People(self._bot, self._errands)
        messages = Messages(
            door=door,
            replies=replies,
            errands=self._errands,
            people=people,
            links=links,
            files=files,
            hearing=hearing,
            overhear=overhear,
        )
        threads = ThreadReader(api=self._bot, messages=messages)
        self._missed = Missed("slack", read=threads.read, hearing=hearing, errands=self._errands)
        Doors(
            door=door,
            replies=replies,
            errands=self._errands,
            people=people,
            home=self._home,
            links=links,
            files=files,
            messages=messages,
            command=command,
        ).listen(self._app)

    def message_url(self, origin: Origin, message_id: str) -> str:
        """Where a message of ours stands; empty where Slack has not told us yet, or it is another team's."""
        known = self._bot.known
        ours = known is not None and known.team == origin.actor.team
        return permalink(known.url, origin, message_id) if known is not None and ours else ""

    def _request_url(self, secret: str) -> RequestUrl:
        return RequestUrl(app=self._app, signing_secret=secret, errands=self._errands, ready=self.ready)

    async def run(self) -> None:
        """Serves Slack until it is cancelled. Raises SetupFault where waiting would not help."""
        timeout = aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            self._bot.client.session = self._socket.client.session = session
            refreshing = asyncio.create_task(self._home.run())
            try:
                await self._serve()
            finally:
                refreshing.cancel()
                await asyncio.gather(refreshing, return_exceptions=True)
                await self._errands.stop(SETTLE_S)

    async def _serve(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._check()
                if self.request_url is not None:
                    await self._stay_reachable()
                async with self._connection() as connection:
                    pause_s = _FIRST_PAUSE_S
                    await self._watch(connection)
            except Throttled as error:
                pause_s = max(pause_s, error.retry_after_s)
                _log.warning("slack.throttled", extra={"method": error.method, "pause_s": pause_s})
            except Unsure as error:
                _log.warning("slack.unreachable", extra={"fault": str(error), "pause_s": pause_s})
            except Refused as error:
                raise SetupFault(error.code, _APP_REFUSED) from error
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _connection(self) -> Connection:
        return Connection(app=self._app, api=self._socket, errands=self._errands, on_hello=self._listens)

    def _listens(self) -> None:
        self.ready.set()
        self._missed.look()

    async def _check(self) -> None:
        try:
            granted = (await self._bot.check()).scopes
        except Refused as error:
            raise SetupFault(error.code, _BOT_REFUSED) from error
        missing = SCOPES - _DISPENSABLE - granted if granted is not None else frozenset()
        if missing:
            text = f"The bot token lacks the scope {', '.join(sorted(missing))}."
            raise SetupFault("missing_scope", f"{text} {_REINSTALL}")

    async def _stay_reachable(self) -> None:
        """There is nothing to keep up; but a token that is revoked is found out."""
        self._listens()
        _log.info("slack.reachable", extra={"path": PATH})
        try:
            while True:
                await asyncio.sleep(KEEP_ALIVE_S)
                await self._keep_alive()
        finally:
            self.ready.clear()
            self._missed.stop()
            await self._errands.settle(SETTLE_S)

    async def _watch(self, connection: Connection) -> None:
        """Returns once the socket has been dead for too long."""
        now = asyncio.get_running_loop().time
        alive_at = checked_at = now()
        try:
            while now() - alive_at < DEAD_AFTER_S:
                await asyncio.sleep(WATCH_S)
                if await connection.is_alive():
                    alive_at = now()
                else:
                    self.ready.clear()
                if now() - checked_at >= KEEP_ALIVE_S:
                    checked_at = now()
                    await self._keep_alive()
            _log.warning("slack.socket_dead")
        finally:
            self.ready.clear()
            self._missed.stop()
            # What has come in is still answered and acknowledged while the socket stands.
            await self._errands.settle(SETTLE_S)

    async def _keep_alive(self) -> None:
        try:
            await self._check()
        except (Throttled, Unsure) as error:
            _log.warning("slack.unreachable", extra={"fault": str(error)})


def _app(bot: SlackApi, base_url: str) -> AsyncApp:
    return AsyncApp(
        name="bifrost",
        client=AsyncWebClient(base_url=base_url, retry_handlers=[]),
        # Asked here, bolt would call auth.test before it lets the first envelopes in.
        authorize=_authorizer(bot),
        # The listener is awaited, not left to a task that nobody holds, and acknowledged when it is done.
        process_before_response=True,
        request_verification_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )


def _authorizer(api: SlackApi) -> Callable[[], Awaitable[AuthorizeResult]]:
    async def authorize() -> AuthorizeResult:
        identity = await api.identity()
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team,
            bot_user_id=identity.user_id,
            bot_id=identity.bot_id,
        )

    return authorize
