"""The two clocks of an attempt: how long it has worked, and how long its CLI has said nothing."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clocks:
    """Both stand still while a person is waited for. `spent_s` is what it may not take any more.

    Of times of monotonic clocks and in seconds, all of it.
    """

    def __init__(
        self,
        timeout_s: float,
        silence_s: float,
        spent_s: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeout_s = timeout_s
        self.silence_s = silence_s
        self._spent_s = spent_s
        self._now = now
        self._began = self._heard = now()
        self._stood_since: float | None = None

    def hear(self) -> None:
        """The CLI has said something, or was told something: the silence begins anew."""
        self._heard = self._now()

    def stand_still(self, waits: bool) -> None:
        """Stops both clocks, or lets them go on from where they stood."""
        if waits and self._stood_since is None:
            self._stood_since = self._now()
        elif not waits and self._stood_since is not None:
            stood = self._now() - self._stood_since
            self._stood_since = None
            self._began += stood
            self.hear()

    @property
    def worked_s(self) -> float:
        """How long it has worked, without what it has waited for people."""
        return self._time - self._began

    @property
    def time_left_s(self) -> float:
        """How long it may go on."""
        return self.timeout_s - self._spent_s - self.worked_s

    @property
    def patience_s(self) -> float:
        """How long it may still say nothing."""
        return self._heard + self.silence_s - max(self._time, self._heard)

    @property
    def _time(self) -> float:
        return self._now() if self._stood_since is None else self._stood_since
