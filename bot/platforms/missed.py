"""What people wrote in the threads of jobs while nobody listened: read back, however long that takes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.desk.hearing import Hearing
from bot.platforms.base import Refused, Throttled, Unsure
from bot.platforms.errands import Errands
from executor.steps import reach
from storage.threads import Thread

_TRIES = 20
PAUSE_S = 3.0

_log = logging.getLogger(__name__)


class Missed:
    """Has the threads read back each time that the platform begins to listen to us anew.

    `read` hands on what was written in these threads since then. It raises Throttled, Unsure or Refused where
    that has to be tried again.
    """

    def __init__(
        self,
        platform: str,
        *,
        read: Callable[[Sequence[Thread]], Awaitable[None]],
        hearing: Hearing,
        errands: Errands,
    ) -> None:
        self._platform = platform
        self._read = read
        self._hearing = hearing
        self._errands = errands
        self._reading: asyncio.Task[None] | None = None

    def look(self) -> None:
        """The platform listens from now on."""
        self._hearing.returned()
        if self._reading is None or self._reading.done():
            self._reading = self._errands.start(self._read_all())

    def stop(self) -> None:
        """Nobody is listened to any more: the next `look` begins anew."""
        if self._reading is not None:
            self._reading.cancel()

    async def _read_all(self) -> None:
        for _ in range(_TRIES):
            pause_s = PAUSE_S
            try:
                async with self._hearing.absence() as threads:
                    await self._read(threads)
                    reach("threads read back")
            except Throttled as error:
                pause_s = error.retry_after_s
            except (Unsure, Refused) as error:
                _log.warning("%s.not_read_back", self._platform, extra={"fault": str(error)})
            if not self._hearing.is_behind:
                return
            await asyncio.sleep(pause_s)
