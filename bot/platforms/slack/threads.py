"""What people wrote in the threads of jobs while nobody listened: Slack does not send it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from bot.platforms.base import Refused
from bot.platforms.slack.api import SlackApi
from bot.platforms.slack.messages import Messages
from bot.platforms.slack.origins import Json
from storage.threads import Thread

GAP_S = 1.5
"""Seconds between two pages: Slack gives fifty a minute, and lost messages are looked for as well."""
_AT_ONCE = 10
"""Threads that are read without a gap."""
_PAGE = 200
_PAGES = 3

_log = logging.getLogger(__name__)


class ThreadReader:
    """Hands on what stands in threads as if it came by itself, one thread after the other."""

    def __init__(self, *, api: SlackApi, messages: Messages) -> None:
        self._api = api
        self._messages = messages

    async def read(self, threads: Sequence[Thread]) -> None:
        """All that was written there since then. Raises Throttled, Unsure and Refused."""
        identity = await self._api.identity()
        for number, thread in enumerate(threads):
            if number >= _AT_ONCE:
                await asyncio.sleep(GAP_S)
            async for message in self._written_in(thread):
                await self._messages.read_back(message, {"team_id": thread.team}, identity.user_id)
        _log.info("slack.read_back", extra={"threads": len(threads)})

    async def _written_in(self, thread: Thread) -> AsyncIterator[Json]:
        """What stands there since then, the oldest first; nothing where it cannot be read any more."""
        cursor, oldest = None, f"{thread.since.timestamp():.6f}"
        for page in range(_PAGES):
            if page:
                await asyncio.sleep(GAP_S)
            call = self._api.client.conversations_replies(
                channel=thread.channel, ts=thread.id, oldest=oldest, limit=_PAGE, cursor=cursor
            )
            try:
                answer = await self._api.send("conversations.replies", call)
            except Refused as error:
                _log.warning("slack.thread_unreadable", extra={"code": error.code})
                return
            for message in answer["messages"] or ():
                if message["ts"] != thread.id and float(message["ts"]) > thread.since.timestamp():
                    yield _event(message, thread)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return


def _event(message: Json, thread: Thread) -> Json:
    """As it would have come. Whatever was corrected meanwhile counts as it stands."""
    kind = "im" if thread.channel.startswith("D") else "channel"
    kept = {name: value for name, value in message.items() if name != "edited"}
    return kept | {"channel": thread.channel, "channel_type": kind, "thread_ts": thread.id}
