"""What can happen to a job, as a union of small frozen types, and their form in the log."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from executor.lifecycle import Transition
from executor.model import JobStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The job changed its status. `by` names the person behind it, where there was one."""

    transition: Transition
    status: JobStatus
    attempt: int
    reason: str = ""
    message: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAsked:
    """Somebody wants the running job stopped; its attempt acts on it."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyKept:
    """Somebody replied to the job, which goes on with that in a new job when it has ended."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyHanded:
    """A reply was handed to the running session, which takes it up when it comes to it."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptAsked:
    """Somebody wants the running session to take up now what was handed to it."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyRefused:
    """Nobody goes on with a reply to the job, which has ended: whoever said it may not have that any more."""

    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyBegun:
    """The session took a reply up; `reply` is the store's number of it."""

    reply: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTaken:
    """The turn that the reply was a part of has ended well, or by an interrupt for another one."""

    reply: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInterrupted:
    """What the session was at was broken off, as somebody asked; it goes on with a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOpened:
    """The CLI named its conversation; `session_id` resumes it. `model` is what really answers."""

    session_id: str
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextWritten:
    """The agent wrote text (Markdown). Pieces follow each other without a gap or a break."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted:
    """The agent called a tool: `detail` is its one telling argument, on one line."""

    tool_id: str
    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEnded:
    """A tool answered; `detail` says why where it did not go well, `stopped` that we cut it off ourselves."""

    tool_id: str
    ok: bool
    detail: str = ""
    stopped: bool = False


class TodoState(StrEnum):
    """How far the agent is with a thing on its list."""

    PENDING = "pending"
    ACTIVE = "active"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Todo:
    """One thing on the agent's own list; `text` is a line of plain text."""

    text: str
    state: TodoState


@dataclass(frozen=True, slots=True, kw_only=True)
class TodosChanged:
    """The agent's list of what it has to do, whole: it takes the place of the one before."""

    items: tuple[Todo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressTold:
    """The agent told how far it is: `done` of `total`; `note` is a line on what it is at."""

    done: int
    total: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePosted:
    """The agent has something to tell people while it works (Markdown). A job's updates count from 1."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionAsked:
    """The agent asks people, and waits; `number` is the question's in its job, `text` the gist of it."""

    number: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionClosed:
    """The question waits no more: it was decided, expired or was withdrawn, as `state` says.

    `said` is the decision in words, `by` whose it is.
    """

    number: int
    state: str
    said: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordChanged:
    """The agent changed one of the shared records: `text` says which and how, in a line."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """Something that people should know while the job runs, such as a provider's retry."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLeft:
    """What the job left in its worktree, on `branch`; `uncommitted`: not all of it is in its commits."""

    branch: str
    commits: int
    files: int
    added: int
    removed: int
    uncommitted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDecided:
    """What became of it: `state` says that in a word (`offered`: by a pull request), `note` where it is."""

    branch: str
    state: str
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPublished:
    """The job's report can be read."""

    slug: str
    title: str


Activity = (
    SessionOpened
    | TextWritten
    | ToolStarted
    | ToolEnded
    | TodosChanged
    | ProgressTold
    | RecordChanged
    | Noticed
    | ReplyBegun
    | ReplyTaken
    | TurnInterrupted
)
"""What a CLI did, as its backend decoded it, or as its agent told us."""

Body = (
    Moved
    | CancelAsked
    | ReplyKept
    | ReplyHanded
    | ReplyRefused
    | InterruptAsked
    | UpdatePosted
    | QuestionAsked
    | QuestionClosed
    | ReportPublished
    | WorkLeft
    | WorkDecided
    | Activity
)

_KINDS: dict[str, type[Body]] = {
    "moved": Moved,
    "cancel_asked": CancelAsked,
    "reply_kept": ReplyKept,
    "reply_handed": ReplyHanded,
    "reply_refused": ReplyRefused,
    "reply_begun": ReplyBegun,
    "reply_taken": ReplyTaken,
    "interrupt_asked": InterruptAsked,
    "turn_interrupted": TurnInterrupted,
    "session_opened": SessionOpened,
    "text_written": TextWritten,
    "tool_started": ToolStarted,
    "tool_ended": ToolEnded,
    "todos_changed": TodosChanged,
    "progress_told": ProgressTold,
    "update_posted": UpdatePosted,
    "question_asked": QuestionAsked,
    "question_closed": QuestionClosed,
    "record_changed": RecordChanged,
    "noticed": Noticed,
    "report_published": ReportPublished,
    "work_left": WorkLeft,
    "work_decided": WorkDecided,
}
_NAMES = {body: kind for kind, body in _KINDS.items()}
_FIELDS = {body: tuple(field.name for field in fields(body)) for body in _NAMES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of a job's log. `seq` counts 1, 2, 3 … per job without a gap; `at` is UTC."""

    job_id: str
    seq: int
    at: datetime
    body: Body


def encode(body: Body) -> tuple[str, dict[str, Any]]:
    """The body's kind and its fields, as the log stores them."""
    # Bodies are flat: asdict would copy them deeply, at a tenth of the price of a whole submit.
    if isinstance(body, TodosChanged):
        items = [{"text": item.text, "state": item.state.value} for item in body.items]
        return _NAMES[TodosChanged], {"items": items}
    return _NAMES[type(body)], {name: getattr(body, name) for name in _FIELDS[type(body)]}


def decode(kind: str, values: dict[str, Any]) -> Body:
    """The inverse of `encode`."""
    if kind == _NAMES[TodosChanged]:
        items = (Todo(text=item["text"], state=TodoState(item["state"])) for item in values["items"])
        return TodosChanged(items=tuple(items))
    body = _KINDS[kind](**values)
    if isinstance(body, Moved):
        return Moved(**values | {"transition": Transition(body.transition), "status": JobStatus(body.status)})
    return body
