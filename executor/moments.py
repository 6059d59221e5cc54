"""Times that people type. The grammar is strict, because a guessing one is silently wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

HORIZON = timedelta(days=366)
"""How far ahead a single moment may lie: a year, a leap year too."""
LONGEST = 80
"""Characters of a time or a zone; no valid one is as long."""

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS: Mapping[str, int] = {name: number for number, day in enumerate(_WEEKDAYS) for name in (day, day[:3])}
_RELATIVE: Mapping[str, int] = {"today": 0, "tomorrow": 1}

_CLOCK = r"(?P<clock>\d{1,2}:\d\d(?::\d\d)?)"
_OFFSET = r"(?P<offset>z|[+-]\d\d(?::?\d\d)?)"
_DATED = re.compile(rf"(?P<date>\d{{4}}-\d\d-\d\d)[t ]{_CLOCK} ?{_OFFSET}?", re.ASCII)
_DAILY = re.compile(rf"(?:(?P<day>[a-z]+) )?{_CLOCK}", re.ASCII)
_SPAN = re.compile(r"(?:(\d+) ?d)? ?(?:(\d+) ?h)? ?(?:(\d+) ?m)? ?(?:(\d+) ?s)?", re.ASCII)
_NOT_SHARED = frozenset({"localtime", "Factory"})
"""Names that stand for a machine's own zone, which nobody else could read."""
_SPAN_EXAMPLES = "Examples: `45s`, `90m`, `2h30m`, `1d`."


class TimeRefused(Exception):
    """A time, zone or rhythm that cannot be taken. The text is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A single time: the instant (UTC), the zone it is shown in, and what the person should know about it."""

    at: datetime
    zone: ZoneInfo
    notes: tuple[str, ...] = ()


def parse_at(text: str, *, now: datetime, zone: ZoneInfo) -> Moment:
    """The moment that `text` names: `18:00`, `tomorrow 09:30`, `mon 7:00`, `2026-12-24 18:00`, ISO 8601.

    A time without an offset is one of `zone`. Raises TimeRefused.
    """
    reader = _Reader(text=text, now=now, zone=zone)
    words = _words(text)
    if dated := _DATED.fullmatch(words):
        return reader.dated(dated["date"], dated["clock"], dated["offset"])
    if daily := _DAILY.fullmatch(words):
        return reader.daily(daily["day"], daily["clock"])
    reader.refuse(f"{quoted(text)} is no time that I can read.")


def parse_in(text: str, *, now: datetime, zone: ZoneInfo) -> Moment:
    """The moment `text` from now: days, hours, minutes and seconds such as `2h30m`. Raises TimeRefused."""
    return Moment(at=now.astimezone(UTC) + parse_span(text), zone=zone)


def parse_span(text: str) -> timedelta:
    """A length of time such as `45s` or `2h30m`, at most a year. Raises TimeRefused."""
    parts = _SPAN.fullmatch(_words(text))
    if parts is None or not any(parts.groups()):
        raise TimeRefused(
            f"{quoted(text)} is no span of time: write days, hours, minutes and seconds in this order, "
            f"as whole numbers. {_SPAN_EXAMPLES}"
        )
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if total == 0:
        raise TimeRefused(f"{quoted(text)} is no time at all: the least is `1s`. {_SPAN_EXAMPLES}")
    if total > HORIZON.total_seconds():
        raise TimeRefused(f"{quoted(text)} is more than a year ahead, the most there is. {_SPAN_EXAMPLES}")
    return timedelta(seconds=total)


def parse_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name, in any case. Raises TimeRefused, naming the nearest there are."""
    known = _zones()
    folded = "_".join(_words(name).split())
    if folded in known:
        return ZoneInfo(known[folded])
    places = {zone.rpartition("/")[2]: zone for zone in known}
    near = [
        *get_close_matches(folded, known, n=2),
        *(places[place] for place in get_close_matches(folded.rpartition("/")[2], places, n=2)),
    ]
    names = [known[each] for each in dict.fromkeys(near)] or ["Europe/Paris", "America/New_York", "UTC"]
    listed = ", ".join(f"`{each}`" for each in names[:3])
    raise TimeRefused(
        f"{quoted(name)} is no time zone. {'The nearest are' if near else 'Examples'}: {listed}."
    )


def machine_zone() -> ZoneInfo:
    """The zone that this machine's clock is set to, as far as that can be told; else UTC."""
    _, _, linked = str(Path("/etc/localtime").resolve()).rpartition("/zoneinfo/")
    for name in (os.environ.get("TZ", "").removeprefix(":"), linked):
        with suppress(ValueError, OSError, ZoneInfoNotFoundError):
            if name not in _NOT_SHARED:
                return ZoneInfo(name)
    return ZoneInfo("UTC")


def echo(moment: Moment, now: datetime) -> str:
    """The moment as an answer repeats it: local time, zone, how long until then, and its notes."""
    said = f"{_local(moment.at, moment.zone)}, in {span(moment.at - now)}"
    return "; ".join((said, *moment.notes))


