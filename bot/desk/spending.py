"""What jobs have used: sums by day, type, person, model or provider, over a span of days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from operator import attrgetter

from bot.desk.asks import Refusal
from bot.desk.commands import shown
from bot.desk.option_table import USAGE_OPTIONS
from bot.news.words import UNKNOWN, duration, money
from executor.model import Usage
from storage.api import UsedOn
from storage.sqlite.api import ApiRecords

BY = USAGE_OPTIONS[0].choices
MOST_DAYS = 366
USUAL_DAYS = 30
NOTHING = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """What the attempts of one thing (or all of them) took. `jobs` counts jobs whose first attempt it was."""

    key: str
    name: str = ""
    jobs: int = 0
    attempts: int = 0
    usage: Usage = NOTHING

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.key or UNKNOWN

    @property
    def figures(self) -> tuple[str, str, str, str]:
        """Jobs, cost, turns and time, in words."""
        usage = self.usage
        turns = UNKNOWN if usage.turns is None else f"{usage.turns:,}"
        return f"{self.jobs:,}", money(usage.cost_usd), turns, duration(usage.duration_ms)

    def plus(self, other: Sum) -> Sum:
        """Both together. What nobody told is not part of a sum."""
        return replace(
            self,
            jobs=self.jobs + other.jobs,
            attempts=self.attempts + other.attempts,
            usage=self.usage + other.usage,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Sums over the days from `first` to `last` (UTC), the largest first; those by day, the latest first."""

    by: str
    first: date
    last: date
    sums: Sequence[Sum]
    days: Mapping[tuple[date, str], Sum]
    """The same day by day, by what `sums` have as their keys."""
    total: Sum

    @property
    def span(self) -> Sequence[date]:
        """All days of it, the first first."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]


async def read(records: ApiRecords, by: str, last: date, days: int, whose: str = "") -> Spending:
    """What was used on the last `days`, as far as it is the business of `whose` (see ApiRecords.usage)."""
    first = date.fromordinal(max(1, last.toordinal() - days + 1))
    return spending_of(await records.usage(first, last, by, whose), by, first, last)


def spending_of(rows: Iterable[UsedOn], by: str, first: date, last: date) -> Spending:
    """The sums of the store, told apart by day and by what they are of."""
    days: dict[tuple[date, str], Sum] = {}
    sums: dict[str, Sum] = {}
    total = Sum(key="")
    for row in rows:
        day, key = date.fromisoformat(row.day), row.day if by == "day" else row.key
        one = Sum(key=key, name=row.name, jobs=row.jobs, attempts=row.attempts, usage=row.usage)
        days[day, "" if by == "day" else key] = one
        sums[key] = sums[key].plus(one) if key in sums else one
        total = total.plus(one)
    ranked = sorted(sums.values(), key=attrgetter("key") if by == "day" else _weight, reverse=True)
    return Spending(by=by, first=first, last=last, sums=ranked, days=days, total=total)


def span_of(args: Mapping[str, str]) -> tuple[str, int]:
    """`--by` and `--days`. Raises Refusal."""
    by, days = args.get("by") or "day", args.get("days") or str(USUAL_DAYS)
    if by not in BY:
        listed = ", ".join(f"`{each}`" for each in BY)
        raise Refusal(f"`{shown(by)}` cannot be the value of `--by`. There are: {listed}.", "by")
    if not (days.isascii() and days.isdigit() and len(days) < 5 and 1 <= int(days) <= MOST_DAYS):
        raise Refusal(f"`{shown(days)}` is no number of days: `--days` takes 1 to {MOST_DAYS}.", "days")
    return by, int(days)


def _weight(each: Sum) -> tuple[float, int, int]:
    return each.usage.cost_usd or 0.0, each.usage.turns or 0, each.jobs
