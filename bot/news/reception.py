"""How a channel takes what is said of a job, and what becomes of what it refuses. Pure."""

from __future__ import annotations

from enum import Enum, auto

from bot.platforms.base import Gone, Refused
from executor.outbox import CARD, NOTICE, RESULT

_NEVER_LOST = (RESULT, "question:", "detail:")
"""What the kinds begin with of what whoever asked is told alone, where the channel does not take it."""


class Remedy(Enum):
    """What to do about a refusal."""

    SAY_ANEW = auto()
    """Somebody deleted the message: post it again."""
    LEAVE_DUE = auto()
    """It is said later, or elsewhere."""
    DROP = auto()
    """It is not said at all."""


class Reception:
    """Of one job, for as long as we run: after a restart everything is tried once more."""

    def __init__(self) -> None:
        self.frozen = False
        """Whether the card can be changed no more."""
        self._refusal: Refused | None = None
        """Why the last word goes to whoever asked, alone."""
        self._shut = self._asked_last = False
        self._said_anew: set[str] = set()

    def shut(self, *, ended: bool) -> bool:
        """Whether the channel takes nothing of the job. It is asked once more when the job has ended."""
        return self._shut and (self._asked_last or not ended)

    def is_private(self, kind: str) -> bool:
        """Whether this goes to whoever asked, and to nobody else."""
        return kind == NOTICE or (self._refusal is not None and kind.startswith(_NEVER_LOST))

    def advice(self, platform: str) -> str:
        """Why the channel does not take it, and what people can do."""
        if self._refusal is None:
            return ""
        if isinstance(self._refusal, Gone):
            return "Its card was deleted there."
        return self._refusal.advice or f"{platform.title()} refuses it: `{self._refusal.code}`."

    def opened(self) -> None:
        """A card stands, at last or anew."""
        self._refusal, self._shut, self.frozen = None, False, False

    def refused(self, kind: str, error: Refused, *, stood: bool, ended: bool) -> Remedy:
        """What to do about it. `stood`: it was an edit; `ended`: the job has ended."""
        gone = isinstance(error, Gone)
        if gone and kind not in self._said_anew:
            self._said_anew.add(kind)
            return Remedy.SAY_ANEW
        if kind == CARD and (gone or not stood):
            self._refusal, self._shut, self._asked_last = error, True, gone or ended
            return Remedy.LEAVE_DUE
        if kind.startswith(_NEVER_LOST) and not stood and self._refusal is None:
            self._refusal = error
            return Remedy.LEAVE_DUE
        self.frozen = self.frozen or kind == CARD
        return Remedy.DROP
