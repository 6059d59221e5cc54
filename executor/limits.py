"""Reads out of a provider's limit notice when the limit lifts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST = timedelta(days=8)
"""The longest limits last a week; what is named beyond is misread."""

# Notices drop the seconds, and a limit may lift while its notice is on the way: what has only just passed
# is not the same time tomorrow.
_LATE = timedelta(minutes=2)
_SOON = timedelta(minutes=1)
_ESSAY = 8000
"""Characters of a notice that are read."""
_YEAR_S = 366 * 86_400.0

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_UNIT = r"(?:ms|d(?:ays?)?|h(?:(?:ou)?rs?)?|m(?:in(?:ute)?s?)?|s(?:ec(?:ond)?s?)?)(?![a-z])"
_PART = rf"(\d{{1,9}}(?:\.\d{{1,18}})?)\s?({_UNIT})"
_SPAN = rf"(?P<span>(?:{_PART}(?:,|\sand\b)?\s?)+)"
_SECONDS = r"(?P<seconds>\d{1,9}(?:\.\d{1,9})?)(?=[\"',;.)}\]\n]|\s*$)"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*"
_DAY = rf"{_MONTH}\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s(?:(?P<year>20\d\d),?\s)?"
_CLOCK = r"(?P<hour>0?[1-9]|1[0-2])(?::(?P<minute>[0-5]\d))?\s?(?P<half>[ap])m\b"
_ZONE = r"(?:\s?\((?P<zone>[^()]{1,64})\)|\s(?P<initials>(?-i:[A-Z]{2,5}\b[-+:\d]*)))"
_WALL = rf"(?:{_DAY})?{_CLOCK}{_ZONE}?"
_ISO = r"(?P<iso>20\d\d-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:?\d\d)?)"
_UNIX = r"(?P<unix>\d{10})(?P<ms>\d{3})?(?!\d)"

_AGAIN = r"resets?|(?:re)?try(?:ing)?(?:\sagain)?"
_IN = re.compile(
    rf"(?:^in|\b(?:(?:{_AGAIN})[ _-]?(?:in|after)(?:_seconds)?|retryDelay))(?![a-z])[\s\"':=]*", re.I
)
_AT = re.compile(rf"\b(?:{_AGAIN}|limit\sreached)(?:[ _]?(?:at|on))?(?![a-z])[\s\"':=|]*", re.I)
_WAIT = re.compile(rf"{_SPAN}|{_SECONDS}", re.I)
_MOMENT = re.compile(rf"{_ISO}|{_UNIX}|{_WALL}", re.I)
_PARTS = re.compile(_PART, re.I)
_ZONE_NAME = re.compile(r"[\w+/-]{1,64}", re.ASCII)
# Google does not say when a day of its quotas starts; this was seen, not promised.
_QUOTA_DAY_ZONE = "America/Los_Angeles"


def resets_at(text: str, *, now: datetime, zone: tzinfo = UTC) -> datetime | None:
    """When the limit that `text` speaks of lifts, in UTC; always after `now`, and at most 8 days.

    `zone` is that of a time without one. A time without a date is the next such time. Where clocks show a
    time twice the first pass that is still to come counts, where they skip it the first minute after.
    None where nothing is named, or nothing to be believed. Of several moments the last counts: the others
    would only run into the limit again.
    """
    text = text[:_ESSAY].strip()
    moments = [_next(_named(found, now, zone), now) for found in _after(_AT, _MOMENT, text)]
    pause = wait(text)
    if pause is not None:
        moments.append(_next([now + pause], now))
    return max((moment for moment in moments if moment is not None), default=None)


def from_unix(seconds: float, *, now: datetime) -> datetime | None:
    """The moment of a Unix time, under the same conditions."""
    try:
        return _next([datetime.fromtimestamp(seconds, UTC)], now)
    except (ValueError, OverflowError, OSError):
        return None


def wait(text: str) -> timedelta | None:
    """The longest wait that `text` asks for, at most a year: "retry in 12h3m", "Retrying after 5024ms"."""
    waits = (_seconds(found) for found in _after(_IN, _WAIT, text[:_ESSAY].strip()))
    longest_s = max(waits, default=None)
    return None if longest_s is None else timedelta(seconds=min(longest_s, _YEAR_S))


def next_quota_day(now: datetime) -> datetime | None:
    """When a daily quota of Google's is likely to be full again; None where no time zones are known."""
    zone = zone_named(_QUOTA_DAY_ZONE)
    if zone is None:
        return None
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return _moments(datetime.combine(tomorrow, time()), zone)[0]


def zone_named(name: str) -> tzinfo | None:
    """The time zone of an IANA name; None where this machine knows none of that name."""
    if not _ZONE_NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a file, or a directory, that is no zone
        return None


def _after(lead: re.Pattern[str], value: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """The values that follow a lead; without a lead, the one that is all of the text."""
    if whole := value.fullmatch(text):
        yield whole
    for found in lead.finditer(text):
        if match := value.match(text, found.end()):
            yield match


def _seconds(found: re.Match[str]) -> float:
    if found["seconds"] is not None:
        return float(found["seconds"])
    parts = ((number, unit.casefold()) for number, unit in _PARTS.findall(found["span"]))
    return sum(float(number) * _UNITS_S["ms" if unit == "ms" else unit[0]] for number, unit in parts)


def _named(found: re.Match[str], now: datetime, zone: tzinfo) -> Iterable[datetime]:
    """The moments that what was found can mean."""
    if found["unix"] is not None:
        return [datetime.fromtimestamp(int(found["unix"]), UTC)]
    if found["iso"] is not None:
        return _stamped(found["iso"], zone)
    name = found["zone"] or found["initials"]
    # A zone that is not known may be half a day off.
    known = zone if name is None else zone_named(name)
    return () if known is None else _on_the_wall(found, now, known)


def _stamped(stamp: str, zone: tzinfo) -> list[datetime]:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return []
    return _moments(moment, zone) if moment.tzinfo is None else [moment.astimezone(UTC)]


def _on_the_wall(found: re.Match[str], now: datetime, zone: tzinfo) -> Iterator[datetime]:
    hour = int(found["hour"]) % 12 + (12 if found["half"] in "pP" else 0)
    clock = time(hour, int(found["minute"] or 0))
    for day in _days(found, now.astimezone(zone).date()):
        yield from _moments(datetime.combine(day, clock), zone)


def _days(found: re.Match[str], today: date) -> Iterator[date]:
    if found["month"] is None:
        yield from (today + timedelta(days=days) for days in (-1, 0, 1))
        return
    years = [int(found["year"])] if found["year"] else [today.year + years for years in (-1, 0, 1)]
    for year in years:
        try:
            yield date(year, 1 + _MONTHS.index(found["month"].lower()), int(found["day"]))
        except ValueError:
            continue


def _moments(local: datetime, zone: tzinfo) -> list[datetime]:
    """When clocks in `zone` show `local`: twice where they are set back, once elsewhere.

    Where they are set forward over it: the first minute after.
    """
    first, second = sorted(local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    shown = [moment for moment in (first, second) if moment.astimezone(zone).replace(tzinfo=None) == local]
    if shown:
        return shown
    while first.astimezone(zone).replace(tzinfo=None) < local:
        first += timedelta(minutes=1)
    return [first]


def _next(moments: Iterable[datetime], now: datetime) -> datetime | None:
    """The first of `moments` that is still to come, or has only just passed: then it is worth a try soon."""
    for moment in sorted(moments):
        if now - _LATE <= moment <= now + LONGEST:
            return (moment if moment > now else now + _SOON).astimezone(UTC)
    return None
