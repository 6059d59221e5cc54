"""Whose turn it is: what bounds the jobs that run at the same time, and what a waiting job waits for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

PRIORITIES: Mapping[str, int] = {"low": 0, "normal": 1, "high": 2}
"""What people may ask for. Of the jobs that may start, those of the highest priority go first; of these those
of whoever has the fewest jobs running; of these the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """How many jobs run at a time. `slots` is what a worker has: by it the store tells who waits for one.

    `providers` are those that are switched on, None where all are. `writers` are the types of job that
    change their workspace: one of them at a time works in each.
    """

    slots: int = 100
    provider_slots: Mapping[str, int] = field(default_factory=dict)
    providers: frozenset[str] | None = None
    writers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """What keeps a job from starting whose time has come: the first of these that is set."""

    switched_off: bool = False
    """Nobody works for its provider: it does not start when its time comes, either."""
    limited_until: datetime | None = None
    """When the usage limit of its provider lifts."""
    workspace_holder: str | None = None
    """The id of the job that is changing its workspace."""
    session_holder: str | None = None
    """The id of the job that is using its conversation."""
    provider_full: bool = False
    """Its provider has no free slot; without any of these the server has none."""
