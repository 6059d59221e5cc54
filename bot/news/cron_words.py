"""A rhythm in words: `0 2 * * mon-fri` is "on weekdays at 02:00". Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from executor.cron_fields import Field
from executor.timers import Cron

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_WORKING, _WEEKEND = frozenset(range(1, 6)), frozenset({0, 6})
_MOST_TIMES = 6


def in_words(cron: Cron) -> str:
    """When it is due, but for whose clocks are meant."""
    minute, hour, day, month, weekday = cron.fields
    often, times = _often(minute, hour), _times(minute, hour)
    days = _days(day, weekday)
    months = "" if len(month.values) == 12 else f"in {_listed(month, lambda n: _MONTHS[n - 1])}"
    if often:
        return " ".join(filter(None, (often, days, months)))
    return " ".join(filter(None, (days or "every day", months, times)))


def _often(minute: Field, hour: Field) -> str:
    """A cadence; nothing where there are times of day to name."""
    each = _step(minute, 60)
    if each:
        pace = "every minute" if each == 1 else f"every {each} minutes"
        if len(hour.values) == 24:
            return pace
        first, last = min(hour.values), max(hour.values)
        if len(hour.values) == last - first + 1:
            return f"{pace} from {first:02}:00 to {last:02}:59"
        return ""
    if len(minute.values) > 1:
        return f"every hour at {_listed(minute, _past)}" if len(hour.values) == 24 else ""
    at = _listed(minute, _past)
    step = _step(hour, 24)
    if step == 1:
        return f"every hour at {at}"
    return f"every {step} hours at {at}" if step and len(hour.values) > 2 else ""


def _times(minute: Field, hour: Field) -> str:
    if len(minute.values) * len(hour.values) > _MOST_TIMES:
        return f"at {_listed(minute, _past)} in the hours {_listed(hour, str)}"
    times = [f"{h:02}:{m:02}" for h in sorted(hour.values) for m in sorted(minute.values)]
    return f"at {_and(times)}"


def _days(day: Field, weekday: Field) -> str:
    of_month = "" if len(day.values) == 31 else f"on the {_listed(day, _ordinal)}"
    of_week = _of_week(weekday.values)
    if not (of_month and of_week):
        return of_month or of_week
    # Either is enough, unless one of them began with a star: an old rule of cron's.
    return f"{of_week} if {of_month}" if day.starred or weekday.starred else f"{of_month} and {of_week}"


def _of_week(values: frozenset[int]) -> str:
    if len(values) == 7:
        return ""
    if values in (_WORKING, _WEEKEND):
        return "on weekdays" if values == _WORKING else "at weekends"
    week = sorted(values, key=lambda number: (number - 1) % 7)
    return f"on {_and([f'{_WEEKDAYS[number]}s' for number in week])}"


def _step(part: Field, whole: int) -> int:
    """How far apart its values are, where they go all around evenly; 0 where they do not."""
    values = sorted(part.values)
    step = whole // len(values)
    return step if len(values) > 1 and values == list(range(values[0], whole, step)) and values[0] == 0 else 0


def _past(minute: int) -> str:
    return f":{minute:02}"


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 < number % 100 < 14 else endings.get(number % 10, 'th')}"


def _listed(part: Field, said: Callable[[int], str]) -> str:
    return _and([said(number) for number in sorted(part.values)])


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
