"""The next thing to say of a job, and how urgent it is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.news.pacing import Method, Urgency
from bot.platforms.base import Announcement, Attachment, Fact

_STEP = "step"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Announcement `kind`, which will then show the log up to event `seq`."""

    kind: str
    urgency: Urgency
    seq: int
    says: Announcement | Attachment
    message_id: str | None = None
    """The message to edit; None says it anew."""
    lost: bool = False
    """Whether it was said before and the answer got lost: it is looked for first."""

    @property
    def method(self) -> Method:
        if self.message_id is not None:
            return Method.EDIT
        if self.lost:
            return Method.FIND
        return Method.ATTACH if isinstance(self.says, Attachment) else Method.POST


def change(before: Announcement | None, now: Announcement) -> Urgency | None:
    """How urgent it is that a card which said `before` says what holds `now`; None where it says that."""
    if before is None or (before.title, before.body, before.tone) != (now.title, now.body, now.tone):
        return Urgency.STATE
    if (before.actions, before.links) != (now.actions, now.links):
        return Urgency.BUTTONS
    if (_step(before.facts), before.progress) != (_step(now.facts), now.progress):
        return Urgency.TOOL
    return None if before == now else Urgency.TEXT


def _step(facts: Sequence[Fact]) -> Sequence[str]:
    return [fact.value for fact in facts if fact.label == _STEP]
