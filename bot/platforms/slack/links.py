"""Where a message of ours stands, as an address that Slack opens."""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.desk.asks import Answer
from bot.desk.board import Board
from bot.platforms.base import Refused, Throttled, Unsure
from bot.platforms.slack.api import SlackApi
from executor.model import Origin

CARD_S = 1.0
"""How long the card of a new job is waited for: whoever asked is not kept waiting for a link."""

_log = logging.getLogger(__name__)


class Links:
    """Adds to answers where their jobs are told of."""

    def __init__(self, api: SlackApi, board: Board) -> None:
        self._api = api
        self._board = board

    async def added(self, answer: Answer, within_s: float = CARD_S) -> Answer:
        """The answer with a link to the thread of the job that it is about.

        The card of a new job is waited for `within_s` seconds: not at all by what Slack has to hear first.
        """
        if not answer.ok or answer.job is None:
            return answer
        try:
            team_url = (await self._api.identity()).url
        except (Throttled, Unsure, Refused) as error:
            _log.warning("slack.link_unknown", extra={"fault": str(error)})
            return answer
        card = await self._board.card_of(answer.job, within_s)
        return replace(answer, link=permalink(team_url, answer.job.origin, card))


def permalink(team_url: str, origin: Origin, message_id: str) -> str:
    """The address of a message where `origin` says, as chat.getPermalink gives it, without asking for each.

    Empty where there is no message. `team_url` is what auth.test calls the team's address.
    """
    if not team_url or not message_id:
        return ""
    thread = f"?thread_ts={origin.thread}&cid={origin.channel}" if origin.thread else ""
    return f"{team_url.rstrip('/')}/archives/{origin.channel}/p{message_id.replace('.', '')}{thread}"
