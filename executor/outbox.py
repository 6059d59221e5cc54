"""What must be announced of a job, kept beside it in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass

from executor.events import (
    Body,
    CancelAsked,
    InterruptAsked,
    Moved,
    QuestionAsked,
    QuestionClosed,
    ReplyBegun,
    ReplyHanded,
    ReplyKept,
    ReplyRefused,
    ReportPublished,
    UpdatePosted,
    WorkDecided,
    WorkLeft,
)

CARD = "card"
"""The job at a glance."""
RESULT = "result"
"""Its last word."""
REPORT = "report"
"""Its report, as a file."""
OUTPUT = "output"
"""All it wrote, as a file where that is long."""
FILES = "files"
"""What its agent left for people: each file is an announcement of its own, `left`."""
NOTICE = "notice"
"""Why its channel shows nothing of it: to whoever asked, alone."""
REFUSED = "refused"
"""What was replied to it and is not gone on with, and why."""
PAGES = "pages"
"""Its live output: shown to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One announcement of a job: it should show the log up to event `wanted` and shows it up to `shown`.

    `sending` marks an announcement that was begun and of which no answer is known: it may stand already.
    """

    job_id: str
    kind: str
    wanted: int
    shown: int
    message_id: str | None
    sending: bool

    @property
    def due(self) -> bool:
        return self.shown < self.wanted


def page(number: int) -> str:
    """The kind of a page of live output, counted from 0."""
    return f"page:{number}"


def left(name: str) -> str:
    """The kind of a file that its agent left, under the name that its thread gets it."""
    return f"file:{name}"


def update(number: int) -> str:
    """The kind of what its agent tells people while it works, counted from 1."""
    return f"update:{number}"


def question(number: int) -> str:
    """The kind of a question that its agent asks people, counted from 1."""
    return f"question:{number}"


def detail(number: int) -> str:
    """The kind of a file with what a question shows, where that is too long for a message."""
    return f"detail:{number}"


_ON_THE_CARD = CancelAsked | ReplyKept | ReplyHanded | ReplyBegun | InterruptAsked | WorkLeft | WorkDecided


def due_after(body: Body) -> tuple[str, ...]:
    """The announcements that an event makes due."""
    if isinstance(body, Moved):
        return (CARD, PAGES, RESULT, OUTPUT, FILES) if body.status.final else (CARD,)
    if isinstance(body, ReportPublished):
        return (CARD, REPORT)
    if isinstance(body, ReplyRefused):
        return (REFUSED,)
    if isinstance(body, QuestionAsked | QuestionClosed):
        return (CARD, question(body.number))
    if isinstance(body, UpdatePosted):
        return (update(body.number),)
    return (CARD,) if isinstance(body, _ON_THE_CARD) else ()
