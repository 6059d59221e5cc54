"""Who may speak when: budgets that platforms give us, spent on the most urgent word first."""

from __future__ import annotations

import asyncio
from enum import IntEnum

from executor.wakeups import Bell


class Urgency(IntEnum):
    """Smaller goes first."""

    FINAL = 0
    STATE = 1
    TEXT = 2
    TICK = 3


_WHOLE = 1 - 1e-9
"""A token, within the rounding of sums: short of one by a hair, its timer would ring for ever."""


class Ticket:
    """A place in the line. `bell` rings when `granted` turns true; the turn is spent by then."""

    def __init__(self, urgency: Urgency, bell: Bell) -> None:
        self.urgency = urgency
        self.asked_at = _now()
        self.granted = False
        self._bell = bell

    def grant(self) -> None:
        self.granted = True
        self._bell.ring()


class Budget:
    """So many calls a minute, with a burst. Whoever waits the longest of the most urgent goes next."""

    def __init__(self, per_minute: float, burst: int) -> None:
        self._rate = per_minute / 60
        self._burst = burst
        self._tokens = float(burst)
        self._counted_at = _now()
        self._waiting: list[Ticket] = []
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, urgency: Urgency, bell: Bell) -> Ticket:
        """Gets in line. The urgency of the ticket may be raised while it waits."""
        ticket = Ticket(urgency, bell)
        self._waiting.append(ticket)
        self._serve()
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Gets out of line. A turn that was granted meanwhile goes to the next."""
        if ticket.granted:
            self._tokens += 1
        elif ticket in self._waiting:
            self._waiting.remove(ticket)
        self._serve()

    def pause(self, seconds: float) -> None:
        """No turns for so long: the platform said so."""
        self._refill()
        self._tokens = min(self._tokens, 1 - seconds * self._rate)

    def _serve(self) -> None:
        self._refill()
        while self._waiting and self._tokens >= _WHOLE:
            ticket = min(self._waiting, key=lambda each: (each.urgency, each.asked_at))
            self._waiting.remove(ticket)
            self._tokens -= 1
            ticket.grant()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            wait_s = (1 - self._tokens) / self._rate
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._serve)

    def _refill(self) -> None:
        now = _now()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now


class Line:
    """One's place: in the line of one budget at a time, and kept there until it is one's turn."""

    def __init__(self) -> None:
        self._place: tuple[Budget, Ticket] | None = None

    def stand(self, budget: Budget, urgency: Urgency, bell: Bell) -> bool:
        """Whether it is one's turn, which is then spent. If not, `bell` rings when it is."""
        if self._place is not None and self._place[0] is not budget:
            self.leave()
        if self._place is None:
            self._place = (budget, budget.ask(urgency, bell))
        ticket = self._place[1]
        ticket.urgency = urgency
        if ticket.granted:
            self._place = None
        return ticket.granted

    def leave(self) -> None:
        """Gives the place up, if there is one."""
        if self._place is not None:
            budget, ticket = self._place
            budget.leave(ticket)
            self._place = None


def _now() -> float:
    """Seconds on the clock that the timers go by."""
    return asyncio.get_running_loop().time()
