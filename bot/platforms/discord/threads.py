"""What people wrote in the threads of jobs while nobody listened: a new session is not told of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import discord

from bot.platforms.base import Refused
from bot.platforms.discord.api import DiscordApi
from bot.platforms.discord.messages import Messages
from storage.threads import Thread

MOST = 300
"""Messages that are read of one thread."""

_log = logging.getLogger(__name__)


class ThreadReader:
    """Hands on what stands in threads as if it came by itself, one thread after the other."""

    def __init__(self, *, api: DiscordApi, messages: Messages) -> None:
        self._api = api
        self._messages = messages

    async def read(self, threads: Sequence[Thread]) -> None:
        """All that was written there since then. Raises Throttled and Unsure."""
        for thread in threads:
            await self._read(thread)

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
