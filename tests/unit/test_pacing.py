"""Budgets: never more than the platform allows, and the most urgent word first. Time stands still here."""

from __future__ import annotations

import asyncio
import itertools
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.news.pacing import Budget, Method, Pacing, Ticket, Urgency
from bot.platforms.base import Caps
from executor.wakeups import Bell


class _NoWaiting(selectors.SelectSelector):
    """Lets the loop's clock jump to the next timer instead of waiting for it."""

    def __init__(self, passed: Callable[[float], None]) -> None:
        super().__init__()
        self._passed = passed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._passed(timeout or 0)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only when nothing else is to be done."""

    def __init__(self) -> None:
        self._passed_s = 0.0
        super().__init__(_NoWaiting(self._pass))

    def _pass(self, seconds: float) -> None:
        self._passed_s += seconds

    def time(self) -> float:
        return self._passed_s


def played(story: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(story)


def now() -> float:
    return asyncio.get_running_loop().time()


def ask(budget: Budget, urgency: Urgency = Urgency.STATE) -> Ticket:
    return budget.ask(urgency, Bell())


async def turn(budget: Budget, urgency: Urgency = Urgency.STATE) -> float:
    """Waits for a turn; when it came."""
    bell = Bell()
    ticket = budget.ask(urgency, bell)
    assert await bell.wait(10_000)
    assert ticket.granted
    return now()


async def turns(budget: Budget, count: int) -> list[float]:
    return await asyncio.gather(*(turn(budget) for _ in range(count)))


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    async def story() -> None:
        at = await turns(Budget(60, 3), 6)
        assert at == pytest.approx([0, 0, 0, 1, 2, 3])

    played(story())


def test_what_was_not_used_is_saved_up_to_the_burst() -> None:
    async def story() -> None:
        budget = Budget(60, 3)
        await turns(budget, 3)
        await asyncio.sleep(100)
        assert await turns(budget, 4) == pytest.approx([103, 103, 103, 104], abs=4)

    played(story())


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from(Urgency)), max_size=60),
    st.sampled_from((20.0, 60.0, 240.0)),
    st.integers(1, 5),
)
def test_no_stretch_of_time_holds_more_turns_than_the_rate_and_the_burst(
    asked: list[tuple[float, Urgency]], per_minute: float, burst: int
) -> None:
    async def story() -> None:
        budget = Budget(per_minute, burst)

        async def one(wait_s: float, urgency: Urgency) -> float:
            await asyncio.sleep(wait_s)
            return await turn(budget, urgency)

        at = sorted(await asyncio.gather(*(one(*each) for each in asked)))
        assert len(at) == len(asked)
        for first in range(len(at)):
            for last in range(first, len(at)):
                allowed = burst + (at[last] - at[first]) * per_minute / 60
                assert last - first + 1 <= allowed + 1e-6

    played(story())


def test_the_most_urgent_goes_first_and_of_equals_who_waits_the_longest() -> None:
    async def story() -> None:
        budget, order = Budget(60, 1), list[str]()
        await turn(budget)

        async def one(name: str, urgency: Urgency) -> None:
            await turn(budget, urgency)
            order.append(name)

        async with asyncio.TaskGroup() as group:
            for name, urgency in (
                ("text", Urgency.TEXT),
                ("second text", Urgency.TEXT),
                ("tool", Urgency.TOOL),
                ("buttons", Urgency.BUTTONS),
                ("state", Urgency.STATE),
                ("final", Urgency.FINAL),
            ):
                group.create_task(one(name, urgency))
                await asyncio.sleep(0.01)
        assert order == ["final", "state", "buttons", "tool", "text", "second text"]

    played(story())


def test_a_place_in_the_line_may_become_more_urgent() -> None:
    async def story() -> None:
        budget = Budget(60, 1)
        ask(budget)
        early, late = ask(budget), ask(budget)
        budget.hurry(late, Urgency.FINAL)
        await asyncio.sleep(1.5)
        assert late.granted
        assert not early.granted

    played(story())


def test_who_leaves_the_line_gives_the_turn_back() -> None:
    async def story() -> None:
        budget = Budget(60, 1)
        unused = ask(budget)
        waiting = ask(budget)
        assert (unused.granted, waiting.granted) == (True, False)
        budget.leave(unused)
        assert waiting.granted
        assert await turn(budget) == pytest.approx(1)

    played(story())


def test_who_leaves_before_the_turn_takes_none() -> None:
    async def story() -> None:
        budget = Budget(60, 1)
        ask(budget)
        gone = ask(budget, Urgency.FINAL)
        budget.leave(gone)
        assert await turn(budget) == pytest.approx(1)
        assert not gone.granted

    played(story())


@pytest.mark.parametrize("pause_s", [0.5, 7, 30, 120])
def test_a_pause_holds_for_exactly_as_long_as_the_platform_said(pause_s: float) -> None:
    async def story() -> None:
        budget = Budget(60, 5)
        budget.pause(pause_s)
        first, second = await turns(budget, 2)
        assert first == pytest.approx(pause_s)
        assert second == pytest.approx(pause_s + 1)

    played(story())


def test_a_pause_holds_those_who_wait_already() -> None:
    async def story() -> None:
        budget = Budget(60, 1)
        await turn(budget)
        waiting = asyncio.create_task(turn(budget))
        await asyncio.sleep(0.5)
        budget.pause(30)
        assert await waiting == pytest.approx(30.5)

    played(story())


def test_pauses_that_overlap_do_not_add_up() -> None:
    async def story() -> None:
        budget = Budget(60, 4)
        for _ in range(4):
            budget.pause(30)
        budget.pause(10)
        assert await turn(budget) == pytest.approx(30)

    played(story())


def test_an_idle_budget_sets_no_timers() -> None:
    async def story() -> None:
        budget = Budget(60, 1)
        ask(budget)
        waits = ask(budget)
        budget.leave(waits)
        before = now()
        await asyncio.sleep(1000)
        assert now() == before + 1000

    played(story())


@pytest.mark.parametrize("urgency", [Urgency.TOOL, Urgency.TEXT])
def test_half_of_a_burst_is_kept_for_news_while_output_streams_without_end(urgency: Urgency) -> None:
    async def story() -> None:
        budget = Budget(60, 4)
        streaming = await asyncio.gather(*(turn(budget, urgency) for _ in range(10)))
        assert streaming == pytest.approx([0, 0, *range(1, 9)])
        assert await turns(budget, 2) == [now(), now()]

    played(story())


def test_who_has_become_urgent_may_use_what_was_kept_for_that() -> None:
    async def story() -> None:
        budget = Budget(60, 2)
        ask(budget, Urgency.TEXT)
        waiting = ask(budget, Urgency.TEXT)
        assert not waiting.granted
        budget.hurry(waiting, Urgency.STATE)
        assert waiting.granted

    played(story())


def test_a_turn_given_back_does_not_end_a_pause() -> None:
    async def story() -> None:
        budget = Budget(60, 2)
        unused = ask(budget)
        budget.pause(30)
        budget.leave(unused)
        assert await turn(budget) == pytest.approx(30)

    played(story())


def test_messages_that_are_kept_up_to_date_share_what_there_is() -> None:
    async def story() -> None:
        budget = Budget(40, 4)
        intervals_s = []
        for number in range(10):
            budget.keep_up(f"{number}", 1)
            intervals_s.append(budget.interval_s)
        assert intervals_s == pytest.approx([1.5 * number for number in range(1, 11)])
        budget.keep_up("0", 1)
        for number in range(5, 10):
            budget.let_be(f"{number}")
        assert budget.interval_s == pytest.approx(7.5)

    played(story())


CAPS = Caps(
    page_chars=1000,
    edits_per_minute=60,
    edit_burst=2,
    posts_per_minute=60,
    post_burst=2,
    least_edit_gap_s=1,
)


def test_a_team_has_one_budget_of_edits_and_each_channel_one_of_posts() -> None:
    async def story() -> None:
        pacing = Pacing(CAPS)
        assert pacing.budget(Method.EDIT, "a", "1") is pacing.budget(Method.EDIT, "b", "2")
        assert pacing.budget(Method.POST, "a", "1") is pacing.budget(Method.POST, "a", "2")
        assert pacing.budget(Method.POST, "a", None) is not pacing.budget(Method.POST, "b", None)
        assert len({pacing.budget(method, "a", None) for method in Method}) == len(Method)

    played(story())


@pytest.mark.parametrize("method", [Method.POST, Method.EDIT])
def test_where_threads_count_apart_each_has_its_own(method: Method) -> None:
    async def story() -> None:
        pacing = Pacing(replace(CAPS, threads_apart=True))
        places = [("a", None), ("a", "1"), ("a", "2"), ("b", None)]
        assert len({pacing.budget(method, *place) for place in places}) == len(places)

    played(story())


def test_all_places_together_keep_to_what_the_whole_bot_may_say() -> None:
    async def story() -> None:
        pacing = Pacing(replace(CAPS, threads_apart=True, calls_per_second=30))
        places = [f"{number}" for number in range(100)]
        at = sorted(await asyncio.gather(*(turn(pacing.budget(Method.POST, "a", place)) for place in places)))
        assert at[-1] == pytest.approx(96 / 30)
        for first, later in itertools.pairwise(at[::40]):
            assert later - first >= 1

    played(story())


def test_a_budget_is_forgotten_when_it_has_rested_and_not_before() -> None:
    async def story() -> None:
        pacing = Pacing(replace(CAPS, threads_apart=True))
        for number in range(1000):
            spent = pacing.budget(Method.POST, "a", f"{number}")
            ask(spent)
            assert pacing.budget(Method.POST, "a", f"{number}") is spent
            pacing.budget(Method.POST, "b", None)
            assert pacing.budget(Method.POST, "a", f"{number}") is spent
            await asyncio.sleep(1)
        assert len(pacing._budgets) < 10

    played(story())
