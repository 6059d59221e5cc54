"""The real CLIs run into every limit that the model simulator has, and when it lifts is known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from executor.events import Activity, Noticed
from executor.model import Outcome, OutcomeKind
from tests.agents import Agents, Attempt, attempt, launch
from tests.simulators.models import ModelSimulator

pytestmark = pytest.mark.cli
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR_S = 3600


@pytest.fixture
async def models() -> AsyncIterator[ModelSimulator]:
    async with ModelSimulator() as simulator:
        yield simulator


@pytest.fixture
def agents(tmp_path: Path, models: ModelSimulator) -> Agents:
    return Agents(tmp_path, models)


def lifted_after(run: Attempt, asked_at: datetime) -> timedelta:
    """How long after it was asked for the limit lifts. Fails where that is not known."""
    assert (run.outcome.kind, run.outcome.reason) == (OutcomeKind.LIMITED, "rate_limit")
    assert run.outcome.resets_at is not None
    return run.outcome.resets_at - asked_at


def limited_until_who_knows(outcome: Outcome) -> bool:
    return outcome.kind is OutcomeKind.LIMITED and outcome.resets_at is None


def retries(activity: Activity) -> bool:
    return isinstance(activity, Noticed) and "retrying" in activity.text


@pytest.mark.parametrize(("marker", "seconds"), [("3600", HOUR_S), ("400000,seven_day", 400_000)])
async def test_claudes_event_tells_the_second(agents: Agents, marker: str, seconds: int) -> None:
    run = await attempt(agents.claude(oauth=True), launch(agents.place, f"[[rluni:{marker}]]"))
    wait = lifted_after(run, agents.asked_at())
    assert 0 * SECOND <= wait - timedelta(seconds=seconds) <= SECOND
    assert run.exit_code == 1


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize(("marker", "seconds"), [("3600", HOUR_S), ("400000,seven_day", 400_000)])
async def test_claudes_text_alone_tells_the_minute(
    agents: Agents, monkeypatch: pytest.MonkeyPatch, zone: str, marker: str, seconds: int
) -> None:
    monkeypatch.setenv("TZ", zone)
    asked = launch(agents.place, f"[[rluni:{marker}]]")
    run = await attempt(agents.claude(oauth=True), asked, unheard=b'"rate_limit_event"')
    wait = lifted_after(run, agents.asked_at())
    assert -MINUTE < wait - timedelta(seconds=seconds) <= SECOND
    assert run.outcome.resets_at is not None
    assert run.outcome.resets_at.second == 0
    assert f"({zone})" in run.outcome.message


async def test_claude_with_a_key_is_never_told_when(agents: Agents) -> None:
    run = await attempt(agents.claude(), launch(agents.place, "[[rl429:1]]"))
    assert limited_until_who_knows(run.outcome)
    assert [text.startswith("claude is retrying in ") for text in run.notices] == [True]


async def test_claude_goes_on_once_the_limit_has_lifted(agents: Agents) -> None:
    first = await attempt(agents.claude(oauth=True), launch(agents.place, "[[rluni_once:3600]]"))
    assert first.outcome.kind is OutcomeKind.LIMITED
    again = launch(agents.place, "[[rluni_once:3600]]", session_id=first.session_id)
    second = await attempt(agents.claude(oauth=True), again)
    assert (second.outcome.kind, second.session_id) == (OutcomeKind.DONE, first.session_id)


async def test_claude_says_once_that_a_limit_comes_near(agents: Agents) -> None:
    run = await attempt(agents.claude(oauth=True), launch(agents.place, "[[rlwarn]]"))
    assert run.outcome.kind is OutcomeKind.DONE
    (told,) = run.notices
    assert told.startswith("claude has used 92% of its five-hour limit; it resets in ")


async def test_gemini_waits_for_a_quota_of_a_day_as_long_as_it_is_told(agents: Agents) -> None:
    run = await attempt(agents.gemini(), launch(agents.place, "[[rpd:12h3m]]", model="gemini-2.5-flash"))
    wait = lifted_after(run, agents.asked_at())
    assert 0 * SECOND <= wait - timedelta(hours=12, minutes=3) < 10 * SECOND


async def test_gemini_is_stopped_before_it_sleeps_for_hours(agents: Agents) -> None:
    run = await attempt(agents.gemini(), launch(agents.place, "[[qx:12005]]", model="gemini-2.5-flash"))
    # It adds up to a fifth to what it is told.
    assert 12_005 <= lifted_after(run, agents.asked_at()).total_seconds() < 12_005 * 1.2 + 10
    assert run.exit_code == -9


@pytest.mark.parametrize(("seconds", "exit_code"), [(90, -9), (301, 173)])
async def test_gemini_does_not_sit_out_a_long_wait_for_the_minutes_quota(
    agents: Agents, seconds: int, exit_code: int
) -> None:
    asked = launch(agents.place, f"[[rpm:{seconds}]]", model="gemini-2.5-flash")
    run = await attempt(agents.gemini(), asked)
    assert seconds <= lifted_after(run, agents.asked_at()).total_seconds() < seconds * 1.2 + 10
    assert run.exit_code == exit_code


async def test_gemini_that_is_stopped_in_a_short_wait_was_limited(agents: Agents) -> None:
    asked = launch(agents.place, "[[rpm:3]]", model="gemini-2.5-flash")
    run = await attempt(agents.gemini(), asked, until=retries)
    assert 3 <= lifted_after(run, agents.asked_at()).total_seconds() < 10


async def test_gemini_is_not_always_told_when(agents: Agents) -> None:
    asked = launch(agents.place, "[[plain429]]", model="gemini-2.5-flash")
    run = await attempt(agents.gemini(), asked, until=retries)
    assert limited_until_who_knows(run.outcome)
    assert run.notices == ["gemini is retrying (429 rate limit, attempt 1)"]


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/Los_Angeles"])
@pytest.mark.parametrize("seconds", [HOUR_S, 400_000])
async def test_codex_tells_the_minute_in_the_agents_own_zone(
    agents: Agents, monkeypatch: pytest.MonkeyPatch, zone: str, seconds: int
) -> None:
    monkeypatch.setenv("TZ", zone)
    run = await attempt(agents.codex(), launch(agents.place, f"[[usage:{seconds}]]"))
    wait = lifted_after(run, agents.asked_at())
    assert -MINUTE < wait - timedelta(seconds=seconds) <= SECOND


async def test_codex_that_gives_up_retrying_is_limited(agents: Agents) -> None:
    run = await attempt(agents.codex(), launch(agents.place, "[[rl429:1]]"))
    assert limited_until_who_knows(run.outcome)
    assert run.notices[-1] == "codex is retrying (429 rate limit, attempt 1 of 1)"
