"""Who may speak when: what a platform allows us, spent on the most urgent word first."""

from __future__ import annotations

import asyncio
from enum import IntEnum, StrEnum

from bot.platforms.base import Caps
from executor.wakeups import Bell


class Urgency(IntEnum):
    """Smaller goes first."""

    FINAL = 0
    STATE = 1
    BUTTONS = 2
    TOOL = 3
    TEXT = 4


class Method(StrEnum):
    """What is called; platforms count each by itself."""

    POST = "post"
    EDIT = "edit"
    ATTACH = "attach"
    FIND = "find"


_WHOLE = 1e-9
"""What a token may lack, within the rounding of sums: short of it by a hair, a timer would ring for ever."""
_AT_ONCE_S = 0.15
"""Of what the whole bot may say in a second, so much may go out at once."""
_FEW = 4
"""Lookups or files that may go out at once."""


class Ticket:
    """A place in the line. `bell` rings when `granted` turns true; the turn is spent by then."""

    def __init__(self, urgency: Urgency, bell: Bell) -> None:
        self.urgency = urgency
        self.asked_at = now_s()
        self.granted = False
        self._bell = bell

    def grant(self) -> None:
        self.granted = True
        self._bell.ring()


class Budget:
    """So many calls a minute, with a burst. Whoever waits the longest of the most urgent goes next.

    Half of the burst is for news: what merely keeps a message up to date leaves it alone, so that a new state
    finds a turn at once however many jobs stream. Each turn is one of `whole` as well, where that is given.
    """

    def __init__(self, per_minute: float, burst: int, whole: Budget | None = None) -> None:
        self._whole = whole
        self._rate = per_minute / 60
        self._burst = burst
        self._tokens = float(burst)
        self._counted_at = now_s()
        self._paused_until = 0.0
        self._waiting: list[Ticket] = []
        self._kept_up: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def interval_s(self) -> float:
        """Seconds between two edits of a message, if all that are kept up to date share what there is."""
        return sum(self._kept_up.values()) / self._rate

    @property
    def rested(self) -> bool:
        """Whether a new one would be no different."""
        self._refill()
        return not (self._waiting or self._kept_up) and self._tokens >= self._burst

    def keep_up(self, key: str, weight: float) -> None:
        """Counts in a message that is edited again and again, `weight` times as often as others."""
        self._kept_up[key] = weight

    def let_be(self, key: str) -> None:
        """Counts it out."""
        self._kept_up.pop(key, None)

    def ask(self, urgency: Urgency, bell: Bell) -> Ticket:
        """Gets in line."""
        ticket = Ticket(urgency, bell)
        self._waiting.append(ticket)
        self._serve()
        return ticket

    def hurry(self, ticket: Ticket, urgency: Urgency) -> None:
        """What waits has become more urgent, or less."""
        if ticket.urgency is not urgency:
            ticket.urgency = urgency
            self._serve()

    def leave(self, ticket: Ticket) -> None:
        """Gets out of line. A turn that was granted meanwhile goes to the next."""
        if ticket.granted:
            self._tokens += 1
        elif ticket in self._waiting:
            self._waiting.remove(ticket)
        self._serve()

    def pause(self, seconds: float) -> None:
        """No turns for so long, then one, then as ever: the platform said so."""
        self._refill()
        self._tokens = min(self._tokens, 1 - seconds * self._rate)
        self._paused_until = max(self._paused_until, now_s() + seconds)
        self._serve()

    def _serve(self) -> None:
        self._refill()
        wait_s = 0.0
        while self._waiting and not wait_s:
            ticket = min(self._waiting, key=lambda each: (each.urgency, each.asked_at))
            wait_s = self._wait_s(ticket.urgency)
            if not wait_s:
                self._waiting.remove(ticket)
                self._spend()
                ticket.grant()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._serve)

    def _spend(self) -> None:
        self._tokens -= 1
        if self._whole is not None:
            self._whole._spend()

    def _wait_s(self, urgency: Urgency) -> float:
        kept = 0 if urgency <= Urgency.BUTTONS else self._burst // 2
        lacking = 1 + kept - self._tokens
        wait_s = max(lacking / self._rate if lacking > _WHOLE else 0.0, self._paused_until - self._counted_at)
        return wait_s if self._whole is None else max(wait_s, self._whole.wait_s())

    def wait_s(self) -> float:
        """Seconds until something urgent might have a turn, if nobody else waits."""
        self._refill()
        return self._wait_s(Urgency.FINAL)

    def _refill(self) -> None:
        now = now_s()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now


class Pacing:
    """The budgets of one team on one platform (or of all its teams, where each place counts apart): one a
    method, and a place where that counts apart.
    """

    def __init__(self, caps: Caps) -> None:
        self._caps = caps
        self._whole: Budget | None = None
        if caps.calls_per_second is not None:
            at_once = max(1, round(caps.calls_per_second * _AT_ONCE_S))
            self._whole = Budget(60 * caps.calls_per_second, at_once)
        self._budgets: dict[tuple[str, str, str], Budget] = {}

    def budget(self, method: Method, channel: str, thread: str | None) -> Budget:
        """What such calls there are counted by; to be asked for each time, for those at rest are dropped."""
        key = self._key(method, channel, thread or "")
        if key not in self._budgets:
            self._budgets = {key: each for key, each in self._budgets.items() if not each.rested}
            self._budgets[key] = self._new(method)
        return self._budgets[key]

    def _key(self, method: Method, channel: str, thread: str) -> tuple[str, str, str]:
        if method in (Method.FIND, Method.ATTACH):
            return (method, "", "")
        if self._caps.threads_apart:
            return (method, channel, thread)
        return (method, channel if method is Method.POST else "", "")

    def _new(self, method: Method) -> Budget:
        caps = self._caps
        allowed = {
            Method.POST: (caps.posts_per_minute, caps.post_burst),
            Method.EDIT: (caps.edits_per_minute, caps.edit_burst),
            Method.ATTACH: (caps.files_per_minute, _FEW),
            Method.FIND: (caps.lookups_per_minute, _FEW),
        }
        return Budget(*allowed[method], self._whole)


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
        budget.hurry(ticket, urgency)
        if ticket.granted:
            self._place = None
        return ticket.granted

    def leave(self) -> None:
        """Gives the place up, if there is one."""
        if self._place is not None:
            budget, ticket = self._place
            budget.leave(ticket)
            self._place = None


def now_s() -> float:
    """Seconds on the clock that the timers go by."""
    return asyncio.get_running_loop().time()
