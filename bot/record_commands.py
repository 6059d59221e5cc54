"""`bifrost task …` and its like for people: what agents do by them, as the owner at the bot's own machine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.agent import commands
from bot.agent.bridge import Refused, Reply
from bot.agent.tools import TOOLS
from bot.client import Declined, ServerGone, connect
from bot.data_dir import DataDir

_OF_JOBS = "/api/agent/"
"""Calls that only the agent of a running job can make."""


class OwnersBot:
    """The bot that serves on a data directory, called with the command line's own token."""

    def __init__(self, data: DataDir) -> None:
        self._data = data

    def call(self, method: str, path: str, body: object = None) -> Reply:
        """What it answers. Raises Refused."""
        if not self._data.address.exists():
            raise Refused(f"No bot is serving on {self._data.root}. Start one with `bifrost serve`.")
        try:
            return asyncio.run(self._call(method, path, body))
        except (ServerGone, Declined) as error:
            raise Refused(str(error)) from None

    async def _call(self, method: str, path: str, body: object) -> Reply:
        async with connect(self._data.address.read_text().strip(), self._data.api_token()) as client:
            return Reply(*await client.ask(method, path, body))


def run_record_command(words: Sequence[str], data: DataDir) -> int:
    """Does what `words` say. Returns the exit status."""
    tools = [tool.described() for tool in TOOLS if not tool.path.startswith(_OF_JOBS)]
    return commands.run(words, OwnersBot(data), tools)
