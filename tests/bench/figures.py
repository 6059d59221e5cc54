"""What a measurement says: figures, their targets, and the statistics and the rhythm behind them."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a figure must keep to, in words, and whether it does."""

    text: str
    ok: bool


def at_most(measured: float, bound: float, unit: str) -> Target:
    return Target(text=f"≤ {bound:g} {unit}", ok=measured <= bound)


def at_least(measured: float, bound: float, unit: str) -> Target:
    return Target(text=f"≥ {bound:g} {unit}", ok=measured >= bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the table. `baseline` is of the same unit, measured in turns with `value`.

    `pair_ratio` is given where a share of a few percent matters.
    """

    name: str
    value: float
    unit: str
    baseline: float | None = None
    pair_ratio: float | None = None
    target: Target | None = None

    @property
    def ratio(self) -> float | None:
        """The value as a share of the baseline."""
        if self.pair_ratio is not None:
            return self.pair_ratio
        return self.value / self.baseline if self.baseline else None


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def p99(samples: Sequence[float]) -> float:
    """The smallest sample that 99 of 100 do not exceed: of fewer than 100 samples, the largest."""
    ranked = sorted(samples)
    return ranked[-(-99 * len(ranked) // 100) - 1]


def pair_ratio(samples: Sequence[float], baselines: Sequence[float]) -> float:
    """The median of each sample's ratio to its neighbour: what slows the machine for seconds cancels out.

    On a machine with other work it scatters half as much as the ratio of the two medians.
    """
    return median([sample / baseline for sample, baseline in zip(samples, baselines, strict=True)])


async def in_turns(
    rounds: int, measured: Callable[[], Awaitable[float]], baseline: Callable[[], Awaitable[float]]
) -> tuple[list[float], list[float]]:
    """Samples of both, A B B A A B …, so that what slows the machine down for a while slows down both."""
    samples: tuple[list[float], list[float]] = ([], [])
    turns = list(zip(samples, (measured, baseline), strict=True))
    for _ in range(rounds):
        for kept, sample in turns:
            kept.append(await sample())
        turns.reverse()
    return samples
