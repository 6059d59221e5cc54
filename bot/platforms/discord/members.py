"""Which roles a person has, asked of Discord where nothing that came from them says it."""

from __future__ import annotations

import asyncio
import time

import discord

from bot.platforms.base import Refused, Throttled, Unsure
from bot.platforms.discord.api import DiscordApi

KEPT_S = 60.0
"""Seconds for which an answer holds, so that what is due together asks once."""
PATIENCE_S = 10.0
"""How long Discord may take: others wait for it whose runs are due as well."""
_REMEMBERED = 1_000


class Members:
    """Asks by REST: no intent is needed for that."""

    def __init__(self, api: DiscordApi) -> None:
        self._api = api
        self._known: dict[tuple[str, str], tuple[float, frozenset[str] | None]] = {}

    async def roles_of(self, guild: str, user_id: str) -> frozenset[str] | None:
        """The ids of the roles that the person has there: none for whoever has left, None if nobody says."""
        at, roles = self._known.get((guild, user_id), (float("-inf"), None))
        if time.monotonic() - at < KEPT_S:
            return roles
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        roles = await self._ask(guild, user_id)
        self._known[guild, user_id] = (time.monotonic(), roles)
        return roles

    async def _ask(self, guild: str, user_id: str) -> frozenset[str] | None:
        async def call(client: discord.Client) -> frozenset[str]:
            member = await client.http.get_member(int(guild), int(user_id))
            return frozenset(str(role) for role in member["roles"])

        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._api.send("guilds.member", call)
        except (Throttled, Unsure, TimeoutError):
            return None
        except Refused:
            return frozenset()
