"""Whose turn it is: what bounds the jobs that run at the same time, and what a waiting job waits for."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

PRIORITIES: Mapping[str, int] = {"low": 0, "normal": 1, "high": 2}
"""What people may ask for. Of the jobs that may start, those of the highest priority go first; of these those
of whoever has the fewest jobs running; of these the oldest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """What is to be known of a job for its turn: one that runs, or one that could but for the others."""

    id: str
    person: str
    priority: int
    type: str
    provider: str
    session_id: str | None
    workspace: str
    worktree: str = ""
    """The worktree that it would work in: that of the job with which it goes on, or one of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """What keeps a job from starting whose time has come: the first of these that is set."""

    asked: bool = False
    """It has asked something that nobody has decided yet."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRules:
    """How many jobs run at a time. `slots` is what a worker has: by it people learn who waits for one.

    `providers` are those that are switched on, None where all are. `writers` are the types of job that
    change their workspace: one of them at a time works in each, but for those `with_worktrees`: there one of
    them at a time works in each worktree.
    """

    slots: int = 100
    provider_slots: Mapping[str, int] = field(default_factory=dict)
    providers: frozenset[str] | None = None
    writers: frozenset[str] = frozenset()
    with_worktrees: frozenset[str] = frozenset()

    def place(self, contender: Contender) -> tuple[str, str]:
        """What a writer has to itself."""
        apart = contender.workspace in self.with_worktrees
        return contender.workspace, contender.worktree if apart else ""

    def switched_off(self, contender: Contender) -> Hindrance | None:
        """The hindrance that a provider is that nobody works for, whether or not the job's time has come."""
        if self.providers is None or contender.provider in self.providers:
            return None
        return Hindrance(switched_off=True)


def hindrance(
    contender: Contender, running: Sequence[Contender], rules: QueueRules, limited_until: datetime | None
) -> Hindrance | None:
    """What keeps a job from starting whose time has come; None where nothing does."""
    if off := rules.switched_off(contender):
        return off
    if limited_until is not None:
        return Hindrance(limited_until=limited_until)
    full = Hindrance() if len(running) >= rules.slots else None
    return _Taken(rules, running).hindrance(contender) or full


def turns(
    waiting: Sequence[Contender], running: Sequence[Contender], rules: QueueRules, most: int
) -> Sequence[str]:
    """The ids of up to `most` of the jobs in `waiting`, the oldest of which comes first: in this order they
    may all start beside those that run, and none that is left out should have gone before them.
    """
    taken = _Taken(rules, running)
    picked: list[str] = []
    lines: dict[tuple[int, str], deque[tuple[int, Contender]]] = defaultdict(deque)
    for age, contender in enumerate(waiting):
        lines[-contender.priority, contender.person].append((age, contender))
    heads = [(rank, taken.people[person], line[0][0], person) for (rank, person), line in lines.items()]
    heapq.heapify(heads)
    while heads and len(picked) < most:
        rank, known, _, person = heapq.heappop(heads)
        line = lines[rank, person]
        if known == taken.people[person]:  # else one of theirs was picked meanwhile: others may go first now
            _, contender = line.popleft()
            if taken.hindrance(contender) is None:
                taken.add(contender)
                picked.append(contender.id)
        if line:
            heapq.heappush(heads, (rank, taken.people[person], line[0][0], person))
    return picked


class _Taken:
    """What the jobs that run leave no room for."""

    def __init__(self, rules: QueueRules, running: Sequence[Contender]) -> None:
        self.people: Counter[str] = Counter()
        self._rules = rules
        self._providers: Counter[str] = Counter()
        self._sessions: dict[tuple[str, str | None], str] = {}
        self._written: dict[tuple[str, str], str] = {}
        for contender in running:
            self.add(contender)

    def add(self, contender: Contender) -> None:
        self.people[contender.person] += 1
        self._providers[contender.provider] += 1
        if contender.session_id is not None:
            self._sessions[contender.provider, contender.session_id] = contender.id
        if contender.type in self._rules.writers:
            self._written[self._rules.place(contender)] = contender.id

    def hindrance(self, contender: Contender) -> Hindrance | None:
        place = self._rules.place(contender)
        if contender.type in self._rules.writers and (holder := self._written.get(place)):
            return Hindrance(workspace_holder=holder)
        if holder := self._sessions.get((contender.provider, contender.session_id)):
            return Hindrance(session_holder=holder)
        slots = self._rules.provider_slots.get(contender.provider)
        full = slots is not None and self._providers[contender.provider] >= slots
        return Hindrance(provider_full=True) if full else None
