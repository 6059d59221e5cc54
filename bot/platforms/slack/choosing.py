"""What people choose of what they were asked back."""

from __future__ import annotations

import re
from functools import partial

from slack_bolt.context.ack.async_ack import AsyncAck

from bot.desk.asks import CHOOSE, Answer, Ask
from bot.desk.desk import Door
from bot.platforms.slack.answering import Answering
from bot.platforms.slack.files import Files, found
from bot.platforms.slack.links import Links
from bot.platforms.slack.origins import Json, clicked_in
from bot.platforms.slack.people import People
from bot.platforms.slack.replies import Replies
from executor.steps import reach

PATTERN = re.compile(f"^{CHOOSE}:")
"""The action_ids of our choices; the number of the name follows."""


class Choices:
    """The listener for what people choose. It never raises."""

    def __init__(
        self,
        *,
        door: Door,
        answering: Answering,
        replies: Replies,
        people: People,
        links: Links,
        files: Files,
    ) -> None:
        self._door = door
        self._answering = answering
        self._replies = replies
        self._people = people
        self._links = links
        self._files = files

    async def chosen(self, ack: AsyncAck, body: Json) -> None:
        """Something was chosen: what comes of it stands in place of the question."""
        action = body["actions"][0]
        value = action.get("value") or (action.get("selected_option") or {}).get("value") or ""
        draft_id, _, number = value.partition(" ")
        origin = clicked_in(body)
        ask = Ask(
            verb=CHOOSE,
            target=draft_id,
            args={"choice": number},
            origin=origin,
            delivery=f"slack:choice:{draft_id}:{origin.actor.user_id}:{action['action_ts']}",
            zone=partial(self._people.zone_of, origin.actor.user_id),
            again=lambda files: self._files.offered(map(found, files)),
        )

        async def tell(answer: Answer) -> None:
            linked = await self._links.added(answer)
            await self._replies.respond(body["response_url"], linked, instead=answer.ok)

        await self._answering.and_tell(self._door.ask(ask), tell)
        reach("choice answered")
        await ack()
