"""What people wrote in the threads of jobs while nobody listened: a new session is not told of it."""

from __future__ import annotations

import asyncio
import logging

import discord

from bot.desk.hearing import Hearing
from bot.platforms.base import Refused, Throttled, Unsure
from bot.platforms.discord.api import DiscordApi
from bot.platforms.discord.messages import Messages
from bot.platforms.errands import Errands
from storage.threads import Thread

MOST = 300
"""Messages that are read of one thread."""
_TRIES = 20
PAUSE_S = 3.0

_log = logging.getLogger(__name__)


class Missed:
    """Reads the threads back, one after the other, each time that Discord begins a session anew."""

    def __init__(self, *, api: DiscordApi, hearing: Hearing, messages: Messages, errands: Errands) -> None:
        self._api = api
        self._hearing = hearing
        self._messages = messages
        self._errands = errands
        self._reading: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Discord listens from now on."""
        self._hearing.returned()
        if self._reading is None or self._reading.done():
            self._reading = self._errands.start(self._read_all())

    def stop(self) -> None:
        """Nobody is listened to any more: the next session begins anew."""
        if self._reading is not None:
            self._reading.cancel()

    async def _read_all(self) -> None:
        for _ in range(_TRIES):
            pause_s = PAUSE_S
            try:
                async with self._hearing.absence() as threads:
                    for thread in threads:
                        await self._read(thread)
            except Throttled as error:
                pause_s = error.retry_after_s
            except Unsure as error:
                _log.warning("discord.not_read_back", extra={"fault": str(error)})
            if not self._hearing.is_behind:
                return
            await asyncio.sleep(pause_s)

    async def _read(self, thread: Thread) -> None:
        async def call(client: discord.Client) -> tuple[int, list[discord.Message]]:
            place = client.get_channel(int(thread.id)) or await client.fetch_channel(int(thread.id))
            if not isinstance(place, discord.Thread):
                return 0, []
            found = place.history(limit=MOST, after=thread.since, oldest_first=True)
            return client.user.id if client.user else 0, [message async for message in found]

        try:
            us, messages = await self._api.send("messages.read", call)
        except Refused as error:
            _log.warning("discord.thread_unreadable", extra={"code": error.code})
            return
        for message in messages:
            await self._messages.written(message, us)
        _log.info("discord.read_back", extra={"messages": len(messages)})
