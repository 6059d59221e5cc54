"""What a run of Claude Code took: its totals are those of the whole conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from executor.backends.fields import amount, count, mapping
from executor.model import Usage


class Meter:
    """Adds up the `result` events of one run: several, where background tasks start turns of their own.

    `resumed` says that the conversation may have cost something before.
    """

    def __init__(self, *, resumed: bool) -> None:
        self._total_usd = None if resumed else 0.0
        self._counted = Usage()
        self._cost_unknown = False

    @property
    def usage(self) -> Usage:
        """What was read so far. A cost is None where any part of it is unknown."""
        return replace(self._counted, cost_usd=None) if self._cost_unknown else self._counted

    def read(self, result: dict[str, Any]) -> None:
        """Adds what the turns up to this `result`, and since the one before it, took."""
        cost = self._cost_usd(result)
        self._cost_unknown |= cost is None
        self._counted += Usage(
            cost_usd=cost,
            turns=count(result.get("num_turns")),
            duration_ms=count(result.get("duration_ms")),
        )

    def _cost_usd(self, result: dict[str, Any]) -> float | None:
        before, total = self._total_usd, amount(result.get("total_cost_usd"))
        self._total_usd = total
        models = result.get("model_usage_since_last_result")
        if isinstance(models, dict):
            return sum(amount(mapping(model).get("costUSD")) or 0.0 for model in models.values())
        # Older versions, 2.1.197 among them, only tell the total.
        if before is None or total is None:
            return None
        # A run that is killed leaves no total behind, so a total may start again.
        return total - before if total >= before else total
