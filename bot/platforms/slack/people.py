"""What Slack knows of a person: what they are called, and the zone of their clock."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from bot.platforms.base import Refused, Throttled, Unsure
from bot.platforms.errands import Errands
from bot.platforms.slack.api import SlackApi

PATIENCE_S = 1.0
"""How long an answer may take: Slack waits three seconds for the acknowledgement of the command."""
KEPT_S = 3_600.0
"""Seconds until it is asked anew: people travel."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    name: str = ""
    zone: str = ""
    told_at: float = float("-inf")


class People:
    """Asks Slack once an hour and person; answers what it heard last, if Slack does not say soon."""

    def __init__(self, api: SlackApi, errands: Errands) -> None:
        self._api = api
        self._errands = errands
        self._known: dict[str, _Known] = {}
        """By user id."""

    async def name_of(self, user_id: str) -> str:
        """The name that a command of theirs comes with."""
        return (await self._of(user_id)).name

    async def zone_of(self, user_id: str) -> str:
        """The IANA name of their zone."""
        return (await self._of(user_id)).zone

    async def _of(self, user_id: str) -> _Known:
        known = self._known.get(user_id, _Known())
        if time.monotonic() - known.told_at < KEPT_S:
            return known
        asking = self._errands.start(self._ask(user_id))
        await asyncio.wait({asking}, timeout=PATIENCE_S)
        return self._known.get(user_id, known)

    async def _ask(self, user_id: str) -> None:
        try:
            answer = await self._api.send("users.info", self._api.client.users_info(user=user_id))
        except (Throttled, Unsure, Refused) as error:
            _log.warning("slack.person_unknown", extra={"fault": str(error)})
            return
        user = answer["user"]
        self._known[user_id] = _Known(
            name=str(user.get("name") or ""), zone=str(user.get("tz") or ""), told_at=time.monotonic()
        )
