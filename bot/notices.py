"""What admins have to know at once, told to each of them alone, where they can be reached."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from hashlib import sha256

from bot.platforms.base import Announcement, ChatPlatform, Refused, Shape, Throttled, Tone, Unsure

_TEAM = ""
"""Platforms find a person by their id alone."""

log = logging.getLogger(__name__)


class Notices:
    """`admins` are the ids of those of each platform."""

    def __init__(self, admins: Mapping[str, frozenset[str]]) -> None:
        self._admins = admins
        self._told: set[str] = set()

    async def tell(self, text: str, platforms: Mapping[str, ChatPlatform]) -> None:
        """Tells the admins of these platforms; the same thing once."""
        if text in self._told:
            return
        self._told.add(text)
        for name, platform in platforms.items():
            for user_id in sorted(self._admins.get(name, ())):
                await _tell(platform, user_id, text)


async def _tell(platform: ChatPlatform, user_id: str, text: str) -> None:
    notice = Announcement(shape=Shape.PAGE, tone=Tone.BAD, title="A notice for admins", body=text)
    key = f"notice:{user_id}:{sha256(text.encode()).hexdigest()[:16]}"
    try:
        await platform.post(await platform.direct(_TEAM, user_id), notice, key)
    except (Throttled, Unsure, Refused) as error:
        log.warning("notices.not_told", extra={"platform": platform.name, "fault": str(error)})
