"""On whose clock a person means a time: the zone that Slack knows of them."""

from __future__ import annotations

import asyncio
import logging
import time

from bot.platforms.base import Refused, Throttled, Unsure
from bot.platforms.errands import Errands
from bot.platforms.slack.api import SlackApi

PATIENCE_S = 1.0
"""How long an answer may take: Slack waits three seconds for the acknowledgement of the command."""
KEPT_S = 3_600.0
"""Seconds until it is asked anew: people travel."""

_log = logging.getLogger(__name__)


class Zones:
    """Asks Slack once an hour and person."""

    def __init__(self, api: SlackApi, errands: Errands) -> None:
        self._api = api
        self._errands = errands
        self._known: dict[str, tuple[str, float]] = {}
        """By user id: the zone, and when it was told."""

    async def of(self, user_id: str) -> str:
        """The IANA name of the person's zone: the last one known, or nothing, if Slack does not say soon."""
        zone, told_at = self._known.get(user_id, ("", float("-inf")))
        if time.monotonic() - told_at < KEPT_S:
            return zone
        asking = self._errands.start(self._ask(user_id))
        await asyncio.wait({asking}, timeout=PATIENCE_S)
        return self._known.get(user_id, (zone, 0.0))[0]

    async def _ask(self, user_id: str) -> None:
        try:
            answer = await self._api.send("users.info", self._api.client.users_info(user=user_id))
        except (Throttled, Unsure, Refused) as error:
            _log.warning("slack.zone_unknown", extra={"fault": str(error)})
            return
        self._known[user_id] = (str(answer["user"].get("tz") or ""), time.monotonic())
