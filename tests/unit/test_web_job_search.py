"""What the jobs page's address asks for, and what the store finds of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.pages.job_search import FIELDS, read, tabs
from executor.listing import JobSearch
from executor.model import Handover, JobStatus, OutcomeKind
from executor.wakeups import Wakeups
from storage import Storage, open_storage
from storage.sqlite.search import match_of
from tests.browser.jobs_scene import ask, busy_week, end, start
from tests.browser.questions_scene import a_job_that_asks


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    async with asyncio.timeout(30), open_storage(tmp_path / "bifrost.db", Wakeups()) as storage:
        yield storage


def test_what_is_typed_is_asked_for() -> None:
    asked = read(
        {"q": " login form ", "status": "failed", "channel": "#dev", "until": "2026-11-20", "x": "y"}
    )
    assert asked.search == JobSearch(
        text="login form",
        statuses=(JobStatus.FAILED,),
        channel="dev",
        until=datetime(2026, 11, 21, tzinfo=UTC),
    )
    assert asked.wrong == {}
    assert asked.address(status="") == "/jobs?q=login+form&channel=%23dev&until=2026-11-20"


@pytest.mark.parametrize(
    ("query", "field"),
    [({"since": "yesterday"}, "since"), ({"until": "9999-12-31"}, "until"), ({"status": "broken"}, "status")],
)
def test_what_cannot_be_taken_is_told_by_its_field_and_left_out(query: dict[str, str], field: str) -> None:
    asked = read(query)
    assert list(asked.wrong) == [field]
    assert asked.search == JobSearch()


@given(st.dictionaries(st.sampled_from([*FIELDS, "status", "asking", "before"]), st.text(max_size=300)))
def test_any_address_is_read(query: dict[str, str]) -> None:
    assert read(query).address().startswith("/jobs")
    match_of(read(query).search)


async def found(storage: Storage, **wanted: object) -> list[str]:
    search = JobSearch(**wanted)  # type: ignore[arg-type]
    return [job.id for job in (await storage.search.find(search, 50)).jobs]


async def test_jobs_are_found_by_what_they_are_of(storage: Storage) -> None:
    week = await busy_week(storage)
    assert len(await found(storage)) == 7
    assert await found(storage, text="LOGIN tests") == [week.running.id, week.limited.id]
    assert await found(storage, text="login", statuses=[JobStatus.RUNNING]) == [week.running.id]
    assert await found(storage, person="Ann") == await found(storage, channel="c0dev") == [week.done.id]
    assert await found(storage, provider="gemini", job_type="session") == [week.failed.id]
    assert await found(storage, text=week.done.id[:8]) == [week.done.id]
    assert await found(storage, text="login", until=datetime.now(UTC) + timedelta(days=1)) != []
    assert await found(storage, text="login", until=datetime.now(UTC) - timedelta(days=1)) == []
    assert await found(storage, since=datetime.now(UTC) + timedelta(days=1)) == []


@pytest.mark.parametrize(
    "typed", ['"', "a OR b", "words:x", "*", "NEAR(a b)", "x' --", "((", "\x00", "🙂", "-"]
)
async def test_nothing_that_is_typed_is_an_operator(storage: Storage, typed: str) -> None:
    await busy_week(storage)
    assert await found(storage, text=typed) == []


async def test_a_name_is_no_part_of_another_and_no_word_of_a_prompt(storage: Storage) -> None:
    await ask(storage, "tell of claude", provider="gemini", workspace="main-2")
    assert await found(storage, provider="claude") == await found(storage, workspace="main") == []


async def test_a_job_is_found_by_whoever_does_it_now(storage: Storage) -> None:
    job = await start(storage, await ask(storage, "how?"))
    handover = Handover(provider="gemini", model="flash")
    await end(storage, job, OutcomeKind.LIMITED, reason="usage_limit", handover=handover)
    assert await found(storage, provider="gemini", text="how") == [job.id]
    assert await found(storage, provider="claude") == []


async def test_pages_follow_each_other_without_gap_or_repeat(storage: Storage) -> None:
    ids = [(await ask(storage, f"tidy room {number}")).id for number in range(7)]
    for wanted in (JobSearch(), JobSearch(text="tidy"), JobSearch(provider="claude")):
        seen: list[str] = []
        older = ""
        for _ in range(4):
            page = await storage.search.find(replace(wanted, before=older), 2)
            seen += [job.id for job in page.jobs]
            older = page.older
        assert seen == ids[::-1]
        assert older == ""


async def test_what_waits_for_an_answer_is_found_and_counted_with_whatever_else_is_asked_for(
    storage: Storage,
) -> None:
    job = await a_job_that_asks(storage)
    await ask(storage, "keep sessions too", type="session", provider="gemini")
    assert await storage.search.asking() == 1
    for more in ({}, {"text": "sessions process"}, {"provider": "gemini", "job_type": "session"}):
        assert await found(storage, asking=True, **more) == [job.id]
    for other in ({"text": "login"}, {"provider": "claude"}, {"statuses": [JobStatus.PENDING]}):
        assert await found(storage, asking=True, **other) == []
    assert await found(storage, asking=True, text="sessions", until=job.created_at) == []


def test_a_tab_keeps_what_was_chosen_beside_it() -> None:
    asked = read({"asking": "1", "q": "login", "before": "3fa9c1"})
    shown = tabs(asked, {JobStatus.RUNNING: 3}, 2)
    assert [(tab.name, tab.count, tab.href) for tab in shown if tab.count] == [
        ("all", 3, "/jobs?q=login"),
        ("asking", 2, "/jobs?q=login&asking=1"),
        ("running", 3, "/jobs?q=login&status=running"),
    ]
    assert [tab.name for tab in shown if tab.chosen] == ["asking"]
    assert asked.bare == "/jobs?asking=1"


async def test_how_many_stand_where_is_counted_as_they_move(storage: Storage) -> None:
    assert set((await storage.search.counts()).values()) == {0}
    await busy_week(storage)
    assert set((await storage.search.counts()).values()) == {1}
