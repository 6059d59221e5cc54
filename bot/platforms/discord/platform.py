"""Discord as the announcer sees it: post, edit, attach, find, and speak to one person."""

from __future__ import annotations

import io
import logging
from hashlib import sha256
from typing import Any

import discord

from bot.platforms.base import (
    Announcement,
    Attachment,
    Caps,
    Gone,
    Place,
    Refused,
    Shape,
    Throttled,
    Unsure,
)
from bot.platforms.discord.api import ARCHIVED, THREAD_EXISTS, UNKNOWN_CHANNEL, DiscordApi
from bot.platforms.discord.render import PAGE_CHARS, Message, render
from bot.platforms.discord.text import fit_plain

_NONCE = 25
_THREAD_NAME = 100
_TITLE = 200
_LOOK_BACK = 200
"""How many of a channel's latest messages `find` looks through."""
_log = logging.getLogger(__name__)


class DiscordPlatform:
    """The ChatPlatform of all guilds that the bot is in.

    A job's thread has the id of its card, the message that it was started from.
    """

    name = "discord"
    caps = Caps(
        page_chars=PAGE_CHARS,
        # Each channel and each thread has five edits in five seconds, counted from the first of them, and as
        # many posts. discord.py holds what would be too much: it comes late and says what is no longer so.
        edits_per_minute=48,
        edit_burst=1,
        posts_per_minute=60,
        post_burst=4,
        least_edit_gap_s=1.25,
        threads_apart=True,
        calls_per_second=30,  # of fifty
        file_bytes=10_000_000,
    )

    def __init__(self, api: DiscordApi) -> None:
        self._api = api
        self._threadless: set[str] = set()
        """Threads that Discord would not let us start: what belongs there stands in the channel."""
        self._gone: set[str] = set()
        """Messages that somebody has deleted; Discord may answer with one where it takes a nonce as known."""

    async def post(self, place: Place, announcement: Announcement, key: str) -> str:
        """Says it; returns the message's id. A card gets its thread at once."""
        message = render(announcement, _mark(key))
        message_id = await self._say(place, announcement.title, key, _arguments(message))
        if announcement.shape is Shape.CARD and place.thread is None:
            await self._open_early(place, message_id, announcement)
        return message_id

    async def edit(self, place: Place, message_id: str, announcement: Announcement) -> None:
        """Replaces what the message says."""
        message = render(announcement)
        changes = {"view": message.view} if message.view else {"content": message.content}
        try:
            await self._edit(self._channel(place), message_id, changes, message.mentions)
        except Gone:
            self._gone.add(message_id)
            raise
        except Refused as error:
            if error.code == str(ARCHIVED) and place.thread is not None:
                await self._wake(place.thread)
                await self._edit(place.thread, message_id, changes, message.mentions)
            elif error.code == str(UNKNOWN_CHANNEL) and place.thread is not None:
                await self._edit(place.channel, message_id, changes, message.mentions)
            else:
                raise

    async def attach(self, place: Place, attachment: Attachment) -> str:
        """Posts the file; returns the message's id."""
        about = {"content": fit_plain(attachment.title, _TITLE)}
        return await self._say(place, attachment.title, attachment.name, about, attachment)

    async def find(self, place: Place, key: str) -> str | None:
        """The id of our message that carries `key`: as its mark, its nonce, or the name of its file."""
        try:
            return await self._find(self._channel(place), place, key)
        except Refused as error:
            if place.thread is None or error.code != str(UNKNOWN_CHANNEL):
                raise
            return await self._find(place.channel, place, key)

    async def direct(self, team: str, user_id: str) -> Place:
        """The person's direct messages with us."""

        async def call(client: discord.Client) -> str:
            return str((await client.create_dm(discord.Object(int(user_id)))).id)

        return Place(team=team, channel=await self._api.send("users.direct", call))

    async def _say(
        self,
        place: Place,
        title: str,
        key: str,
        arguments: dict[str, Any],
        attachment: Attachment | None = None,
    ) -> str:
        """Posts where it belongs; a thread that is not there is started, or else the channel has it."""
        arguments = {**arguments, "nonce": _nonce(place, key)}
        try:
            return await self._send(self._channel(place), arguments, attachment)
        except Refused as error:
            if error.code != str(UNKNOWN_CHANNEL) or place.thread is None or self._is_threadless(place):
                raise
        try:
            await self._open_thread(place, place.thread, title)
            return await self._send(place.thread, arguments, attachment)
        except Refused as error:
            _log.warning("discord.no_thread", extra={"thread_id": place.thread, "code": error.code})
            self._threadless.add(place.thread)
        head = discord.MessageReference(
            message_id=int(place.thread), channel_id=int(place.channel), fail_if_not_exists=False
        )
        return await self._send(place.channel, {**arguments, "reference": head}, attachment)

    def _is_threadless(self, place: Place) -> bool:
        return place.thread in self._threadless

    def _channel(self, place: Place) -> str:
        return place.channel if place.thread is None or self._is_threadless(place) else place.thread

    async def _send(self, channel: str, arguments: dict[str, Any], attachment: Attachment | None) -> str:
        async def call(client: discord.Client) -> str:
            files: dict[str, Any] = {}
            if attachment is not None:
                files["file"] = discord.File(io.BytesIO(attachment.content), attachment.name)
            said = await client.get_partial_messageable(int(channel)).send(**arguments, **files)
            return str(said.id)

        said = await self._api.send("messages.create", call)
        if said not in self._gone:
            return said
        anew = sha256(f"{arguments['nonce']}:{said}".encode()).hexdigest()[:_NONCE]
        return await self._send(channel, {**arguments, "nonce": anew}, attachment)

    async def _edit(
        self, channel: str, message_id: str, changes: dict[str, Any], mentions: discord.AllowedMentions
    ) -> None:
        async def call(client: discord.Client) -> None:
            target = client.get_partial_messageable(int(channel))
            await target.get_partial_message(int(message_id)).edit(**changes, allowed_mentions=mentions)

        await self._api.send("messages.edit", call)

    async def _open_early(self, place: Place, message_id: str, card: Announcement) -> None:
        """The card says best what the thread is about; where it fails, the first page starts the thread."""
        about = card.quote or card.body
        title = f"{card.title.partition(' · ')[0]} · {about}" if about else card.title
        try:
            await self._open_thread(place, message_id, title)
        except (Throttled, Unsure, Refused) as error:
            _log.warning("discord.thread_later", extra={"fault": str(error)})

    async def _open_thread(self, place: Place, message_id: str, title: str) -> None:
        name = fit_plain(title, _THREAD_NAME)

        async def call(client: discord.Client) -> None:
            target = client.get_partial_messageable(int(place.channel), guild_id=int(place.team))
            await target.get_partial_message(int(message_id)).create_thread(
                name=name, auto_archive_duration=1440
            )

        try:
            await self._api.send("threads.create", call)
        except Refused as error:
            if error.code != str(THREAD_EXISTS):
                raise

    async def _wake(self, thread: str) -> None:
        async def call(client: discord.Client) -> None:
            await client.http.edit_channel(int(thread), archived=False)

        await self._api.send("threads.edit", call)

    async def _find(self, channel: str, place: Place, key: str) -> str | None:
        nonce = _nonce(place, key)

        async def call(client: discord.Client) -> str | None:
            ours = client.user.id if client.user else 0
            async for message in client.get_partial_messageable(int(channel)).history(limit=_LOOK_BACK):
                if message.author.id == ours and _carries(message, key, nonce):
                    return str(message.id)
            return None

        return await self._api.send("messages.read", call)


def _arguments(message: Message) -> dict[str, Any]:
    if message.view is not None:
        return {"view": message.view, "allowed_mentions": message.mentions}
    return {"content": message.content, "allowed_mentions": message.mentions, "suppress_embeds": True}


def _carries(message: discord.Message, key: str, nonce: str) -> bool:
    marks = {getattr(component, "id", None) for component in message.components}
    files = {attachment.filename for attachment in message.attachments}
    return _mark(key) in marks or message.nonce == nonce or key in files


def _mark(key: str) -> int:
    """A number that Discord keeps with a card as long as nobody edits it: components may be numbered."""
    return int.from_bytes(sha256(key.encode()).digest()[:4], "big") % 2**30 + 1_000


def _nonce(place: Place, key: str) -> str:
    """Discord says nothing twice under one nonce, at least for some minutes."""
    return sha256(f"{place.channel}:{place.thread}:{key}".encode()).hexdigest()[:_NONCE]
