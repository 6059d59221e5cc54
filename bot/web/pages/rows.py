"""A job as the pages show it: in a row of the list, and at the head of its own page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from bot.desk import desk
from bot.news.announcements import card
from bot.news.words import duration, excerpt, money
from bot.platforms.base import Action, Announcement, Fact
from executor.model import Actor, Job, JobStatus, Origin
from executor.queueing import Hindrance

_PROMPT = 240
_SAID_APART = frozenset(
    {
        *("by", "model", "elapsed", "goes on", "goes on at", "cost", "turns", "duration"),
        *("cost so far", "turns so far"),
    }
)
"""Facts of the card that the pages have a place of their own for."""


class Door(desk.Door, Protocol):
    """The desk, as the pages see it."""

    def allows(self, origin: Origin, verb: str, job: Job) -> bool:
        """Whether a button for `verb` on `job` may be shown, as it would not be refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the templates show of a job. `actions` are those that would not be refused."""

    job: Job
    card: Announcement
    actions: Sequence[Action]

    @property
    def state(self) -> str:
        """How it stands, in words."""
        stands = self.card.title.partition(" · ")[2]
        return stands[:1].upper() + stands[1:]

    @property
    def prompt(self) -> str:
        """How the prompt begins, on one line."""
        first = next((line for line in self.job.prompt.splitlines() if line.strip()), "")
        return excerpt(first[:4000], _PROMPT) or "(no prompt)"

    @property
    def order(self) -> str:
        """Sorts rows as the store does, the newest last."""
        return f"{self.job.created_at.isoformat(timespec='microseconds')} {self.job.id}"

    @property
    def facts(self) -> Sequence[Fact]:
        """What is special about it."""
        facts = [fact for fact in self.card.facts if fact.label not in _SAID_APART]
        # Pages have the bar of an agent's own list by themselves: this one can only be that of a program.
        if (program := self.card.progress) is not None:
            facts.append(Fact(label="step", value=f"{program.done + 1} of {program.total}: {program.note}"))
        return facts

    @property
    def person(self) -> str:
        return self.job.origin.actor.name or self.job.origin.actor.user_id

    @property
    def until(self) -> datetime | None:
        """What it waits for by the clock."""
        if self.job.status is JobStatus.SCHEDULED:
            return self.job.scheduled_at
        return self.job.retry_at if self.job.status is JobStatus.RATE_LIMITED else None

    @property
    def took(self) -> Sequence[tuple[str, str]]:
        """Cost, turns and duration, as far as they are known."""
        usage = self.job.usage
        known = (
            ("cost", usage.cost_usd, money(usage.cost_usd)),
            ("turns", usage.turns, str(usage.turns)),
            ("took", usage.duration_ms, duration(usage.duration_ms)),
        )
        return [(label, text) for label, value, text in known if value is not None]


def row_of(job: Job, door: Door, actor: Actor, *, hindrance: Hindrance | None = None) -> Row:
    """The job as `actor` may see and change it from the page."""
    shown = card(job, step="", now=datetime.now(UTC), public_url="", hindrance=hindrance)
    asked = Origin(actor=actor, channel="dev")
    allowed = [action for action in shown.actions if door.allows(asked, action.verb, job)]
    return Row(job=job, card=shown, actions=allowed)
