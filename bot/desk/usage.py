"""`/job usage`: what was used, as a table, a picture, and the way to the page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC

from bot.desk.access import Access
from bot.desk.asks import Answer, Ask
from bot.desk.chart import MEASURES, chart_of
from bot.desk.commands import shown
from bot.desk.picture import draw
from bot.desk.spending import Spending, Sum, read, span_of
from bot.platforms.base import Attachment
from executor.ports import Clock
from storage.sqlite.api import ApiRecords

_MOST_ROWS = 31
_LONGEST = 24
_HEADS = ("jobs", "cost", "turns", "time")


class UsageDesk:
    """The part of the desk that tells people what their jobs have used. Who asks has been let in before."""

    def __init__(
        self, records: ApiRecords, access: Access, clock: Clock, public_url: Callable[[], str]
    ) -> None:
        self._records = records
        self._access = access
        self._clock = clock
        self._public_url = public_url

    async def answer(self, ask: Ask) -> Answer:
        """The person's own usage; admins get everybody's. Raises Refusal."""
        by, days = span_of(ask.args)
        today = self._clock.now().astimezone(UTC).date()
        whose = self._access.usage_of(ask.origin.actor)
        spending = await read(self._records, by, today, days, whose)
        title = _title(spending, days, own=whose.endswith(f":{ask.origin.actor.user_id}:"))
        if not spending.total.attempts:
            return Answer(ok=True, text=f"{title}: nothing yet. What jobs take is counted when they end.")
        measure = MEASURES["cost" if spending.total.usage.cost_usd else "turns"]
        content = await asyncio.to_thread(draw, chart_of(spending, measure), f"{measure.title} · {title}")
        name = f"usage-{by}-{spending.last:%Y-%m-%d}.png"
        address = f"{self._public_url()}/usage?by={by}&days={days}"
        text = "\n".join([f"**{title}**", _table(spending), f"With charts to look through: {address}"])
        return Answer(
            ok=True,
            text=text,
            picture=Attachment(name=name, title=f"{measure.title} · {title}", content=content),
        )


def _title(spending: Spending, days: int, *, own: bool) -> str:
    whose = "Your usage" if own else "Usage"
    span = "today" if days == 1 else f"in the last {days} days"
    return f"{whose} {span}, by {spending.by}"


def _table(spending: Spending) -> str:
    """In columns, as a block of code: the one form of a table that every platform keeps in line."""
    rows = [_row(each) for each in spending.sums[:_MOST_ROWS]]
    lines = [(spending.by, *_HEADS), *rows, ("total", *spending.total.figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS) + 1)]
    more = len(spending.sums) - len(rows)
    left_out = [f"… and {more} more"] if more > 0 else []
    table = [_line(line, widths) for line in lines]
    return "\n".join(["```", *table[:-1], *left_out, table[-1], "```"])


def _row(each: Sum) -> tuple[str, ...]:
    label = shown(each.label)
    return (label if len(label) <= _LONGEST else f"{label[: _LONGEST - 1]}…", *each.figures)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = cells
    return "  ".join([first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))])
