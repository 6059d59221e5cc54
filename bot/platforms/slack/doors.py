"""What comes in from Slack, turned into requests to the desk and acknowledged once they are committed."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext

from bot.desk.asks import Answer, Ask, Invocation
from bot.desk.desk import Door
from bot.platforms.errands import Errands
from bot.platforms.slack import modal
from bot.platforms.slack.answering import Answering
from bot.platforms.slack.answers import Answers
from bot.platforms.slack.choosing import PATTERN, Choices
from bot.platforms.slack.files import Files, again, kept
from bot.platforms.slack.grants import DIRECT
from bot.platforms.slack.home import NEW_JOB, Home
from bot.platforms.slack.links import Links
from bot.platforms.slack.messages import Messages
from bot.platforms.slack.origins import Json, clicked_in, home_of, person, presser
from bot.platforms.slack.people import People
from bot.platforms.slack.questions import blocks_of
from bot.platforms.slack.render import ACTION
from bot.platforms.slack.replies import Replies, private
from bot.platforms.slack.text import decode, without_mention
from executor.model import Origin
from executor.steps import reach

ON_MESSAGE = "job:on_message"
"""The shortcut among what can be done with a message."""
ANYWHERE = "job:anywhere"
"""The shortcut that belongs to no channel."""

_STILL = "Still taking this in; the answer follows."
_NO_FORM = "Slack did not let me open the form in time. Please try again."
_NOT_IN_IT = "I am not in that channel: invite me there with /invite @Bifrost, or choose another."
_NOT_MINE = "I am not part of this conversation. Use `/job` in a channel of mine, or write to me directly."


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
        files: Files,
        messages: Messages,
        command: str,
    ) -> None:
        self._home = home
        self._links = links
        self._files = files
        self._door = door
        self._replies = replies
        self._answering = Answering(errands)
        self._answers = Answers(door, replies, errands)
        self._choices = Choices(
            door=door, answering=self._answering, replies=replies, people=people, links=links, files=files
        )
        self._errands = errands
        self._people = people
        self._command = command
        self._messages = messages

    def listen(self, app: AsyncApp) -> None:
        """Registers every listener; bolt asks them in this order."""
        app.command(self._command)(self._typed)
        app.event("app_mention")(self._messages.mentioned)
        app.event("message")(self._messages.written)
        app.event("app_home_opened")(self._home_opened)
        app.action(re.compile(f"^{ACTION}"))(self._pressed)
        app.action(NEW_JOB)(self._new_job_pressed)
        self._answers.listen(app)
        app.action(PATTERN)(self._choices.chosen)
        app.message_shortcut(ON_MESSAGE)(self._pointed_at)
        app.global_shortcut(ANYWHERE)(self._called_up)
        app.view(modal.CALLBACK)(self._submitted)
        # Unacknowledged, a link shows an error to whoever pressed it and an event comes again.
        app.action(re.compile(""))(self._let_pass)
        app.event(re.compile(""))(self._let_pass)

    async def _typed(self, ack: AsyncAck, body: Json) -> None:
        async def tell(answer: Answer) -> None:
            await self._replies.respond(body["response_url"], answer)
            await self._replies.show(user=body["user_id"], answer=answer)

        async def work() -> Answer:
            # The job is accepted: until Slack knows that, nothing is waited for.
            return await self._links.added(await self._do(body), within_s=0)

        answer = await self._answering.within_patience(work(), tell)
        reach("command answered")
        said = answer or Answer(ok=True, text=_STILL)
        await ack(text=private(said), blocks=blocks_of(said))
        if answer is not None:
            self._errands.start(self._replies.show(user=body["user_id"], answer=answer))

    async def _do(self, body: Json) -> Answer:
        channel, text = body["channel_id"], decode(body.get("text") or "")
        actor = person(team=body["team_id"], user_id=body["user_id"], name=body.get("user_name"))
        invocation = Invocation(
            text=text,
            origin=Origin(actor=actor, channel=channel),
            delivery=f"slack:command:{body['trigger_id']}",
            zone=partial(self._people.zone_of, actor.user_id),
            buttons=True,
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
        view = modal.form(asked, partial(self._door.choices, actor=invocation.origin.actor))
        opened = await self._replies.open_form(trigger_id=body["trigger_id"], view=view)
        return Answer(ok=True, text="") if opened else None

    async def _pointed_at(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        """The shortcut on a message: a form that holds its text, for a job in its thread."""

        async def tell(answer: Answer) -> None:
            await self._replies.respond(body["response_url"], answer)

        await self._answering.and_tell(self._do_with_message(body, context), tell)
        await ack()

    async def _do_with_message(self, body: Json, context: AsyncBoltContext) -> Answer:
        channel, message = body["channel"]["id"], body["message"]
        if not await self._replies.reaches(channel):
            return Answer(ok=False, text=_NOT_MINE)
        asked = modal.Asked(
            channel=channel,
            thread=message.get("thread_ts") or message["ts"],
            prompt=decode(without_mention(message.get("text") or "", context.bot_user_id or "")),
            files=kept(message.get("files"), modal.MOST_FILES),
        )
        invocation = Invocation(
            text="",
            origin=Origin(actor=presser(body), channel=channel, thread=asked.thread),
            delivery=f"slack:shortcut:{body['trigger_id']}",
        )
        return await self._open_form(body, invocation, asked) or Answer(ok=False, text=_NO_FORM)

    async def _called_up(self, ack: AsyncAck, body: Json) -> None:
        """The shortcut that belongs to no channel: the form asks for one."""
        # Whoever may use the bot may do so alone with it: the channel is looked at when it is known.
        origin = Origin(actor=presser(body), channel=DIRECT)
        invocation = Invocation(text="", origin=origin, delivery=f"slack:shortcut:{body['trigger_id']}")

        async def open_form() -> Answer:
            return await self._open_form(body, invocation, modal.Asked()) or Answer(ok=False, text=_NO_FORM)

        async def tell(answer: Answer) -> None:
            if not answer.ok:
                await self._tell_alone(body, origin.actor.user_id, answer)

        await self._answering.and_tell(open_form(), tell)
        await ack()

    async def _pressed(self, ack: AsyncAck, body: Json) -> None:
        user, action, container = body["user"], body["actions"][0], body["container"]
        at_home = container["type"] == "view"
        surface = container["view_id"] if at_home else container["message_ts"]
        origin = home_of(body) if at_home else clicked_in(body)

        async def tell(answer: Answer) -> None:
            if at_home:
                await self._tell_at_home(body, answer)
            elif not answer.ok or answer.says_more:
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
        await self._answering.and_tell(self._door.ask(ask), tell)
        reach("press answered")
        await ack()

    async def _home_opened(self, body: Json) -> None:
        event = body["event"]
        if event.get("tab") == "home":
            actor = person(team=body["team_id"], user_id=event["user"])
            self._home.open(Origin(actor=actor, channel=event["channel"]))

    async def _new_job_pressed(self, ack: AsyncAck, body: Json) -> None:
        origin = home_of(body)
        invocation = Invocation(text="", origin=origin, delivery=f"slack:home:{body['trigger_id']}")

        async def open_form() -> Answer:
            opened = await self._open_form(body, invocation, modal.Asked(channel=origin.channel))
            return opened or Answer(ok=False, text=_NO_FORM)

        await self._answering.and_tell(open_form(), partial(self._tell_at_home, body))
        await ack()

    async def _tell_at_home(self, body: Json, answer: Answer) -> None:
        """No message of ours is seen beside the Home tab, so a refusal stands over it."""
        if not answer.ok:
            await self._tell_alone(body, home_of(body).channel, answer)

    async def _tell_alone(self, body: Json, channel: str, answer: Answer) -> None:
        """In a form of its own, or in the person's direct messages with us, which their id stands for too."""
        notice = modal.notice(answer.text)
        if not await self._replies.open_form(trigger_id=body["trigger_id"], view=notice):
            user_id = presser(body).user_id
            await self._replies.whisper(channel=channel, user=user_id, thread=None, answer=answer)

    async def _submitted(self, ack: AsyncAck, body: Json) -> None:
        view = body["view"]
        channel, thread, files = modal.place_of(view)

        async def tell(answer: Answer) -> None:
            await self._replies.whisper(
                channel=channel, user=body["user"]["id"], thread=thread, answer=answer
            )

        verb, args = modal.verb_and_args(view)
        ask = Ask(
            verb=verb,
            args=args,
            origin=Origin(actor=presser(body), channel=channel, thread=thread),
            delivery=f"slack:view:{view['id']}:{view['hash']}",
            zone=partial(self._people.zone_of, body["user"]["id"]),
            files=self._files.offered(again(files)),
        )
        answer = await self._answering.within_patience(self._ask_there(ask, view), tell)
        reach("form answered")
        if answer is None or answer.ok:
            await ack()
        else:
            await ack(response_action="errors", errors=modal.errors(answer))

    async def _ask_there(self, ask: Ask, view: Json) -> Answer:
        """What is wrong with a channel that somebody chose in the form is said beside it."""
        if not view["private_metadata"]:
            here = Invocation(text="help", origin=ask.origin, delivery=ask.delivery)
            welcome = await self._door.command(here)
            if not welcome.ok:
                return replace(welcome, field=modal.CHANNEL)
            if not await self._replies.reaches(ask.origin.channel):
                return Answer(ok=False, text=_NOT_IN_IT, field=modal.CHANNEL)
        return await self._door.ask(ask)

    async def _let_pass(self, ack: AsyncAck) -> None:
        await ack()
