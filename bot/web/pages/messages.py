"""Messages as a channel's page shows them, alone and in their threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.platforms.base import Announcement, Shape, Tone
from bot.platforms.web import TONE_MARKS, announcement_of
from storage.hub import Message

_LIVE = (Tone.RUNNING, Tone.WAITING, Tone.SCHEDULED)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A message as the page shows it. The text of a `folded` one is fetched when somebody unfolds it."""

    message: Message
    announcement: Announcement | None
    folded: bool = False
    replies: Sequence[View] = ()

    @property
    def sort(self) -> str:
        """What the message is, for the template: a card, page, result, file or plain text."""
        if self.announcement is not None:
            return str(self.announcement.shape)
        return "file" if "file" in self.message.metadata else "text"


def state_of(announcement: Announcement) -> tuple[str, str]:
    """How it stands, in words, and the title beside that.

    The announcer's titles end with the state ("research 3fa9c1 · done"); for others, the tone has a word.
    """
    title, found, state = announcement.title.rpartition(" · ")
    if not found:
        return TONE_MARKS[announcement.tone][1], announcement.title
    return state[:1].upper() + state[1:], title


def view_of(message: Message) -> View:
    if message.deleted_at is not None:  # whoever has it on the screen is told by the same way as of a change
        message = replace(message, content="_This message was deleted._", metadata={})
    return View(message=message, announcement=announcement_of(message))


def thread_of(head: Message, replies: Sequence[Message]) -> View:
    """A message with its thread. Output is folded away, but for the newest page of a job that goes on."""
    views = [view_of(reply) for reply in replies]
    newest = max((n for n, view in enumerate(views) if view.sort == Shape.PAGE), default=-1)
    runs = _runs(view_of(head), views[:newest])
    return View(
        message=head,
        announcement=announcement_of(head),
        replies=[
            View(
                message=view.message,
                announcement=view.announcement,
                folded=view.sort == Shape.PAGE and not (runs and n == newest),
            )
            for n, view in enumerate(views)
        ],
    )


def _runs(head: View, views: Sequence[View]) -> bool:
    """Whether the last job that was announced before the newest page still goes on."""
    cards = [view for view in (head, *views) if view.announcement and view.sort == Shape.CARD]
    return bool(cards) and cards[-1].announcement is not None and cards[-1].announcement.tone in _LIVE


def order(message: Message) -> str:
    """Sorts messages as the store does."""
    return f"{message.created_at.isoformat(timespec='microseconds')} {message.id}"