def span(time: timedelta) -> str:
    """A length of time by its two largest units: `45 s`, `3 h 12 min`, `2 d 4 h`."""
    seconds = max(0, round(time.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return _two(*divmod(minutes, 60), "h", "min")
    return _two(*divmod(round(minutes / 60), 24), "d", "h")


def quoted(text: str) -> str:
    """Words of somebody's in back-ticks, safe and short enough to repeat."""
    flat = "".join(
        sign if sign.isprintable() and sign != "`" else " " for sign in text[: LONGEST + 1]
    ).strip()
    if not flat:
        return "An empty text"
    return f"`{flat}`" if len(flat) <= LONGEST else f"`{flat[: LONGEST - 1]}…`"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """What was typed, when, and on whose clock."""

    text: str
    now: datetime
    zone: ZoneInfo

    def dated(self, day: str, clock: str, offset: str | None) -> Moment:
        try:
            wall = datetime.combine(date.fromisoformat(day), self._clock(clock))
        except ValueError:
            self.refuse(f"`{day}` is no day of the calendar.")
        if abs(wall.year - self.now.year) > 2:  # before it overflows in some zone
            self._refuse_far(ahead=wall.year > self.now.year)
        if offset is None:
            return self._at_wall(wall)
        return self._within_horizon((wall - self._offset(offset)).replace(tzinfo=UTC))

    def daily(self, day: str | None, clock: str) -> Moment:
        """The first of the days meant whose `clock` is still ahead; one in a spring gap is refused."""
        local = self.now.astimezone(self.zone).replace(tzinfo=None)
        for days in self._days(day, local.date()):
            wall = datetime.combine(local.date() + timedelta(days=days), self._clock(clock))
            if wall > local or any(at > self.now for at in _instants(wall, self.zone)):
                return self._at_wall(wall, *_late_day(day, days))
        self._refuse_past()

    def refuse(self, sentence: str) -> NoReturn:
        next_week = (self.now.astimezone(self.zone) + timedelta(days=7)).date()
        raise TimeRefused(
            f"{sentence} Examples: `18:00`, `tomorrow 09:30`, `mon 7:00`, `{next_week} 18:00`, "
            f"`{next_week}T18:00:00+01:00`."
        )

    def _clock(self, clock: str) -> time:
        try:
            hour, minute, second = map(int, f"{clock}:0".split(":")[:3])
            return time(hour, minute, second)
        except ValueError:
            self.refuse(
                f"`{clock}` is no time of day: hours go from 0 to 23, minutes and seconds from 0 to 59."
            )

    def _offset(self, offset: str) -> timedelta:
        if offset == "z":
            return timedelta()
        digits = offset[1:].replace(":", "").ljust(4, "0")
        hours, minutes = int(digits[:2]), int(digits[2:])
        size = timedelta(hours=hours, minutes=minutes)
        away = -size if offset[0] == "-" else size
        if minutes > 59 or not timedelta(hours=-12) <= away <= timedelta(hours=14):
            self.refuse(f"`{offset}` is no offset from UTC: they go from -12:00 to +14:00.")
        return away

    def _days(self, day: str | None, today: date) -> Sequence[int]:
        """How many days ahead the day meant may be, the nearest first."""
        if day is None:
            return (0, 1)
        if day in _RELATIVE:
            return (_RELATIVE[day],)
        if day not in _DAYS:
            near = get_close_matches(day, (*_RELATIVE, *_DAYS), n=1)
            hint = f" Did you mean `{near[0]}`?" if near else ""
            self.refuse(f"I know no day {quoted(day)}.{hint}")
        ahead = (_DAYS[day] - today.weekday()) % 7
        return (ahead, ahead + 7)

    def _at_wall(self, wall: datetime, *notes: str) -> Moment:
        instants = _instants(wall, self.zone)
        if not instants:
            self._refuse_gap(wall)
        at = next((each for each in instants if each > self.now), instants[0])
        if len(instants) > 1:
            which = "first one" if at == instants[0] else "second one, as the first is past,"
            notes = (*notes, f"that time comes twice on that day; the {which} is taken")
        return self._within_horizon(at, *notes)

    def _within_horizon(self, at: datetime, *notes: str) -> Moment:
        if at <= self.now:
            self._refuse_past()
        if at > self.now + HORIZON:
            self._refuse_far(ahead=True)
        return Moment(at=at, zone=self.zone, notes=notes)

    def _refuse_far(self, *, ahead: bool) -> NoReturn:
        if not ahead:
            self._refuse_past()
        self.refuse(f"{quoted(self.text)} is more than a year ahead, the most there is.")

    def _refuse_past(self) -> NoReturn:
        self.refuse(f"{quoted(self.text)} is past: it is {_local(self.now, self.zone)} now.")

    def _refuse_gap(self, wall: datetime) -> NoReturn:
        minute = timedelta(minutes=1)
        before = after = wall.replace(second=0, microsecond=0)
        while not _instants(before, self.zone):
            before -= minute
        while not _instants(after, self.zone):
            after += minute
        self.refuse(
            f"There is no {wall:%H:%M} on {_day(wall)} in {self.zone.key}: the clocks go forward. "
            f"The nearest times are {before:%H:%M} and {after:%H:%M}."
        )


def _instants(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """When the clocks of `zone` show `wall`: never in a spring gap, twice in an autumn's repeated hour."""
    readings = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(at for at in readings if at.astimezone(zone).replace(tzinfo=None) == wall)


def _late_day(day: str | None, days: int) -> tuple[str, ...]:
    """What to say of a day that is not the one that was named first."""
    if day is None and days:
        return ("that is tomorrow",)
    if day in _DAYS and days > 6:
        return ("that is in a week, as today's is past",)
    return ()


def _local(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    seconds = f":{local:%S}" if local.second else ""
    twice = len(_instants(local.replace(tzinfo=None), zone)) > 1
    offset = f", UTC{local.isoformat()[-6:]}" if twice else ""
    return f"{_day(local)}, {local:%H:%M}{seconds} ({zone.key}{offset})"


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b %Y}"


def _two(large: int, small: int, large_unit: str, small_unit: str) -> str:
    parts = ((large, large_unit), (small, small_unit))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _words(text: str) -> str:
    return " ".join(text.split()).lower() if len(text) <= LONGEST else "…"


@cache
def _zones() -> Mapping[str, str]:
    """Every zone by its name in small letters."""
    return {zone.lower(): zone for zone in sorted(available_timezones() - _NOT_SHARED)}
