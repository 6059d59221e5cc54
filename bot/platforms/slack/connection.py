"""One Socket Mode connection: opened, kept by slack_sdk across Slack's own reconnects, closed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType

import aiohttp
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.platforms.base import Unsure
from bot.platforms.errands import Errands
from bot.platforms.slack.api import SlackApi
from executor.steps import reach

PING_S = 5
"""Seconds between pings; four without an answer, and slack_sdk replaces the socket."""
CONNECT_TIMEOUT_S = 20
CLOSE_TIMEOUT_S = 5

_log = logging.getLogger(__name__)


class Connection:
    """`async with Connection(…)`: envelopes go to `app` as long as it lasts.

    `api` holds the app-level token. `on_hello` is called each time Slack greets us, also after a reconnect.
    Entering raises Throttled, Unsure or Refused where Slack will not have us.
    """

    def __init__(
        self, *, app: AsyncApp, api: SlackApi, errands: Errands, on_hello: Callable[[], None]
    ) -> None:
        self._app = app
        self._api = api
        self._errands = errands
        self._on_hello = on_hello
        self._greeted: object = None
        """The session that Slack has said hello to, and no goodbye since."""

    async def __aenter__(self) -> Connection:
        client = self._api.client
        token = client.token or ""
        # Asked for here, for slack_sdk itself would go on asking for ever with a token that is refused.
        call = client.apps_connections_open(app_token=token)
        address = await self._api.send("apps.connections.open", call)
        self._handler = AsyncSocketModeHandler(self._app, token, web_client=client, ping_interval=PING_S)
        socket = self._handler.client
        socket.wss_uri = address["url"]
        socket.socket_mode_request_listeners = [self._receive]
        socket.on_message_listeners = [self._notice]
        async with AsyncExitStack() as unfinished:
            unfinished.push_async_callback(self._close)
            await self._connect()
            unfinished.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def is_alive(self) -> bool:
        """Whether the socket stands, answers pings, and Slack has greeted it and not sent it away.

        Pings alone do not tell: a socket that Slack delivers nothing to may answer them for ever.
        """
        socket = self._handler.client
        return socket.current_session is self._greeted and await socket.is_connected()

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._handler.connect_async()  # type: ignore[no-untyped-call]
        except TimeoutError as error:
            raise Unsure("Socket Mode: no connection") from error

    async def _receive(self, _: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        reach("envelope received")
        await self._errands.start(self._handler.handle(self._handler.client, request))
        reach("envelope acknowledged")

    async def _notice(self, frame: aiohttp.WSMessage) -> None:
        message = json.loads(frame.data) if frame.data.startswith("{") else {}
        if message.get("type") == "disconnect":
            # slack_sdk opens another now; if Slack refuses that, it keeps this one, where nothing comes.
            _log.info("slack.sent_away", extra={"reason": message.get("reason")})
            self._greeted = None
        if message.get("type") != "hello":
            return
        self._greeted = self._handler.client.current_session
        connections = message.get("num_connections", 1)
        _log.info("slack.connected", extra={"connections": connections})
        if connections > 1:
            # Slack hands each envelope to any one of them, so every process misses what the other gets.
            _log.warning("slack.other_connection", extra={"connections": connections})
        self._on_hello()

    async def _close(self) -> None:
        socket = self._handler.client
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._handler.close_async()  # type: ignore[no-untyped-call]
        except TimeoutError:
            _log.warning("slack.close_timed_out")
        finally:
            tasks = (socket.message_processor, socket.current_session_monitor, socket.message_receiver)
            running = [task for task in tasks if task is not None]
            for task in running:
                task.cancel()
            await socket.aiohttp_client_session.close()
            await asyncio.gather(*running, return_exceptions=True)
