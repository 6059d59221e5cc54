"""When cron expressions are due: by croniter, with a guard for the days on which clocks change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from executor.cron_fields import EXAMPLES, Field, plain, read_fields
from executor.moments import TimeRefused, quoted, span

LEAST_INTERVAL = timedelta(minutes=5)
"""How close together the runs of a schedule may be, unless an administrator says otherwise."""


@dataclass(frozen=True, slots=True)
class Fire:
    """One time that a schedule is due (UTC). `key` is unique per schedule: it is what must run once only."""

    at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class Cron:
    """A rhythm: a five-field expression on the clocks of `zone`. Raises TimeRefused for any other expression.

    Where minute or hour begin with `*` it is a cadence, which goes on through both passes of a repeated hour;
    otherwise it names times of day, and each of those comes once. Not to be asked by two threads at once.
    """

    expression: str
    zone: ZoneInfo
    fields: tuple[Field, ...] = field(init=False, repr=False, compare=False)
    _search: croniter = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fields = read_fields(self.expression)
        object.__setattr__(self, "fields", fields)
        object.__setattr__(self, "_search", _croniter(fields))

    def next_after(self, instant: datetime, last: Fire | None = None) -> Fire:
        """The first fire past `instant`, other than `last` and what would repeat it in an autumn night."""
        at = instant
        while True:
            at = self._next_beat(at) if self._cadence else self._ask(at, self.zone)
            fire = self.fire(at)
            if last is None or not _repeats(fire, last):
                return fire

    def next_runs(self, after: datetime, number: int = 3) -> list[Fire]:
        """The next fires past `after`."""
        return list(islice(self._runs(after), number))

    def fire(self, at: datetime) -> Fire:
        """The fire at `at`. What makes it unique is its wall minute, or for a cadence its UTC minute."""
        shown = at.astimezone(UTC if self._cadence else self.zone).replace(tzinfo=None)
        return Fire(at, shown.isoformat(timespec="minutes") + ("Z" if self._cadence else ""))

    @property
    def _cadence(self) -> bool:
        minute, hour, *_ = self.fields
        return minute.starred or hour.starred

    def _ask(self, after: datetime, zone: tzinfo) -> datetime:
        # A wall time moved out of a gap may bear an offset that does not hold: to UTC, which has no gaps.
        return self._search.get_next(datetime, start_time=after.astimezone(zone)).astimezone(UTC)

    def _next_beat(self, after: datetime) -> datetime:
        """The next fire of a cadence.

        Of the second pass of an hour croniter sees the first candidate only, and misses the others where the
        clocks go back by half an hour or by two; those are found with the offset that holds then.
        """
        found = self._ask(after, self.zone)
        offset = found.astimezone(self.zone).utcoffset() or timedelta()
        if after.astimezone(self.zone).utcoffset() != offset:
            missed = self._ask(after, timezone(offset))
            while missed < found:
                if missed.astimezone(self.zone).utcoffset() == offset:
                    return missed
                missed = self._ask(missed, timezone(offset))
        # `*/15 2 * * *` has no fire in the spring gap; croniter puts one at 03:00.
        return found if self._matches(found.astimezone(self.zone)) else self._next_beat(found)

    def _runs(self, after: datetime) -> Iterator[Fire]:
        fire = self.next_after(after)
        while True:
            yield fire
            fire = self.next_after(fire.at, fire)

    def _matches(self, wall: datetime) -> bool:
        minute, hour, day, month, weekday = self.fields
        days = (wall.day in day.values, wall.isoweekday() % 7 in weekday.values)
        on_day = all(days) if day.starred or weekday.starred else any(days)
        return (
            wall.minute in minute.values
            and wall.hour in hour.values
            and wall.month in month.values
            and on_day
        )


def parse_cron(expression: str, zone: ZoneInfo, *, now: datetime, least: timedelta = LEAST_INTERVAL) -> Cron:
    """The rhythm that a person asks for. Raises TimeRefused where it never comes, or comes too often."""
    cron = Cron(plain(expression), zone)
    try:
        cron.next_runs(now)
    except CroniterBadDateError as error:
        raise TimeRefused(
            f"{quoted(expression)} never happens: no year has such a day. {EXAMPLES}"
        ) from error
    closest = _closest(cron)
    if closest < least:
        raise TimeRefused(
            f"{quoted(expression)} runs as often as every {span(closest)}; "
            f"the least interval here is {span(least)}. {EXAMPLES}"
        )
    return cron


def _croniter(fields: tuple[Field, ...]) -> croniter:
    """As cron has it, both the day and the weekday must match where one begins with `*`, else either."""
    _, _, day, _, weekday = fields
    either_day = not (day.starred or weekday.starred)
    return croniter(" ".join(each.text for each in fields), day_or=either_day)


def _closest(cron: Cron) -> timedelta:
    """How close together two runs can be."""
    minute, hour, *_ = cron.fields
    times = sorted(60 * each_hour + each_minute for each_hour in hour.values for each_minute in minute.values)
    day = 24 * 60
    return timedelta(minutes=min(later - earlier for earlier, later in pairwise([*times, times[0] + day])))


def _repeats(fire: Fire, last: Fire) -> bool:
    """Whether it is `last` again: later, but not later on the wall, as in an hour that comes twice."""
    return fire.key == last.key or (fire.at > last.at and fire.key < last.key)
