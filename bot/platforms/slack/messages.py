"""What people write to us: mentions, direct messages, and replies in the threads of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

from slack_bolt.context.async_context import AsyncBoltContext

from bot.desk.asks import REPLY, Answer, Ask, Invocation
from bot.desk.desk import Door
from bot.desk.hearing import Hearing
from bot.platforms.errands import Errands
from bot.platforms.slack.answering import Answering, safely
from bot.platforms.slack.files import Files
from bot.platforms.slack.links import Links
from bot.platforms.slack.origins import Json, person
from bot.platforms.slack.people import People
from bot.platforms.slack.replies import Replies
from bot.platforms.slack.text import decode, without_mention
from executor.model import Origin
from executor.steps import reach

EYES_AFTER_S = 0.5
"""How long a message may stand without a sign that it was seen."""

_EDITED = "Edits are not read. Ask me in a new message."
_WORDS = (None, "file_share", "message_changed")
"""The subtypes of a message that somebody has written; others say who joined, or what the topic is."""
_REPLIES = (None, "file_share", "thread_broadcast")
"""The subtypes of a message in a thread that somebody has just written there."""


class Messages:
    """The listeners for messages. Not one of them raises."""

    def __init__(
        self,
        *,
        door: Door,
        replies: Replies,
        errands: Errands,
        people: People,
        links: Links,
        files: Files,
        hearing: Hearing,
        overhear: bool,
    ) -> None:
        self._door = door
        self._replies = replies
        self._errands = errands
        self._answering = Answering(errands)
        self._people = people
        self._links = links
        self._files = files
        self._hearing = hearing
        self._overhear = overhear

    async def read_back(self, event: Json, body: Json, bot_user_id: str) -> None:
        """Does what is found in a thread as if it came now, unless that is done already."""
        if event.get("channel_type") != "im" and f"<@{bot_user_id}" in (event.get("text") or ""):
            await self._asked(event, body, bot_user_id)
        else:
            await self._written(event, body, bot_user_id)

    async def written(self, body: Json, context: AsyncBoltContext) -> None:
        """What is written to us directly needs no mention; nor, where it is so set, does a reply to a job."""
        await self._written(body["event"], body, context.bot_user_id or "")

    async def _written(self, event: Json, body: Json, bot_user_id: str) -> None:
        if event.get("channel_type") != "im":
            return await self._overheard(event, body, bot_user_id)
        if event.get("subtype") not in _WORDS:
            return
        if event.get("subtype") == "message_changed":
            before, message = event["previous_message"], event["message"]
            if message.get("text") == before.get("text"):
                return  # Slack unfurled a link, or we edited a card
            event = message | {"channel": event["channel"]}
        await self._asked(event, body, bot_user_id)

    async def _overheard(self, event: Json, body: Json, bot_user_id: str) -> None:
        """A message in a thread: the desk knows whether that is a job's, and says nothing where it is not."""
        text = event.get("text") or ""
        if not self._overhear or not event.get("thread_ts") or event.get("subtype") not in _REPLIES:
            return
        # What mentions us comes as a mention too.
        if event.get("bot_id") or not event.get("user") or f"<@{bot_user_id}" in text:
            return

        async def reply() -> Answer:
            said = await self._invocation(event, body, bot_user_id)
            ask = Ask(
                verb=REPLY,
                origin=said.origin,
                delivery=said.delivery,
                args={"prompt": said.text},
                overheard=True,
                files=said.files,
            )
            return await self._door.ask(ask)

        await self._answer_message(event, reply(), soon=False)

    async def mentioned(self, body: Json, context: AsyncBoltContext) -> None:
        await self._asked(body["event"], body, context.bot_user_id or "")

    async def _asked(self, event: Json, body: Json, bot_user_id: str) -> None:
        if event.get("bot_id") or not event.get("user"):
            return
        # Slack mentions us again in every edit; a second job is not what a corrected typo asks for.
        work = _refused(_EDITED) if event.get("edited") else self._do_as_said(event, body, bot_user_id)
        await self._answer_message(event, work, soon=True)
        reach("mention answered")

    async def _answer_message(self, event: Json, work: Coroutine[Any, Any, Answer], *, soon: bool) -> None:
        """Eyes where it is taken in, and words to whoever wrote it, alone."""
        channel, thread = event["channel"], event.get("thread_ts")
        if not self._hearing.is_new(_delivery(event)):
            work.close()
            return

        async def tell(answer: Answer) -> None:
            # Only now, for what Slack does not know to have arrived, it sends again.
            linked = await self._links.added(answer)
            await self._replies.whisper(channel=channel, user=event["user"], thread=thread, answer=linked)

        answering = self._errands.start(self._heard(event, work))
        eyes = self._show_eyes(answering, soon=soon, channel=channel, message_id=event["ts"])
        self._errands.start(eyes)
        await self._answering.and_tell(answering, tell)

    async def _heard(self, event: Json, work: Coroutine[Any, Any, Answer]) -> Answer:
        answer = await safely(work)
        at = datetime.fromtimestamp(float(event["ts"]), UTC)
        await self._hearing.done(_delivery(event), at, answer)
        return answer

    async def _show_eyes(
        self, answering: asyncio.Task[Answer], *, soon: bool, channel: str, message_id: str
    ) -> None:
        """Eyes on what is accepted; `soon`, though the desk takes long, and then they go if it refuses."""
        await asyncio.wait({answering}, timeout=EYES_AFTER_S if soon else None)
        refused = answering.done() and not answering.result().ok
        if refused:
            return
        await self._replies.react(channel=channel, message_id=message_id)
        if not (await answering).ok:
            await self._replies.take_back(channel=channel, message_id=message_id)

    async def _do_as_said(self, event: Json, body: Json, bot_user_id: str) -> Answer:
        return await self._door.command(await self._invocation(event, body, bot_user_id))

    async def _invocation(self, event: Json, body: Json, bot_user_id: str) -> Invocation:
        user_id = event["user"]
        # A guest of a shared channel belongs to another team than the one the event was delivered to.
        team = event.get("user_team") or body["team_id"]
        actor = person(team=team, user_id=user_id, name=await self._people.name_of(user_id))
        return Invocation(
            text=decode(without_mention(event.get("text") or "", bot_user_id)),
            origin=Origin(actor=actor, channel=event["channel"], thread=event.get("thread_ts")),
            delivery=_delivery(event),
            zone=partial(self._people.zone_of, user_id),
            files=self._files.offered(event.get("files")),
            buttons=True,
        )


def _delivery(event: Json) -> str:
    """Names the message: it may come as two events, each with an id and even a timestamp of its own."""
    name = event.get("client_msg_id") or f"{event['channel']}:{event['ts']}"
    edited = event.get("edited") or {}
    return f"slack:event:{name}" + (f":{edited.get('ts')}" if edited else "")


async def _refused(text: str) -> Answer:
    return Answer(ok=False, text=text)
