"""Discord's limits: buckets per route and channel, one for the whole bot, and all other numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many requests in a window of so many seconds, which begins with the first of them."""

    requests: int
    window_s: float


FIVE_IN_FIVE = Limit(requests=5, window_s=5.0)
DEFAULT_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "POST /channels/{channel}/messages": FIVE_IN_FIVE,
        "PATCH /channels/{channel}/messages/{message}": FIVE_IN_FIVE,
        "PATCH /channels/{channel}": Limit(requests=5, window_s=600.0),
    }
)
ORDINARY = Limit(requests=50, window_s=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What Discord enforces; times in seconds. Where Discord publishes no number, it is a guess to turn."""

    rate_limits: bool = True
    limits: Mapping[str, Limit] = field(default_factory=lambda: DEFAULT_LIMITS)
    everything: Limit = Limit(requests=50, window_s=1.0)
    ack_s: float = 3.0
    token_s: float = 900.0
    nonce_s: float = 300.0
    nonce_in_history: bool = False
    """Whether messages that are read again carry their nonce; Discord stores none for long."""
    active_threads: int = 1_000
    old_edits: int = 120
    """Edits that a message older than an hour takes."""
    file_bytes: int = 10 * 1024 * 1024
    heartbeat_s: float = 41.25


@dataclass(slots=True)
class _Window:
    ends_at: float
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a request may pass, and the headers that say how the bucket stands."""

    headers: Mapping[str, str]
    wait_s: float = 0.0
    whole_bot: bool = False


class Buckets:
    """Fixed windows, as Discord's headers describe them."""

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._windows: dict[tuple[str, str], _Window] = {}

    def take(self, route: str, major: str, *, counts_globally: bool) -> Verdict:
        """Counts one request."""
        if not self._rules.rate_limits:
            return Verdict(headers={})
        if counts_globally:
            whole = self._window(("", ""), self._rules.everything)
            if whole.left <= 0:
                return self._refused_globally(whole)
            whole.left -= 1
        limit = self._rules.limits.get(route, ORDINARY)
        window = self._window((route, major), limit)
        wait_s = max(0.001, window.ends_at - self._clock()) if window.left <= 0 else 0.0
        window.left = max(0, window.left - 1)
        headers = self._headers(route, limit, window)
        if wait_s:
            headers |= {"Retry-After": str(math.ceil(wait_s)), "X-RateLimit-Scope": "user"}
        return Verdict(headers=headers, wait_s=wait_s)

    def _window(self, key: tuple[str, str], limit: Limit) -> _Window:
        window, now = self._windows.get(key), self._clock()
        if window is None or window.ends_at <= now:
            window = self._windows[key] = _Window(now + limit.window_s, limit.requests)
        return window

    def _headers(self, route: str, limit: Limit, window: _Window) -> dict[str, str]:
        left_s = max(0.0, window.ends_at - self._clock())
        return {
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(window.left),
            "X-RateLimit-Reset": f"{window.ends_at:.3f}",
            "X-RateLimit-Reset-After": f"{left_s:.3f}",
            "X-RateLimit-Bucket": sha256(route.encode()).hexdigest()[:32],
        }

    def _refused_globally(self, window: _Window) -> Verdict:
        wait_s = max(0.001, window.ends_at - self._clock())
        headers = {
            "Retry-After": str(math.ceil(wait_s)),
            "X-RateLimit-Global": "true",
            "X-RateLimit-Scope": "global",
        }
        return Verdict(headers=headers, wait_s=wait_s, whole_bot=True)
