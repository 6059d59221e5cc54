"""The usage page: what jobs have cost, day by day, as a chart and in figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from aiohttp import web

from bot.desk.asks import Refusal
from bot.desk.chart import LAYERS, MEASURES, Chart, Measure, chart_of
from bot.desk.commands import shown
from bot.desk.spending import BY, Spending, Sum, read, span_of
from bot.web.pages.parts import Parts
from bot.web.problems import Problem

SPANS = {7: "7 days", 30: "30 days", 90: "90 days", 365: "a year"}
_FOUND_BY = {"type": "type", "person": "person", "provider": "provider"}
"""What the jobs page can find by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table: `layer` is the number of its colour, `share` its part of all, from 0 to 1."""

    sum: Sum
    layer: int
    share: float
    href: str


class UsagePage:
    """Shows everybody's usage: whoever is logged in to the page is its owner."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/usage", self._page)]

    async def _page(self, request: web.Request) -> web.Response:
        given = {name: value for name, value in request.query.items() if value}
        by, days, measure = _asked(given)
        spending = await read(self._parts.storage.api, by, datetime.now(UTC).date(), days)
        chart = chart_of(spending, measure)

        def address(**other: object) -> str:
            return "/usage?" + urlencode({"by": by, "days": days, "measure": measure.name} | other)

        return self._parts.templates.page(
            "usage.html",
            by=by,
            days=days,
            chart=chart,
            total=spending.total,
            tiles=[(each, each.said(each.of(spending.total))) for each in MEASURES.values()],
            rows=_rows(spending, chart),
            address=address,
            choices=BY,
            spans=SPANS,
        )


def _asked(given: dict[str, str]) -> tuple[str, int, Measure]:
    """What the address asks for. Raises Problem."""
    try:
        by, days = span_of(given)
    except Refusal as refused:
        raise Problem(422, refused.text, field=refused.field) from None
    measure = given.get("measure", "cost")
    if measure not in MEASURES:
        listed = ", ".join(f"`{each}`" for each in MEASURES)
        raise Problem(422, f"`{shown(measure)}` is not counted. There are: {listed}.", field="measure")
    return by, days, MEASURES[measure]


def _rows(spending: Spending, chart: Chart) -> Sequence[Row]:
    of = chart.measure.of
    # Days stay in their order; all else has the order of its layers.
    sums = spending.sums if spending.by == "day" else sorted(spending.sums, key=of, reverse=True)
    most = max((of(each) for each in sums), default=0) or 1
    return [
        Row(
            sum=each,
            layer=0 if spending.by == "day" else min(number, LAYERS),
            share=of(each) / most,
            href=_jobs(spending.by, each),
        )
        for number, each in enumerate(sums)
    ]


def _jobs(by: str, each: Sum) -> str:
    """Where the jobs page shows them; nothing where it cannot tell them apart."""
    if by == "day":
        return f"/jobs?since={each.key}&until={each.key}"
    return f"/jobs?{urlencode({_FOUND_BY[by]: each.label})}" if by in _FOUND_BY and each.key else ""
