"""Tasks: what is to be done, and who may say how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from storage.hub.authors import Author, RecordRefused, Role, Why, forbidden


class TaskStatus(StrEnum):
    """In the order of a task's life. A backlog task is treated as a ready one."""

    DRAFT = "draft"
    IDEA = "idea"
    READY = "ready"
    BACKLOG = "backlog"
    ACTIVE = "active"
    DONE = "done"
    ARCHIVED = "archived"


class Priority(StrEnum):
    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Area(StrEnum):
    """The part of life that a record belongs to, its `workspace`."""

    AGENTIC = "agentic"
    DEV = "dev"
    WORK = "work"
    LIFE = "life"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """A task to be. Whoever makes it gives its id: `A66`, or `d-…` for a draft."""

    id: str
    name: str
    workspace: Area
    status: TaskStatus = TaskStatus.DRAFT
    description: str = ""
    project: str = ""
    priority: Priority = Priority.NORMAL
    deps: Sequence[str] = ()
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`description` is Markdown; `deps` are the ids of what must be done before. Times are UTC."""

    id: str
    name: str
    description: str
    status: TaskStatus
    workspace: Area
    project: str
    priority: Priority
    deps: Sequence[str]
    parent_id: str | None
    created_at: datetime
    updated_at: datetime


class TaskChanges(TypedDict, total=False):
    """The fields that are to be other than they are."""

    name: str
    description: str
    status: TaskStatus
    workspace: Area
    project: str
    priority: Priority
    deps: Sequence[str]
    parent_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks a list shows; what is None does not matter."""

    status: TaskStatus | None = None
    workspace: Area | None = None
    project: str | None = None
    priority: Priority | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """The tasks around one: those to be done before it, those that wait for it, its whole and its parts."""

    deps: Sequence[Task]
    waiting: Sequence[Task]
    parent: Task | None
    children: Sequence[Task]


_S = TaskStatus
MOVES: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    _S.DRAFT: frozenset({_S.IDEA, _S.READY, _S.BACKLOG, _S.ACTIVE, _S.DONE, _S.ARCHIVED}),
    _S.IDEA: frozenset({_S.READY, _S.BACKLOG, _S.ACTIVE, _S.DONE, _S.ARCHIVED}),
    _S.READY: frozenset({_S.IDEA, _S.BACKLOG, _S.ACTIVE, _S.DONE, _S.ARCHIVED}),
    _S.BACKLOG: frozenset({_S.IDEA, _S.READY, _S.ACTIVE, _S.DONE, _S.ARCHIVED}),
    _S.ACTIVE: frozenset({_S.READY, _S.BACKLOG, _S.DONE, _S.ARCHIVED}),
    _S.DONE: frozenset({_S.ACTIVE, _S.ARCHIVED}),
    _S.ARCHIVED: frozenset({_S.BACKLOG}),
}
"""Onward, a step back, and out of the archive again."""
_CURATORS = frozenset({Role.OWNER, Role.CLARA})
_CURATED = frozenset({_S.IDEA, _S.READY, _S.BACKLOG})
"""That a task is worth doing is for the owner and Clara to say."""


def check_move(author: Author, before: TaskStatus | None, after: TaskStatus) -> None:
    """Raises RecordRefused unless `author` may make a task of status `before` (None: a new one) `after`."""
    if before is after:
        return
    if before is not None and after not in MOVES[before]:
        onward = ", ".join(f"`{status}`" for status in TaskStatus if status in MOVES[before])
        text = f"A task that is `{before}` cannot become `{after}`; it can become {onward}."
        raise RecordRefused(Why.ILLEGAL, text, "status")
    if before is None and after is TaskStatus.ARCHIVED:
        raise RecordRefused(Why.WRONG, "A new task cannot be `archived`.", "status")
    if before is TaskStatus.ARCHIVED and author.role is not Role.OWNER:
        raise forbidden("Only the owner may bring a task back from the archive.")
    unfinished = after is TaskStatus.ARCHIVED and before is not TaskStatus.DONE
    if (after in _CURATED or unfinished) and author.role not in _CURATORS:
        what = "archive a task that is not done" if unfinished else f"make a task `{after}`"
        raise forbidden(f"Only the owner or Clara may {what}.")
