"""Answers to what agents ask, as Slack brings them: buttons, and the form that some of them open."""

from __future__ import annotations

import re

from slack_bolt.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck

from bot.desk.asks import ANSWER as VERB
from bot.desk.asks import QUESTION, SAYS, Answer, Ask
from bot.desk.desk import Door
from bot.platforms.errands import Errands
from bot.platforms.slack import question_form
from bot.platforms.slack.answering import Answering
from bot.platforms.slack.origins import Json, clicked_in, presser
from bot.platforms.slack.render import ANSWER
from bot.platforms.slack.replies import Replies
from executor.model import Origin
from executor.steps import reach

_NO_FORM = "Slack did not let me open the form in time. Please try again."


class Answers:
    """The listeners. Neither of them raises."""

    def __init__(self, door: Door, replies: Replies, errands: Errands) -> None:
        self._door = door
        self._replies = replies
        self._errands = errands
        self._answering = Answering(errands)

    def listen(self, app: AsyncApp) -> None:
        """Registers both."""
        app.action(re.compile(f"^{ANSWER}"))(self._pressed)
        app.view(question_form.CALLBACK)(self._submitted)

    async def _pressed(self, ack: AsyncAck, body: Json) -> None:
        user, action, container = body["user"], body["actions"][0], body["container"]
        origin = clicked_in(body)

        async def tell(answer: Answer) -> None:
            thread = container.get("thread_ts")
            await self._replies.whisper(channel=origin.channel, user=user["id"], thread=thread, answer=answer)

        says = action["action_id"].removeprefix(ANSWER)
        job_id, _, number = action["value"].partition(":")
        ask = Ask(
            verb=VERB,
            target=job_id,
            args={QUESTION: number, SAYS: says},
            origin=origin,
            delivery=f"slack:action:{container['message_ts']}:{action['action_ts']}:{user['id']}:{says}",
        )
        await self._answering.and_tell(self._do(ask, body["trigger_id"]), tell)
        reach("press answered")
        await ack()

    async def _do(self, ask: Ask, trigger_id: str) -> Answer:
        answer = await self._door.ask(ask)
        if answer.form is None:
            return answer
        origin = ask.origin
        view = question_form.form(answer.form, ask.args[SAYS], origin.channel, origin.thread)
        opened = await self._replies.open_form(trigger_id=trigger_id, view=view)
        return Answer(ok=opened, text="" if opened else _NO_FORM)

    async def _submitted(self, ack: AsyncAck, body: Json) -> None:
        view = body["view"]
        sent = question_form.read(view)

        async def tell(answer: Answer) -> None:
            await self._replies.whisper(
                channel=sent.channel, user=body["user"]["id"], thread=sent.thread, answer=answer
            )

        ask = Ask(
            verb=VERB,
            target=sent.job_id,
            args=sent.args,
            origin=Origin(actor=presser(body), channel=sent.channel, thread=sent.thread),
            delivery=f"slack:view:{view['id']}:{view['hash']}",
        )
        answer = await self._answering.within_patience(self._door.ask(ask), tell)
        reach("form answered")
        if answer is not None and not answer.ok:
            await ack(response_action="errors", errors=question_form.errors(view, answer))
            return
        await ack()
        if answer is not None:
            self._errands.start(tell(answer))
