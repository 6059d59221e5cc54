"""Slack's limits: every number that Slack does not promise is a rule, and token buckets answer 429."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A token bucket: `burst` calls at once, refilled with `per_minute` calls a minute."""

    per_minute: float
    burst: int


TIER_2 = Limit(per_minute=20, burst=5)
TIER_3 = Limit(per_minute=50, burst=10)
TIER_4 = Limit(per_minute=100, burst=20)
SPECIAL = Limit(per_minute=300, burst=60)

DEFAULT_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "apps.connections.open": Limit(per_minute=1, burst=5),
        "auth.test": SPECIAL,
        "chat.delete": TIER_3,
        "chat.getPermalink": SPECIAL,
        "chat.postEphemeral": TIER_4,
        "chat.postMessage": SPECIAL,
        "chat.update": TIER_3,
        "conversations.history": TIER_3,
        "conversations.info": TIER_3,
        "conversations.members": TIER_4,
        "conversations.open": TIER_3,
        "conversations.replies": TIER_3,
        "files.completeUploadExternal": TIER_4,
        "files.getUploadURLExternal": TIER_4,
        "reactions.add": TIER_3,
        "reactions.remove": TIER_2,
        "users.info": TIER_4,
        "views.open": TIER_4,
        "views.publish": TIER_4,
        "views.update": TIER_4,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What Slack enforces, with the numbers nobody can be sure of as parameters; times are in seconds."""

    rate_limits: bool = True
    rate_scale: float = 1.0  # multiplies every rate and every burst
    limits: Mapping[str, Limit] = field(default_factory=lambda: DEFAULT_LIMITS)
    post_per_channel: Limit = Limit(per_minute=60, burst=3)
    retry_after_s: int | None = None  # None: as long as the bucket needs for its next token

    ack_s: float = 3.0
    trigger_s: float = 3.0
    event_retry_delays_s: tuple[float, ...] = (0.0, 60.0, 300.0)
    max_connections: int = 10
    response_url_uses: int = 5
    response_url_s: float = 1800.0

    post_text_truncated_at: int = 40_000
    post_text_split_over: int | None = None  # some workspaces split post text over about 4,000
    update_text: int = 4_000
    markdown_characters: int = 12_000
    markdown_pings: bool = True  # whether `<!channel>` inside a markdown block notifies
    should_escape: bool = True  # the manifest's switch for `<@U…|name>` in a command's text


class Buckets:
    """Token buckets per method, and per channel for posts; a refused caller must wait out its Retry-After."""

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._levels: dict[tuple[str, str], tuple[float, float]] = {}
        self._paused: dict[tuple[str, str], float] = {}

    def take(self, method: str, channel: str) -> int | None:
        """Count one call; the whole seconds to wait when it is refused, else None."""
        if not self._rules.rate_limits:
            return None
        buckets = self._buckets_of(method, channel)
        wait = max((self._wait(key, limit) for key, limit in buckets.items()), default=0)
        if wait:
            return wait
        for key, limit in buckets.items():
            self._levels[key] = (self._level(key, limit) - 1, self._clock())
        return None

    def _buckets_of(self, method: str, channel: str) -> dict[tuple[str, str], Limit]:
        buckets: dict[tuple[str, str], Limit] = {}
        if method in self._rules.limits:
            buckets[method, ""] = self._scaled(self._rules.limits[method])
        if method == "chat.postMessage":
            buckets[method, channel] = self._scaled(self._rules.post_per_channel)
        return buckets

    def _scaled(self, limit: Limit) -> Limit:
        scale = self._rules.rate_scale
        return Limit(per_minute=limit.per_minute * scale, burst=max(1, round(limit.burst * scale)))

    def _level(self, key: tuple[str, str], limit: Limit) -> float:
        level, at = self._levels.get(key, (float(limit.burst), self._clock()))
        return min(float(limit.burst), level + (self._clock() - at) * limit.per_minute / 60)

    def _wait(self, key: tuple[str, str], limit: Limit) -> int:
        paused_s = self._paused.get(key, 0.0) - self._clock()
        if paused_s > 0:
            return math.ceil(paused_s)
        level = self._level(key, limit)
        if level > 1 - 1e-9:  # a caller who waited exactly Retry-After passes
            return 0
        wait_s = self._rules.retry_after_s or max(1, math.ceil((1 - level) * 60 / limit.per_minute))
        self._paused[key] = self._clock() + wait_s
        return wait_s
