"""How shared records look on every page, and what is offered to be done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from storage.hub.authors import Role
from storage.hub.feedback import MOVES, FeedbackStatus
from storage.hub.tasks import TaskStatus

_S = TaskStatus
TASK_TONES: Mapping[TaskStatus, str] = {
    **dict.fromkeys((_S.DRAFT, _S.IDEA, _S.BACKLOG, _S.ARCHIVED), "stopped"),
    _S.READY: "waiting",
    _S.ACTIVE: "running",
    _S.DONE: "good",
}
"""The tones of jobs, by what a task is."""
FEEDBACK_TONES: Mapping[FeedbackStatus, str] = {
    FeedbackStatus.OPEN: "waiting",
    FeedbackStatus.PARKED: "stopped",
    FeedbackStatus.PROCESSED: "good",
    FeedbackStatus.ARCHIVED: "stopped",
}
_WORDS = {
    FeedbackStatus.OPEN: "Promote",
    FeedbackStatus.PARKED: "Park",
    FeedbackStatus.ARCHIVED: "Archive",
}


def moves_of(status: FeedbackStatus) -> Sequence[tuple[FeedbackStatus, str]]:
    """What the owner may make of feedback of this status, each with the word on its button."""
    return [(after, _WORDS[after]) for after, role in MOVES[status].items() if role is Role.OWNER]
