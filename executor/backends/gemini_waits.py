"""Reads how long Gemini wants one to wait: its CLI says so in sentences only."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_WAIT = re.compile(r"(?:retry in|reset after) ((?:\d+(?:\.\d+)?(?:ms|[dhms]))+)", re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])", re.IGNORECASE)
_RETRY = re.compile(r"Retrying after (\d+)ms")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST = timedelta(days=366)
# The provider does not say when a day of its quotas starts; this was seen, not promised.
_QUOTA_DAY_ZONE = "America/Los_Angeles"


def asked_wait(text: str) -> timedelta | None:
    """The wait that the server asks for: "Please retry in 12h3m.", "Your quota will reset after 3h20m5s."."""
    found = _WAIT.search(text)
    if found is None:
        return None
    return _bounded(sum(float(number) * _UNITS_S[unit.lower()] for number, unit in _PART.findall(found[1])))


def retry_wait(text: str) -> timedelta | None:
    """The wait that the CLI decided on: "Retrying after 5024ms..."."""
    found = _RETRY.search(text)
    return None if found is None else _bounded(float(found[1]) / 1000)


def next_quota_day(now: datetime) -> datetime | None:
    """When a daily quota is likely to be full again; None where the machine knows no time zones."""
    try:
        zone = ZoneInfo(_QUOTA_DAY_ZONE)
    except ZoneInfoNotFoundError:
        return None
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(now.tzinfo)


def _bounded(seconds: float) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds <= _LONGEST.total_seconds() else None
