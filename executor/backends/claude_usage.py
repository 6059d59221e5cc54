"""What a run of Claude Code took: its totals are those of the whole conversation."""

from __future__ import annotations

from typing import Any

from executor.backends.fields import amount, count
from executor.model import Usage


class Meter:
    """Adds up the `result` events of one run: several, where background tasks start turns of their own.

    `resumed` says that the conversation may have cost something before.
    """

    def __init__(self, *, resumed: bool) -> None:
        self._total_usd = None if resumed else 0.0
        self._costs_usd: list[float | None] = []
        self._counted = Usage()

    @property
    def usage(self) -> Usage:
        """What was read so far. A cost is None where any part of it is unknown."""
        known = [cost for cost in self._costs_usd if cost is not None]
        unknown = not known or len(known) < len(self._costs_usd)
        return Usage(
            cost_usd=None if unknown else sum(known),
            turns=self._counted.turns,
            duration_ms=self._counted.duration_ms,
        )

    def read(self, result: dict[str, Any]) -> None:
        """Adds what the turns up to this `result`, and since the one before it, took."""
        self._costs_usd.append(self._cost_usd(result))
        self._counted += Usage(
            turns=count(result.get("num_turns")), duration_ms=count(result.get("duration_ms"))
        )

    def _cost_usd(self, result: dict[str, Any]) -> float | None:
        before, total = self._total_usd, amount(result.get("total_cost_usd"))
        self._total_usd = total
        match result.get("model_usage_since_last_result"):
            case dict(models):
                costs = (amount(model.get("costUSD")) for model in models.values() if isinstance(model, dict))
                return sum((cost for cost in costs if cost is not None), 0.0)
        # Older versions, 2.1.197 among them, only tell the total.
        if before is None or total is None:
            return None
        # A run that is killed leaves no total behind, so a total may start again.
        return total - before if total >= before else total
