"""Discord for the rest of the bot: builds the parts, connects, stays connected, closes."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket

from bot.desk.hearing import Hearing
from bot.platforms.base import SetupFault
from bot.platforms.discord.answers import Answers
from bot.platforms.discord.api import DiscordApi
from bot.platforms.discord.client import Client
from bot.platforms.discord.doors import Door, Doors
from bot.platforms.discord.files import Files
from bot.platforms.discord.members import Members
from bot.platforms.discord.messages import Messages
from bot.platforms.discord.platform import DiscordPlatform
from bot.platforms.discord.threads import ThreadReader
from bot.platforms.errands import Errands
from bot.platforms.missed import Missed

API_URL = "https://discord.com/api/v10"
_LOGIN_S = 60.0
SETTLE_S = 5.0
CLOSE_S = 5.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_LEAST_IDENTIFIES = 5
"""So many are left to people: whoever spends the last one of a day loses the token."""
_LONGEST_WAIT_S = 600.0

_PORTAL = "the developer portal (discord.com/developers/applications)"
_FATAL = {
    4004: f"Discord does not accept the bot token. Reset it in {_PORTAL} and set `token` under [discord].",
    4010: "Discord refuses the shard that we ask for.",
    4011: "The bot is in so many servers that Discord wants it to be sharded, which Bifrost is not.",
    4012: "Discord no longer speaks the version of its API that discord.py uses; update Bifrost.",
    4013: "Discord does not know the intents that we ask for; update Bifrost.",
    4014: 'Discord does not let the bot read messages, which `replies = "all"` under [discord] asks for: '
    f"switch on Message Content Intent on the page Bot of your application in {_PORTAL}, or set `replies` to "
    '"button".',
}
_COMMANDS_REFUSED = (
    "Discord does not let us declare commands there: invite the bot again with the scopes `bot` and "
    "`applications.commands`, and correct `guilds` under [discord]."
)

_log = logging.getLogger(__name__)


class DiscordAdapter:
    """One bot token. `ready` is set while Discord's gateway has greeted us and listens.

    `overhear`: what is written in the thread of a job is a reply to it.
    """

    def __init__(
        self,
        *,
        token: str,
        door: Door,
        hearing: Hearing,
        guilds: frozenset[str] = frozenset(),
        api_url: str = API_URL,
        overhear: bool = False,
    ) -> None:
        self.ready = asyncio.Event()
        self._token = token
        self._guilds = guilds
        self._api_url = api_url
        self._api = DiscordApi()
        self._errands = Errands()
        self._pause_s = _FIRST_PAUSE_S
        files = Files(api_url)
        self._doors = Doors(door=door, errands=self._errands, guilds=guilds, files=files)
        self._answers = Answers(self._doors, self._errands)
        self.platform = DiscordPlatform(self._api)
        self.members = Members(self._api)
        messages = Messages(
            door=door,
            errands=self._errands,
            members=self.members,
            hearing=hearing,
            files=files,
            guilds=guilds,
        )
        self._messages = messages if overhear else None
        threads = ThreadReader(api=self._api, messages=messages)
        self._missed = Missed("discord", read=threads.read, hearing=hearing, errands=self._errands)

    async def run(self) -> None:
        """Serves Discord until it is cancelled. Raises SetupFault where waiting would not help."""
        # The one way that discord.py has of being told where Discord is.
        discord.http.Route.BASE = self._api_url.rstrip("/")
        while True:
            try:
                await self._serve()
            except discord.LoginFailure as error:
                raise SetupFault("401", _FATAL[4004]) from error
            except discord.PrivilegedIntentsRequired as error:
                raise SetupFault("4014", _FATAL[4014]) from error
            except discord.ConnectionClosed as error:
                if error.code in _FATAL:
                    raise SetupFault(str(error.code), _FATAL[error.code]) from error
                _log.warning("discord.closed", extra={"code": error.code, "pause_s": self._pause_s})
            except (discord.DiscordException, aiohttp.ClientError, OSError, TimeoutError) as error:
                fault = repr(error)
                _log.warning("discord.unreachable", extra={"fault": fault, "pause_s": self._pause_s})
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    async def _serve(self) -> None:
        """Connects, and stays as long as discord.py can resume."""
        client = Client(self._doors, self._answers, self._changed, self._messages)
        try:
            async with asyncio.timeout(_LOGIN_S):
                await client.login(self._token)
            await self._find_gateway(client)
            async with asyncio.timeout(_LOGIN_S):
                await self._declare(client)
            await self._stay(client)
        finally:
            self.ready.clear()
            await self._leave(client)

    async def _stay(self, client: Client) -> None:
        # Its own way of trying again may pause for a quarter of an hour. And it is closed, never cancelled:
        # cancelled between greeting and session, it leaves a thread behind that sends heartbeats for ever.
        connected = asyncio.create_task(client.connect(reconnect=False))
        try:
            await asyncio.wait({connected})
        finally:
            await self._leave(client)
            await asyncio.wait({connected}, timeout=CLOSE_S)
            connected.cancel()
            await asyncio.gather(connected, return_exceptions=True)
        connected.result()

    async def _find_gateway(self, client: Client) -> None:
        """Where the gateway is, once Discord lets us identify again."""
        while True:
            _, url, limit = await client.http.get_bot_gateway()
            DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
            if limit["remaining"] > _LEAST_IDENTIFIES:
                return
            wait_s = min(limit["reset_after"] / 1000, _LONGEST_WAIT_S)
            _log.warning("discord.identify_limit", extra={"pause_s": wait_s})
            await asyncio.sleep(wait_s)

    async def _declare(self, client: Client) -> None:
        try:
            await client.tree.make_known([int(guild) for guild in sorted(self._guilds)])
        except discord.Forbidden as error:
            raise SetupFault(str(error.code), _COMMANDS_REFUSED) from error

    def _changed(self, client: discord.Client, listens: bool, anew: bool) -> None:
        if not listens:
            self.ready.clear()
            return
        self._api.use(client)
        self.ready.set()
        self._pause_s = _FIRST_PAUSE_S
        _log.info("discord.connected")
        if anew and self._messages is not None:  # a session that goes on is told of all that it missed
            self._missed.look()

    async def _leave(self, client: Client) -> None:
        self._missed.stop()
        self._api.forget()
        # What has come in is still answered and acknowledged while the client stands.
        await self._errands.settle(SETTLE_S)
        await self._errands.stop(CLOSE_S)
        try:
            async with asyncio.timeout(CLOSE_S):
                await client.close()
        except TimeoutError:
            _log.warning("discord.close_timed_out")
        finally:
            await client.http.close()
