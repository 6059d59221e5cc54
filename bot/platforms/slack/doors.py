"""What comes in from Slack, turned into requests to the desk and acknowledged once they are committed."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.desk.asks import REPLY, Answer, Ask, Invocation
from bot.desk.desk import Door
from bot.platforms.errands import Errands
from bot.platforms.slack import modal
from bot.platforms.slack.home import NEW_JOB, Home
from bot.platforms.slack.links import Links
from bot.platforms.slack.people import People
from bot.platforms.slack.render import ACTION
from bot.platforms.slack.replies import Replies, private
from bot.platforms.slack.text import decode, without_mention
from executor.model import Actor, Origin
from executor.steps import reach

Json = dict[str, Any]
Tell = Callable[[Answer], Coroutine[Any, Any, None]]

EVENTS = ("app_home_opened", "app_mention", "message.channels", "message.groups", "message.im")
"""The events we subscribe to; as few as possible, for Slack counts deliveries."""

ON_MESSAGE = "job:on_message"
"""The shortcut among what can be done with a message."""

DIRECT = "D"
"""What the ids of direct messages begin with."""

PATIENCE_S = 2.0
"""How long the desk may take before Slack is acknowledged without its answer; Slack waits three."""

EYES_AFTER_S = 0.5
"""How long a message may stand without a sign that it was seen."""

_STILL = "Still taking this in; the answer follows."
_SORRY = (
    "Sorry, that went wrong on my side, and it is written down. "
    "Look at `/job list` before you ask again: it may have been accepted."
)
_EDITED = "Edits are not read. Ask me in a new message."
_FILES = (
    "Attached files are not read, so nothing was started. "
    "Put the file into the workspace, and name it in the prompt."
)
_FILES_LEFT = "The files of the message are not read."
_NO_FORM = "Slack did not let me open the form in time. Please try again."
_NOT_MINE = "I am not part of this conversation. Use `/job` in a channel of mine, or write to me directly."
_WORDS = (None, "file_share", "message_changed")
"""The subtypes of a message that somebody has written; others say who joined, or what the topic is."""
_REPLIES = (None, "file_share", "thread_broadcast")
"""The subtypes of a message in a thread that somebody has just written there."""
_log = logging.getLogger(__name__)


class Doors:
    """The listeners. Not one of them raises: bolt drops the acknowledgement of a listener that does."""

    def __init__(
        self,
        *,
        door: Door,
        replies: Replies,
        errands: Errands,
        people: People,
        home: Home,
        links: Links,
        command: str,
        overhear: bool,
    ) -> None:
        self._home = home
        self._links = links
        self._door = door
        self._replies = replies
        self._errands = errands
        self._people = people
        self._command = command
        self._overhear = overhear

    def listen(self, app: AsyncApp) -> None:
        """Registers every listener; bolt asks them in this order."""
        app.command(self._command)(self._typed)
        app.event("app_mention")(self._mentioned)
        app.event("message")(self._written)
        app.event("app_home_opened")(self._home_opened)
        app.action(re.compile(f"^{ACTION}"))(self._pressed)
        app.action(NEW_JOB)(self._new_job_pressed)
        app.message_shortcut(ON_MESSAGE)(self._pointed_at)
        app.view(modal.CALLBACK)(self._submitted)
        # Unacknowledged, a link shows an error to whoever pressed it and an event comes again.
        app.action(re.compile(""))(self._let_pass)
        app.event(re.compile(""))(self._let_pass)

    async def _typed(self, ack: AsyncAck, body: Json) -> None:
        async def tell(answer: Answer) -> None:
            await self._replies.respond(body["response_url"], answer)

        async def work() -> Answer:
            # The job is accepted: until Slack knows that, nothing is waited for.
            return await self._links.added(await self._do(body), within_s=0)

        answer = await self._answer(work(), tell)
        reach("command answered")
        await ack(private(answer or Answer(ok=True, text=_STILL)))

    async def _do(self, body: Json) -> Answer:
        channel, text = body["channel_id"], decode(body.get("text") or "")
        actor = _actor(team=body["team_id"], user_id=body["user_id"], name=body.get("user_name"))
        invocation = Invocation(
            text=text,
            origin=Origin(actor=actor, channel=channel),
            delivery=f"slack:command:{body['trigger_id']}",
            zone=partial(self._people.zone_of, actor.user_id),
        )
        if channel.startswith(DIRECT) and not await self._replies.reaches(channel):
            return Answer(ok=False, text=_NOT_MINE)
        if text.strip():
            return await self._door.command(invocation)
        opened = await self._open_form(body, invocation, modal.Asked(channel=channel))
        return opened or await self._door.command(invocation)

    async def _open_form(self, body: Json, invocation: Invocation, asked: modal.Asked) -> Answer | None:
        """What is said of it: nothing once it is open, and why not to whoever may not have it.

        None where Slack would not open it.
        """
        # The form names models and workspaces: only who may read the help sees it.
        welcome = await self._door.command(replace(invocation, text="help"))
        if not welcome.ok:
            return welcome
        view = modal.form(asked, self._door.choices)
        opened = await self._replies.open_form(trigger_id=body["trigger_id"], view=view)
        return Answer(ok=True, text="") if opened else None

    async def _pointed_at(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        """The shortcut on a message: a form that holds its text, for a job in its thread."""

        async def tell(answer: Answer) -> None:
            await self._replies.respond(body["response_url"], answer)

        await self._answer_and_tell(self._do_with_message(body, context), tell)
        await ack()

    async def _do_with_message(self, body: Json, context: AsyncBoltContext) -> Answer:
        channel, message = body["channel"]["id"], body["message"]
        if not await self._replies.reaches(channel):
            return Answer(ok=False, text=_NOT_MINE)
        asked = modal.Asked(
            channel=channel,
            thread=message.get("thread_ts") or message["ts"],
            prompt=decode(without_mention(message.get("text") or "", context.bot_user_id or "")),
            hint=_FILES_LEFT if message.get("files") else "",
        )
        invocation = Invocation(
            text="",
            origin=Origin(actor=_presser(body), channel=channel, thread=asked.thread),
            delivery=f"slack:shortcut:{body['trigger_id']}",
        )
        return await self._open_form(body, invocation, asked) or Answer(ok=False, text=_NO_FORM)

    async def _written(self, body: Json, context: AsyncBoltContext) -> None:
        """What is written to us directly needs no mention; nor, where it is so set, does a reply to a job."""
        event = body["event"]
        if event.get("channel_type") != "im":
            return await self._overheard(event, body, context)
        if event.get("subtype") not in _WORDS:
            return
        if event.get("subtype") == "message_changed":
            before, message = event["previous_message"], event["message"]
            if message.get("text") == before.get("text"):
                return  # Slack unfurled a link, or we edited a card
            event = message | {"channel": event["channel"]}
        await self._asked(event, body, context)

    async def _overheard(self, event: Json, body: Json, context: AsyncBoltContext) -> None:
        """A message in a thread: the desk knows whether that is a job's, and says nothing where it is not."""
        text = event.get("text") or ""
        if not self._overhear or not event.get("thread_ts") or event.get("subtype") not in _REPLIES:
            return
        # What mentions us comes as a mention too.
        if event.get("bot_id") or not event.get("user") or f"<@{context.bot_user_id}" in text:
            return

        async def reply() -> Answer:
            said = await self._invocation(event, body, context)
            ask = Ask(
                verb=REPLY,
                origin=said.origin,
                delivery=said.delivery,
                args={"prompt": said.text},
                overheard=True,
                fault=_FILES if event.get("files") else "",
            )
            return await self._door.ask(ask)

        await self._answer_message(event, reply(), soon=False)

    async def _mentioned(self, body: Json, context: AsyncBoltContext) -> None:
        await self._asked(body["event"], body, context)

    async def _asked(self, event: Json, body: Json, context: AsyncBoltContext) -> None:
        if event.get("bot_id") or not event.get("user"):
            return
        # Slack mentions us again in every edit; a second job is not what a corrected typo asks for.
        unread = _EDITED if event.get("edited") else _FILES if event.get("files") else ""
        work = _refused(unread) if unread else self._do_as_said(event, body, context)
        await self._answer_message(event, work, soon=True)
        reach("mention answered")

    async def _answer_message(self, event: Json, work: Coroutine[Any, Any, Answer], *, soon: bool) -> None:
        """Eyes where it is taken in, and words to whoever wrote it, alone."""
        channel, thread = event["channel"], event.get("thread_ts")

        async def tell(answer: Answer) -> None:
            # Only now, for what Slack does not know to have arrived, it sends again.
            linked = await self._links.added(answer)
            await self._replies.whisper(channel=channel, user=event["user"], thread=thread, answer=linked)

        answering = self._errands.start(_safely(work))
        eyes = self._show_eyes(answering, soon=soon, channel=channel, message_id=event["ts"])
        self._errands.start(eyes)
        await self._answer_and_tell(answering, tell)

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

    async def _do_as_said(self, event: Json, body: Json, context: AsyncBoltContext) -> Answer:
        return await self._door.command(await self._invocation(event, body, context))

    async def _invocation(self, event: Json, body: Json, context: AsyncBoltContext) -> Invocation:
        user_id = event["user"]
        # A guest of a shared channel belongs to another team than the one the event was delivered to.
        team = event.get("user_team") or body["team_id"]
        actor = _actor(team=team, user_id=user_id, name=await self._people.name_of(user_id))
        return Invocation(
            text=decode(without_mention(event.get("text") or "", context.bot_user_id or "")),
            origin=Origin(actor=actor, channel=event["channel"], thread=event.get("thread_ts")),
            # One message may come as two events, each with an id and even a timestamp of its own.
            delivery=f"slack:event:{event.get('client_msg_id') or body['event_id']}",
            zone=partial(self._people.zone_of, user_id),
        )

    async def _pressed(self, ack: AsyncAck, body: Json) -> None:
        user, action, container = body["user"], body["actions"][0], body["container"]
        at_home = container["type"] == "view"
        surface = container["view_id"] if at_home else container["message_ts"]
        origin = _home_of(body) if at_home else _clicked_in(body)

        async def tell(answer: Answer) -> None:
            if at_home:
                await self._tell_at_home(body, answer)
            elif not answer.ok:
                thread = container.get("thread_ts")
                await self._replies.whisper(
                    channel=origin.channel, user=user["id"], thread=thread, answer=answer
                )

        ask = Ask(
            verb=action["action_id"].removeprefix(ACTION),
            target=action.get("value") or "",
            origin=origin,
            delivery=f"slack:action:{surface}:{action['action_ts']}:{user['id']}:{action['action_id']}",
        )
        await self._answer_and_tell(self._door.ask(ask), tell)
        reach("press answered")
        await ack()

    async def _home_opened(self, body: Json) -> None:
        event = body["event"]
        if event.get("tab") == "home":
            actor = _actor(team=body["team_id"], user_id=event["user"])
            self._home.open(Origin(actor=actor, channel=event["channel"]))

    async def _new_job_pressed(self, ack: AsyncAck, body: Json) -> None:
        origin = _home_of(body)
        invocation = Invocation(text="", origin=origin, delivery=f"slack:home:{body['trigger_id']}")

        async def open_form() -> Answer:
            opened = await self._open_form(body, invocation, modal.Asked(channel=origin.channel))
            return opened or Answer(ok=False, text=_NO_FORM)

        await self._answer_and_tell(open_form(), partial(self._tell_at_home, body))
        await ack()

    async def _tell_at_home(self, body: Json, answer: Answer) -> None:
        """No message of ours is seen beside the Home tab, so a refusal stands over it."""
        if answer.ok or await self._replies.open_form(
            trigger_id=body["trigger_id"], view=modal.notice(answer.text)
        ):
            return
        origin = _home_of(body)
        await self._replies.whisper(
            channel=origin.channel, user=origin.actor.user_id, thread=None, answer=answer
        )

    async def _submitted(self, ack: AsyncAck, body: Json) -> None:
        view = body["view"]
        channel, thread = modal.place_of(view)

        async def tell(answer: Answer) -> None:
            await self._replies.whisper(
                channel=channel, user=body["user"]["id"], thread=thread, answer=answer
            )

        verb, args = modal.verb_and_args(view)
        ask = Ask(
            verb=verb,
            args=args,
            origin=Origin(actor=_presser(body), channel=channel, thread=thread),
            delivery=f"slack:view:{view['id']}:{view['hash']}",
            zone=partial(self._people.zone_of, body["user"]["id"]),
        )
        answer = await self._answer(self._door.ask(ask), tell)
        reach("form answered")
        if answer is None or answer.ok:
            await ack()
        else:
            await ack(response_action="errors", errors=modal.errors(answer))

    async def _let_pass(self, ack: AsyncAck) -> None:
        await ack()

    async def _answer_and_tell(self, work: Awaitable[Answer], tell: Tell) -> None:
        answer = await self._answer(work, tell)
        if answer is not None:
            self._errands.start(tell(answer))

    async def _answer(self, work: Awaitable[Answer], tell: Tell) -> Answer | None:
        """What the desk says, if it says it in time; if not, `tell` gets it when it comes."""
        task = self._errands.start(_safely(work))
        await asyncio.wait({task}, timeout=PATIENCE_S)
        if task.done():
            return task.result()
        self._errands.start(_told(task, tell))
        return None


async def _refused(text: str) -> Answer:
    return Answer(ok=False, text=text)


async def _told(task: asyncio.Task[Answer], tell: Tell) -> None:
    await tell(await task)


async def _safely(work: Awaitable[Answer]) -> Answer:
    try:
        return await work
    except Exception:  # noqa: BLE001  a fault of the desk must not cost the acknowledgement
        _log.exception("slack.desk_failed")
        return Answer(ok=False, text=_SORRY)


def _actor(*, team: str, user_id: str, name: str | None = None) -> Actor:
    return Actor(platform="slack", team=team, user_id=user_id, name=name or "")


def _home_of(body: Json) -> Origin:
    """The Home tab knows the direct messages it belongs to."""
    return Origin(actor=_presser(body), channel=body["view"]["private_metadata"])


def _clicked_in(body: Json) -> Origin:
    container = body["container"]
    thread = container.get("thread_ts") or container["message_ts"]
    return Origin(actor=_presser(body), channel=container["channel_id"], thread=thread)


def _presser(body: Json) -> Actor:
    user = body["user"]
    team = user.get("team_id") or body["team"]["id"]
    return _actor(team=team, user_id=user["id"], name=user.get("username") or user.get("name"))
