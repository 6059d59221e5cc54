"""Whose turn it is, against the rule said in its plainest form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from executor.queueing import Contender, QueueRules, turns

RULES = QueueRules(
    provider_slots={"claude": 2}, writers=frozenset({"session"}), with_worktrees=frozenset({"api"})
)


@st.composite
def contenders(draw: st.DrawFn, prefix: str) -> list[Contender]:
    return [
        Contender(
            id=f"{prefix}{number}",
            person=draw(st.sampled_from(["ann", "bob", "eve"])),
            priority=draw(st.integers(0, 2)),
            type=draw(st.sampled_from(["session", "research"])),
            provider=draw(st.sampled_from(["claude", "gemini"])),
            session_id=draw(st.sampled_from([None, "s1", "s2"])),
            workspace=draw(st.sampled_from(["main", "api"])),
            worktree=draw(st.sampled_from(["t1", "t2"])),
        )
        for number in range(draw(st.integers(0, 12)))
    ]


def may_start(contender: Contender, running: Sequence[Contender]) -> bool:
    others = [other for other in running if other.provider == contender.provider]
    if len(others) >= RULES.provider_slots.get(contender.provider, len(others) + 1):
        return False
    if contender.session_id and any(other.session_id == contender.session_id for other in others):
        return False
    return contender.type not in RULES.writers or all(
        other.type not in RULES.writers
        or other.workspace != contender.workspace
        or (other.workspace == "api" and other.worktree != contender.worktree)
        for other in running
    )


def one_by_one(waiting: list[Contender], running: list[Contender], most: int) -> list[str]:
    """Each time, of those that may start: the highest priority, the fewest running, the oldest."""
    picked: list[str] = []
    while len(picked) < most:
        people = Counter(each.person for each in running)
        free = [each for each in waiting if each.id not in picked and may_start(each, running)]
        if not free:
            break
        first = min(free, key=lambda each: (-each.priority, people[each.person], waiting.index(each)))
        picked.append(first.id)
        running = [*running, first]
    return picked


@given(waiting=contenders("w"), running=contenders("r"), most=st.integers(0, 14))
def test_many_turns_at_once_are_those_of_one_after_the_other(
    waiting: list[Contender], running: list[Contender], most: int
) -> None:
    assert turns(waiting, running, RULES, most) == one_by_one(waiting, running, most)
