"""What one person is told, and nobody else."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.desk.asks import Answer
from bot.platforms.base import Refused, Throttled, Unsure
from bot.platforms.slack.api import CALL_TIMEOUT_S, SlackApi
from bot.platforms.slack.questions import blocks_of
from bot.platforms.slack.text import fit_line, mrkdwn

MOST = 3_900
"""Characters of a private answer: Slack may break up a longer text."""

_SEEN = "eyes"
_UPLOAD_CALLS = 3
_ALONE = "\nIts picture comes to your direct messages with me."
_FILE_ALONE = "\nIt comes as a file to your direct messages with me."

_log = logging.getLogger(__name__)


def private(answer: Answer) -> str:
    """An answer of the desk's, as the text of a private message."""
    link = answer.link.replace("&", "&amp;")
    way = f"\n<{link}|Go to its thread>" if link else ""
    way += _ALONE if answer.picture else _FILE_ALONE if answer.file else ""
    return mrkdwn(answer.text, MOST - len(way)) + way


class Replies:
    """Private answers and signs. Nothing here raises: whoever asked is not helped by a second failure."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def whisper(self, *, channel: str, user: str, thread: str | None, answer: Answer) -> None:
        """Tells one member of the channel, if there is anything to say, in the thread where one is given."""
        if not answer.text:
            return
        call = self._api.client.chat_postEphemeral(
            channel=channel, user=user, thread_ts=thread, text=private(answer), blocks=blocks_of(answer)
        )
        await self._tried("chat.postEphemeral", call)
        await self.show(user=user, answer=answer)

    async def show(self, *, user: str, answer: Answer) -> None:
        """Puts what goes with an answer, where anything does, into the person's direct messages with us.

        What one person alone sees in a channel holds no file on Slack.
        """
        file = answer.enclosed
        if file is None:
            return
        client = self._api.client
        try:
            # Slack finds the conversation by the person's id, but takes a file only by the conversation's.
            told = await self._api.send(
                "chat.postMessage", client.chat_postMessage(channel=user, text=fit_line(file.title, MOST))
            )
            await self._api.send(
                "files.upload",
                client.files_upload_v2(
                    filename=file.name,
                    title=file.title,
                    content=file.content,
                    alt_txt=file.title if answer.picture else None,
                    channel=told["channel"],
                ),
                CALL_TIMEOUT_S * _UPLOAD_CALLS,
            )
        except (Throttled, Unsure, Refused) as error:
            _log.warning("slack.reply_lost", extra={"method": "files.upload", "fault": str(error)})

    async def react(self, *, channel: str, message_id: str) -> None:
        """Puts eyes on a message: seen."""
        call = self._api.client.reactions_add(channel=channel, name=_SEEN, timestamp=message_id)
        await self._tried("reactions.add", call)

    async def take_back(self, *, channel: str, message_id: str) -> None:
        """Takes the eyes away: nothing comes of it."""
        call = self._api.client.reactions_remove(channel=channel, name=_SEEN, timestamp=message_id)
        await self._tried("reactions.remove", call)

    async def open_form(self, *, trigger_id: str, view: dict[str, Any]) -> bool:
        """Opens a form; False where Slack would not, most often because three seconds were over."""
        return await self._tried("views.open", self._api.client.views_open(trigger_id=trigger_id, view=view))

    async def reaches(self, channel: str) -> bool:
        """Whether we are part of a channel; yes, where Slack does not say."""
        call = self._api.client.conversations_history(channel=channel, limit=1)
        try:
            await self._api.send("conversations.history", call)
        except Refused:
            return False
        except (Throttled, Unsure):
            return True
        return True

    async def respond(self, response_url: str, answer: Answer, *, instead: bool = False) -> None:
        """Answers a command after its acknowledgement; works also where we are no member.

        `instead`: in place of the message whose button was pressed.
        """
        if not answer.text:
            return
        client = AsyncWebhookClient(response_url, session=self._api.client.session, retry_handlers=[])
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                sent = await client.send(
                    text=private(answer),
                    blocks=blocks_of(answer),
                    response_type="ephemeral",
                    replace_original=instead,
                )
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            _log.warning("slack.reply_lost", extra={"method": "response_url", "fault": repr(error)})
            return
        if sent.status_code != 200:
            _log.warning("slack.reply_lost", extra={"method": "response_url", "fault": sent.body})

    async def _tried(self, method: str, call: Any) -> bool:
        try:
            await self._api.send(method, call)
        except (Throttled, Unsure, Refused) as error:
            _log.warning("slack.reply_lost", extra={"method": method, "fault": str(error)})
            return False
        return True
