"""Feedback: what people and agents remark, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from storage.hub.authors import Author, RecordRefused, Role, Why, forbidden
from storage.hub.tasks import Area, Priority


class FeedbackStatus(StrEnum):
    OPEN = "open"
    PROCESSED = "processed"
    """Clara has dealt with it: nothing of it changes any more."""
    PARKED = "parked"
    """It waits for the owner to promote it."""
    ARCHIVED = "archived"


class Source(StrEnum):
    """Where feedback comes from."""

    PORTAL = "portal"
    CLARA = "clara"
    CLAUDEBOT = "claudebot"
    AGENT = "agent"
    SLACK = "slack"
    DISCORD = "discord"


class Target(StrEnum):
    """What feedback may be linked to, and comments be about."""

    TASK = "task"
    REPORT = "report"
    JOB = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFeedback:
    """Feedback to be; what is None follows from who files it."""

    content: str
    workspace: Area | None = None
    priority: Priority = Priority.NORMAL
    status: FeedbackStatus | None = None
    target: str = ""
    linked_type: Target | None = None
    linked_id: str | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """`target` says in words what it is about; `linked_type` and `linked_id` name a record. Times are UTC."""

    id: str
    content: str
    workspace: Area | None
    priority: Priority
    status: FeedbackStatus
    target: str
    linked_type: Target | None
    linked_id: str | None
    source: Source
    processed_at: datetime | None
    processed_note: str
    created_at: datetime
    updated_at: datetime


class FeedbackChanges(TypedDict, total=False):
    """The fields that are to be other than they are."""

    content: str
    workspace: Area | None
    priority: Priority
    status: FeedbackStatus
    target: str
    linked_type: Target | None
    linked_id: str | None
    processed_note: str


_S = FeedbackStatus
MOVES: Mapping[FeedbackStatus, Mapping[FeedbackStatus, Role]] = {
    _S.OPEN: {_S.PROCESSED: Role.CLARA, _S.PARKED: Role.OWNER, _S.ARCHIVED: Role.OWNER},
    _S.PARKED: {_S.OPEN: Role.OWNER, _S.ARCHIVED: Role.OWNER},
    _S.PROCESSED: {},
    _S.ARCHIVED: {},
}
"""What may become of it, and who alone says so."""
_SOURCES: Mapping[Role, tuple[Source, ...]] = {
    Role.OWNER: tuple(Source),
    Role.CLARA: (Source.CLARA,),
    Role.AGENT: (Source.AGENT, Source.CLAUDEBOT),
    Role.SYSTEM: (Source.CLAUDEBOT, Source.SLACK, Source.DISCORD),
}
"""What each may call the source of what they file, the usual one first."""
_OF_AGENTS = frozenset({Source.AGENT, Source.CLAUDEBOT})


def filed(author: Author, new: NewFeedback) -> tuple[Source, FeedbackStatus]:
    """Where new feedback comes from, and its status. Raises RecordRefused where `author` may not say so.

    What agents file waits for the owner: else whatever they read could give the next sweep its orders.
    """
    source = new.source or _SOURCES[author.role][0]
    if source not in _SOURCES[author.role]:
        raise forbidden(f"You are `{author.name}` here: the source of your feedback cannot be `{source}`.")
    status = new.status or (_S.PARKED if source in _OF_AGENTS else _S.OPEN)
    if status not in (_S.OPEN, _S.PARKED):
        raise RecordRefused(Why.WRONG, "New feedback is `open` or `parked`.", "status")
    if status is _S.OPEN and source in _OF_AGENTS:
        raise forbidden("Agents file their feedback as `parked`; the owner opens it.")
    return source, status


def check_change(author: Author, before: Feedback, changes: FeedbackChanges) -> None:
    """Raises RecordRefused unless `author` may change that of it."""
    if before.status is _S.PROCESSED:
        raise RecordRefused(
            Why.ILLEGAL, "This feedback is processed, and does not change any more. File a new one."
        )
    if author.role not in (Role.OWNER, Role.CLARA):
        raise forbidden("Only the owner or Clara may change feedback.")
    after = changes.get("status", before.status)
    if after is not before.status:
        _check_move(author, before.status, after)
    noted = bool(changes.get("processed_note", ""))
    if noted is not (after is _S.PROCESSED):
        text = (
            "Say in `processed_note`, in a line, what became of it."
            if not noted
            else "A `processed_note` is written when the status becomes `processed`, and only then."
        )
        raise RecordRefused(Why.WRONG, text, "processed_note")


def _check_move(author: Author, before: FeedbackStatus, after: FeedbackStatus) -> None:
    may = MOVES[before].get(after)
    if may is None:
        onward = " or ".join(f"`{status}`" for status in MOVES[before]) or "nothing else"
        text = f"Feedback that is `{before}` cannot become `{after}`; it can become {onward}."
        raise RecordRefused(Why.ILLEGAL, text, "status")
    if author.role is not may:
        who = "Clara" if may is Role.CLARA else "the owner"
        raise forbidden(f"Only {who} may make `{before}` feedback `{after}`.")
