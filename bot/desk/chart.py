"""A bar for each day, in layers: what the page and the picture draw of what was used. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot.desk.spending import Spending, Sum
from bot.news.words import duration, money

LAYERS = 5
"""Things that have a colour of their own; all others share one more."""
OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Something that was used, and how much of it is said in words."""

    name: str
    title: str
    of: Callable[[Sum], float]
    said: Callable[[float], str]


def _whole(amount: float) -> str:
    return f"{amount:,.0f}"


MEASURES: Mapping[str, Measure] = {
    each.name: each
    for each in (
        Measure(name="cost", title="Cost", of=lambda each: each.usage.cost_usd or 0.0, said=money),
        Measure(name="turns", title="Turns", of=lambda each: float(each.usage.turns or 0), said=_whole),
        Measure(name="jobs", title="Jobs", of=lambda each: float(each.jobs), said=_whole),
        Measure(
            name="time",
            title="Agents' time",
            of=lambda each: float(each.usage.duration_ms or 0),
            said=duration,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One thing's part of each bar, in the order of the days."""

    label: str
    amounts: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A part of a bar: `layer` is the number of its layer, the rest are parts of the chart's height."""

    layer: int
    bottom: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`top` is the round amount at the upper end of the scale."""

    measure: Measure
    days: Sequence[date]
    layers: Sequence[Layer]
    top: float

    def amount(self, day: int) -> float:
        """All of a day, which goes by its number."""
        return sum(layer.amounts[day] for layer in self.layers)

    def bar(self, day: int) -> Sequence[Block]:
        """The parts of a day's bar, from the ground up."""
        blocks: list[Block] = []
        bottom = 0.0
        for number, layer in enumerate(self.layers):
            height = layer.amounts[day] / self.top
            if height > 0:
                blocks.append(Block(layer=number, bottom=bottom, height=height))
            bottom += height
        return blocks

    def said(self, day: int) -> str:
        """The bar in words: `2026-11-21: $1.20 (opus $1.00, sonnet $0.20)`."""
        of = [(layer.label, layer.amounts[day]) for layer in self.layers if layer.label]
        parts = ", ".join(f"{label} {self.measure.said(amount)}" for label, amount in of if amount)
        whole = f"{self.days[day]:%Y-%m-%d}: {self.measure.said(self.amount(day))}"
        return f"{whole} ({parts})" if parts else whole


def chart_of(spending: Spending, measure: Measure) -> Chart:
    """The largest of what it is by, each a layer, and all others in one."""
    if spending.by == "day":
        layers = [_layer(spending, measure, "", [""])]
    else:
        ranked = sorted(spending.sums, key=measure.of, reverse=True)
        layers = [_layer(spending, measure, each.label, [each.key]) for each in ranked[:LAYERS]]
        if len(ranked) > LAYERS:
            layers.append(_layer(spending, measure, OTHERS, [each.key for each in ranked[LAYERS:]]))
    days = spending.span
    most = max(sum(layer.amounts[day] for layer in layers) for day in range(len(days))) if layers else 0
    return Chart(measure=measure, days=days, layers=layers, top=_round(measure, most))


def _layer(spending: Spending, measure: Measure, label: str, keys: Sequence[str]) -> Layer:
    nothing = Sum(key="")
    amounts = [
        sum(measure.of(spending.days.get((day, key), nothing)) for key in keys) for day in spending.span
    ]
    return Layer(label=label, amounts=amounts)


_TIMES_MS = [minutes * 60_000.0 for minutes in (1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 960, 1440, 2880)]


def _round(measure: Measure, most: float) -> float:
    """The next amount up that people would write at the end of a scale."""
    if measure.name == "time" and most <= _TIMES_MS[-1]:
        return next(each for each in _TIMES_MS if each >= most)
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    least = 1.0 if measure.name in ("turns", "jobs") else 0.0
    return max(least, next(step * power for step in (1, 2, 5, 10) if step * power >= most * (1 - 1e-9)))
