"""Calls to Discord: every one bounded, every failure one of Throttled, Unsure and Refused."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp
import discord

from bot.platforms.base import Gone, Refused, Throttled, Unsure

T = TypeVar("T")

CALL_TIMEOUT_S = 35.0
"""discord.py waits out a limit by itself, up to thirty seconds; a longer one is told to us."""
LONGEST_WAIT_S = 30.0

UNKNOWN_CHANNEL = 10003
THREAD_EXISTS = 160004
ARCHIVED = 50083
_UNKNOWN_MESSAGE = 10008
_DEFAULT_PAUSE_S = 60.0
_ASK_ELSEWHERE = "Ask me in another channel."
_ADVICE = {
    UNKNOWN_CHANNEL: f"That channel is gone. {_ASK_ELSEWHERE}",
    50001: "I do not see that channel: give my role the permission View Channel there.",
    50013: "I lack a permission there. My role needs View Channel, Send Messages, Send Messages in Threads, "
    "Create Public Threads, Attach Files, Embed Links and Read Message History.",
    160005: f"That thread is locked. {_ASK_ELSEWHERE}",
}
"""By Discord's code for a refusal: what people can do."""


class DiscordApi:
    """The way to whichever client is connected; there is a new one after each lost connection."""

    def __init__(self, timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._clients: list[discord.Client] = []
        self._known = asyncio.Event()
        self._timeout_s = timeout_s

    def use(self, client: discord.Client) -> None:
        """From now on calls are made by `client`, which Discord has greeted."""
        self._clients = [client]
        self._known.set()

    def forget(self) -> None:
        """Calls wait for the next client."""
        self._known.clear()

    async def send(self, method: str, call: Callable[[discord.Client], Awaitable[T]]) -> T:
        """The answer to `call`; raises Throttled, Unsure or Refused. `method` is for the error's text."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._known.wait()
                return await call(self._clients[0])
        except discord.RateLimited as error:
            raise Throttled(method, error.retry_after) from error
        except discord.HTTPException as error:
            raise _fault(method, error) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unsure(f"{method}: {type(error).__name__}") from error


def _fault(method: str, error: discord.HTTPException) -> Throttled | Unsure | Refused:
    if error.status == 429:
        return Throttled(method, _pause_s(error))
    if error.status >= 500:
        return Unsure(f"{method}: HTTP {error.status}")
    code = str(error.code or error.status)
    return Gone(code) if error.code == _UNKNOWN_MESSAGE else Refused(code, _ADVICE.get(error.code, ""))


def _pause_s(error: discord.HTTPException) -> float:
    header = error.response.headers.get("Retry-After", "")
    return float(header) if header.isdigit() else _DEFAULT_PAUSE_S
