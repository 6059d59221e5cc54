"""Cron expressions: a strict check of our own, then croniter, then a guard for the days the clocks change."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import islice, pairwise
from typing import NoReturn
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from executor.moments import TimeRefused, quoted, span

LEAST_INTERVAL = timedelta(minutes=5)
"""How close together the runs of a schedule may be, unless an administrator says otherwise."""
LONGEST = 200
"""Characters of an expression; a list of every other minute is not as long."""

_NICKNAMES: Mapping[str, str] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
_EXAMPLES = (
    "Examples: `0 2 * * *` (every day at 02:00), `*/30 * * * *` (every half hour), "
    "`0 9 * * mon-fri` (on weekdays at 09:00)."
)
_TERM = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fire:
    """One time that a schedule is due (UTC). `key` is unique per schedule: it is what must run once only."""

    at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the five fields of an expression. `names` stand for the numbers from `low` on."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> frozenset[int]:
        """All numbers that the field's text stands for. Raises TimeRefused."""
        numbers = {number for term in text.split(",") for number in self._term(term)}
        return frozenset(number % 7 if self.name == "weekday" else number for number in numbers)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return 7 if self.name == "weekday" else self.high - self.low + 1

    def _term(self, term: str) -> range:
        found = _TERM.fullmatch(term)
        if found is None:
            self._refuse(term, "cannot be read")
        low, high, step = found["low"], found["high"], found["step"]
        if low is None:
            first, last = self.low, self.high
        else:
            first = self._number(low)
            last = first if high is None else self._number(high)
        if self.name == "weekday" and last == 0 < first:
            last = 7  # `fri-sun`: Sunday ends a week as well as it begins one
        if last < first:
            self._refuse(term, "runs backwards; write it as two ranges with a comma between them")
        if step is None:
            return range(first, last + 1)
        if low is not None and high is None:
            self._refuse(term, f"has a step but no range; write `{low}-{self.high}/{step}`")
        if not 1 <= int(step) <= self.high - self.low:
            self._refuse(term, f"has a step outside 1–{self.high - self.low}")
        return range(first, last + 1, int(step))

    def _number(self, word: str) -> int:
        if word in self.names:
            return self.names.index(word) + self.low
        if not word.isdigit():
            self._refuse(word, "is no number")
        if not self.low <= int(word) <= self.high:
            self._refuse(word, "is out of range")
        return int(word)

    def _refuse(self, term: str, problem: str) -> NoReturn:
        names = f" or names from `{self.names[0]}` to `{self.names[-1]}`" if self.names else ""
        raise TimeRefused(
            f"{quoted(term)} in the field for the {self.name} {problem}. That field takes numbers from "
            f"{self.low} to {self.high}{names}, lists (`1,2`), ranges (`1-3`), `*` and steps (`*/2`). "
            f"{_EXAMPLES}"
        )


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PARTS = (
    _Part("minute", 0, 59),
    _Part("hour", 0, 23),
    _Part("day of the month", 1, 31),
    _Part("month", 1, 12, _MONTHS),
    _Part("weekday", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)


@dataclass(frozen=True, slots=True)
class _Field:
    """What one field allows, as plain numbers. `starred`: it began with `*`, or might as well have."""

    text: str
    values: frozenset[int]
    starred: bool


@dataclass(frozen=True, slots=True)
class Cron:
    """A rhythm: a five-field expression on the clocks of `zone`. Raises TimeRefused for any other expression.

    Where minute or hour begin with `*` it is a cadence, which goes on through both passes of a repeated hour;
    otherwise it names times of day, and each of those comes once.
    """

    expression: str
    zone: ZoneInfo
    fields: tuple[_Field, ...] = field(init=False, repr=False, compare=False)
    _search: croniter = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fields = _read(self.expression)
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
    cron = Cron(_normal(expression), zone)
    try:
        cron.next_runs(now)
    except CroniterBadDateError as error:
        raise TimeRefused(
            f"{quoted(expression)} never happens: no year has such a day. {_EXAMPLES}"
        ) from error
    closest = _closest(cron)
    if closest < least:
        raise TimeRefused(
            f"{quoted(expression)} runs as often as every {span(closest)}; "
            f"the least interval here is {span(least)}. {_EXAMPLES}"
        )
    return cron


def _normal(expression: str) -> str:
    words = " ".join(expression.split()).lower()
    if len(expression) > LONGEST or not words:
        raise TimeRefused(f"{quoted(expression)} is no cron expression. {_EXAMPLES}")
    if words.startswith("@") and words not in _NICKNAMES:
        listed = ", ".join(f"`{name}`" for name in _NICKNAMES)
        raise TimeRefused(f"{quoted(expression)} is no rhythm that I know. There are {listed}. {_EXAMPLES}")
    return _NICKNAMES.get(words, words)


def _read(expression: str) -> tuple[_Field, ...]:
    """croniter takes what cron does not (a sixth field, `R`, `5-5` for all): only this is let through."""
    texts = expression.split()
    if len(texts) != len(_PARTS):
        raise TimeRefused(
            f"{quoted(expression)} has {len(texts)} field{'' if len(texts) == 1 else 's'}; a cron expression "
            f"has five: minute, hour, day of the month, month, weekday. {_EXAMPLES}"
        )
    return tuple(_field(part, text) for part, text in zip(_PARTS, texts, strict=True))


def _field(part: _Part, text: str) -> _Field:
    values = part.values(text)
    whole = len(values) == part.size
    return _Field("*" if whole else ",".join(map(str, sorted(values))), values, whole or text.startswith("*"))


def _croniter(fields: tuple[_Field, ...]) -> croniter:
    """croniter on plain lists of numbers. As cron has it, both days must match where one begins with `*`."""
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
