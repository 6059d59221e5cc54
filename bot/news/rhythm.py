"""How often a job's messages change without news: as often as the platform allows to all that stream."""

from __future__ import annotations

from zlib import crc32

from bot.news.pacing import Budget, Urgency, now_s

TICK_S = 15.0
"""Seconds between two looks at a card that may have changed without news: by time alone, by other jobs."""
STEP_S = 5.0
"""The same where the agent has taken another step."""
_HEARTBEAT_S = 60.0
"""The same where so many jobs stream that their cards tell of states only."""
_SLOWEST_S = 45.0
"""Output that comes slower than that is not live any more."""
_CARDS_SHARE = 1 / 3
"""How often a card is edited for each edit of a page."""
_PAGES_SHARE = 1 / (1 + _CARDS_SHARE)
"""Where no card happens to be edited, pages may be as often as if there were none."""


class Rhythm:
    """Of one job. `quiet`: its channel wants to see states and last words alone."""

    def __init__(self, job_id: str, least_gap_s: float, *, quiet: bool) -> None:
        self.quiet = quiet
        self._job_id = job_id
        self._least_gap_s = least_gap_s
        # The cards of jobs that began together do not come all at once for ever.
        self._spread = 1 + 2 / 3 * crc32(job_id.encode()) / 2**32
        self._text_at = 0.0
        self._card_at = now_s()
        self._cards: Budget | None = None
        self._pages: Budget | None = None

    def stream(self, cards: Budget, pages: Budget) -> None:
        """It runs: its card and its pages are edited at the cost of these."""
        if (cards, pages) != (self._cards, self._pages):
            self.rest()
            self._cards, self._pages = cards, pages
            if not self.quiet:
                cards.keep_up(f"{self._job_id}:card", _CARDS_SHARE)
                pages.keep_up(f"{self._job_id}:pages", 1)

    def rest(self) -> None:
        """It does not run: others may speak more often."""
        if self._cards is not None and self._pages is not None:
            self._cards.let_be(f"{self._job_id}:card")
            self._pages.let_be(f"{self._job_id}:pages")
        self._cards = self._pages = None

    @property
    def muted(self) -> bool:
        """Whether no live output is shown: nobody wants it, or more jobs stream than can be edited."""
        return self.quiet or (self._pages is not None and self._pages.interval_s > _SLOWEST_S)

    def text_shown(self) -> None:
        self._text_at = now_s()

    def card_shown(self) -> None:
        self._card_at = now_s()

    def text_in_s(self) -> float:
        """Seconds until a page may be begun or grow."""
        interval_s = self._pages.interval_s if self._pages is not None else 0.0
        return self._text_at + max(self._least_gap_s, _PAGES_SHARE * interval_s) - now_s()

    def card_in_s(self, urgency: Urgency) -> float:
        """Seconds until the card may show a new step, or the time alone."""
        interval_s = self._cards.interval_s if self._cards is not None else 0.0
        if interval_s > _SLOWEST_S:
            gap_s = max(_HEARTBEAT_S, self._spread * interval_s)
        else:
            least_s = STEP_S if urgency is Urgency.TOOL else TICK_S
            gap_s = max(least_s, self._spread * interval_s / _CARDS_SHARE)
        return self._card_at + gap_s - now_s()
