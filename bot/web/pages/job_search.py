"""What the jobs page is asked for in its address, and the addresses of its tabs and pages. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from bot.news.words import state
from executor.listing import JobSearch
from executor.model import JobStatus

TABS = (
    JobStatus.PENDING,
    JobStatus.SCHEDULED,
    JobStatus.RUNNING,
    JobStatus.RATE_LIMITED,
    JobStatus.DONE,
    JobStatus.FAILED,
    JobStatus.CANCELLED,
)
FIELDS = ("q", "type", "provider", "workspace", "person", "channel", "since", "until")
_ALL, _ASKING = "all", "asking"
_LONGEST = 200
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ID = re.compile(r"[0-9a-f-]{1,36}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked for, as it was typed; `wrong` says by field what cannot be taken, and is left out."""

    typed: Mapping[str, str]
    search: JobSearch
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def filtered(self) -> bool:
        """Whether more than a tab was chosen."""
        return any(self.typed[name] for name in FIELDS)

    @property
    def by_filters(self) -> bool:
        """Whether more than words are looked for."""
        return any(self.typed[name] for name in FIELDS if name != "q")

    @property
    def bare(self) -> str:
        """The address of the tab alone, with no more chosen."""
        return self.address(**dict.fromkeys(FIELDS, ""))

    def address(self, path: str = "/jobs", **other: str) -> str:
        """The same with other values; an empty one leaves its field out. It begins at the newest job."""
        kept = {name: value for name, value in self.typed.items() if name != "before"}
        query = urlencode({name: value for name, value in (kept | other).items() if value})
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A way to some of the jobs. `urgent` says that somebody is waited for."""

    name: str
    label: str
    href: str
    count: int
    chosen: bool
    urgent: bool


def read(query: Mapping[str, str]) -> Asked:
    """The address' query as a search."""
    typed = {name: query.get(name, "").strip()[:_LONGEST] for name in (*FIELDS, "status", _ASKING, "before")}
    typed[_ASKING] = "1" if typed[_ASKING] == "1" else ""
    wrong: dict[str, str] = {}
    return Asked(
        typed=typed,
        wrong=wrong,
        search=JobSearch(
            text=typed["q"],
            statuses=_status(typed, wrong),
            asking=bool(typed[_ASKING]),
            job_type=typed["type"],
            provider=typed["provider"],
            workspace=typed["workspace"],
            channel=typed["channel"].removeprefix("#"),
            person=typed["person"].removeprefix("@"),
            since=_day("since", typed, wrong),
            until=_day("until", typed, wrong, timedelta(days=1)),
            before=before if _ID.fullmatch(before := typed["before"]) else "",
        ),
    )


def tabs(asked: Asked, counts: Mapping[JobStatus, int], asking: int) -> Sequence[Tab]:
    """All jobs, those that wait for an answer, and those of each status; whatever else was chosen stays."""
    status = next(iter(asked.search.statuses), None)
    chosen = _ASKING if asked.search.asking else status or _ALL
    shown = (
        (_ALL, "All", sum(counts.values())),
        (_ASKING, "To answer", asking),
        *((each, state(each).capitalize(), counts.get(each, 0)) for each in TABS),
    )
    return [
        Tab(
            name=name,
            label=label,
            href=asked.address(
                status="" if name in (_ALL, _ASKING) else name, asking="1" if name == _ASKING else ""
            ),
            count=count,
            chosen=name == chosen,
            urgent=name == _ASKING and count > 0,
        )
        for name, label, count in shown
    ]


def _status(typed: Mapping[str, str], wrong: dict[str, str]) -> Sequence[JobStatus]:
    if not typed["status"]:
        return ()
    try:
        return (JobStatus(typed["status"]),)
    except ValueError:
        wrong["status"] = "There is no such status; here are all jobs."
        return ()


def _day(
    name: str, typed: Mapping[str, str], wrong: dict[str, str], more: timedelta = timedelta()
) -> datetime | None:
    """The beginning of a day, in UTC."""
    if not (text := typed[name]):
        return None
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return datetime.fromisoformat(text).replace(tzinfo=UTC) + more
    except (ValueError, OverflowError):
        wrong[name] = "A day is written as 2026-11-21."
        return None
