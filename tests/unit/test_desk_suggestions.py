"""What the desk offers to somebody who types an id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor.model import Actor, Origin
from tests.unit.office import ADMIN, ANN, BOB, ELSEWHERE, EVE, Office, an_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


async def ids(
    office: Office, verb: str, typed: str = "", by: Actor = ANN, channel: str = "C0DEV"
) -> list[str]:
    found = await office.desk.suggest(Origin(actor=by, channel=channel), verb, typed)
    return [id for id, _ in found]


async def test_jobs_are_offered_to_which_the_verb_can_do_something(office: Office) -> None:
    running = await office.running()
    ended = await office.ended()
    waits = await office.limited()
    assert await ids(office, "cancel") == [waits.id, running.id]
    assert await ids(office, "resume") == [waits.id, ended.id]
    assert await ids(office, "retry") == [ended.id]
    assert await ids(office, "show") == [waits.id, ended.id, running.id]


async def test_what_is_typed_narrows_the_offer_by_id_state_and_prompt(office: Office) -> None:
    job = await office.queued("research how do we cache?")
    await office.queued("session write a test")
    assert await ids(office, "show", "CACHE") == [job.id]
    assert await ids(office, "show", f"#{job.short_id}") == [job.id]
    assert await ids(office, "show", job.id) == [job.id]
    assert await ids(office, "show", "nothing like it") == []
    ((_, line),) = await office.desk.suggest(Origin(actor=ANN, channel="C0DEV"), "show", "cache")
    assert line == f"{job.short_id} pending · research · how do we cache?"


async def test_nobody_is_offered_what_they_may_not_see(office: Office) -> None:
    job = await office.queued()
    assert await ids(office, "show", by=EVE) == []
    assert await ids(office, "show", by=ELSEWHERE) == []
    assert await ids(office, "show", by=BOB, channel="C0OTHER") == []
    assert await ids(office, "show", by=ADMIN, channel="C0OTHER") == [job.id]
    assert await ids(office, "no-such-verb") == []


async def test_schedules_are_offered_where_they_are_changed(office: Office) -> None:
    answer = await office.type('research the news --cron "0 7 * * mon"')
    assert answer.ok
    ((id, line),) = await office.desk.suggest(Origin(actor=ANN, channel="C0DEV"), "schedule", "")
    assert line == f"{id[:6]} · 0 7 * * mon · the news"
    await office.ask("schedule", id, change="pause")
    assert [
        line for _, line in await office.desk.suggest(Origin(actor=ANN, channel="C0DEV"), "schedule", "")
    ] == [f"{id[:6]} paused · 0 7 * * mon · the news"]
