"""Slack as the announcer sees it: post, edit, attach, find, and speak to one person."""

from __future__ import annotations

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.platforms.base import Announcement, Attachment, Caps, Place
from bot.platforms.slack.api import CALL_TIMEOUT_S, Identity, SlackApi
from bot.platforms.slack.render import Json, render

_MARK = "bifrost_message"
_PAGE = 200
_PAGES = 5
"""How far back `find` looks, newest first in a channel; a thread is read from its beginning."""
_UPLOAD_CALLS = 3


class SlackPlatform:
    """The ChatPlatform of one Slack team, the one the token belongs to."""

    name = "slack"
    caps = Caps(
        page_chars=3_000,
        # Slack promises 50 edits a minute to a whole team; the rest is left to whoever else edits.
        edits_per_minute=40,
        edit_burst=4,
        # One a second and channel, and three at once: what comes sooner than we believe finds one left.
        posts_per_minute=60,
        post_burst=2,
        least_edit_gap_s=2,
    )

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def post(self, place: Place, announcement: Announcement, key: str) -> str:
        """Says it; returns the message's ts. The key travels as metadata."""
        message = render(announcement)
        call = self._api.client.chat_postMessage(
            channel=place.channel,
            thread_ts=place.thread,
            text=message.text,
            blocks=message.blocks,
            metadata={"event_type": _MARK, "event_payload": {"key": key}},
            unfurl_links=False,
            unfurl_media=False,
        )
        answer = await self._api.send("chat.postMessage", call)
        return str(answer["ts"])

    async def edit(self, place: Place, message_id: str, announcement: Announcement) -> None:
        """Replaces what the message says. Its metadata stays."""
        message = render(announcement)
        # An edit without blocks takes the old ones away, and the buttons with them.
        call = self._api.client.chat_update(
            channel=place.channel, ts=message_id, text=message.text, blocks=message.blocks
        )
        await self._api.send("chat.update", call)

    async def attach(self, place: Place, attachment: Attachment) -> str:
        """Uploads a file and shares it; returns the file's id. Raises Throttled instead of sleeping."""
        call = self._api.client.files_upload_v2(
            filename=attachment.name,
            title=attachment.title,
            content=attachment.content,
            channel=place.channel,
            thread_ts=place.thread,
        )
        answer = await self._api.send("files.upload", call, CALL_TIMEOUT_S * _UPLOAD_CALLS)
        return str(answer["files"][0]["id"])

    async def find(self, place: Place, key: str) -> str | None:
        """The ts of our message whose metadata carries `key`, or the id of our file of that name."""
        identity = await self._api.identity()
        cursor = None
        for _ in range(_PAGES):
            page = await self._read(place, cursor)
            for message in page["messages"] or ():
                found = _marked(message, key) if _is_ours(message, identity) else None
                if found:
                    return found
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                break
        return None

    async def direct(self, team: str, user_id: str) -> Place:
        """The person's direct messages with us: Slack finds them by the id of the person."""
        return Place(team=team, channel=user_id)

    async def _read(self, place: Place, cursor: str | None) -> AsyncSlackResponse:
        client = self._api.client
        if place.thread is None:
            method = "conversations.history"
            call = client.conversations_history(
                channel=place.channel, include_all_metadata=True, limit=_PAGE, cursor=cursor
            )
        else:
            method = "conversations.replies"
            call = client.conversations_replies(
                channel=place.channel, ts=place.thread, include_all_metadata=True, limit=_PAGE, cursor=cursor
            )
        return await self._api.send(method, call)


def _is_ours(message: Json, identity: Identity) -> bool:
    ours = message.get("bot_id") == identity.bot_id or message.get("user") == identity.user_id
    return ours and message.get("subtype") != "tombstone"  # what remains of a deleted message is none


def _marked(message: Json, key: str) -> str | None:
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") == _MARK and metadata.get("event_payload", {}).get("key") == key:
        return str(message["ts"])
    return next((str(file["id"]) for file in message.get("files") or () if file.get("name") == key), None)
