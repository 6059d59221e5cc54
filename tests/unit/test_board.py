from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.desk.access import EVERYBODY, Access, Rule
from bot.desk.board import MOST, JobBoard
from executor.model import Actor, Origin
from executor.outbox import CARD
from executor.wakeups import Wakeups
from tests.unit.office import ANN, BOB, ELSEWHERE, EVE, Office, an_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


def board_of(office: Office) -> JobBoard:
    people = frozenset({"ann", "bob"})
    access = Access(rules={"slack": Rule(channels=frozenset({EVERYBODY}), people=people)})
    wakeups: Wakeups = office.storage.outbox._wakeups
    return JobBoard(
        storage=office.storage, access=access, wakeups=wakeups, public_url=lambda: "https://bot.example"
    )


def direct(actor: Actor) -> Origin:
    return Origin(actor=actor, channel="D1")


async def test_jobs_that_run_stand_first_then_those_that_wait_and_the_ended_ones_apart(
    office: Office,
) -> None:
    ended = await office.ended()
    running = await office.running()
    waiting = await office.queued()
    overview = await board_of(office).overview(direct(ANN))
    assert [each.job.id for each in overview.unfinished] == [running.id, waiting.id]
    assert [each.job.id for each in overview.ended] == [ended.id]
    assert [action.verb for action in overview.unfinished[0].shown.actions] == ["cancel"]


async def test_only_ones_own_jobs_of_ones_own_team_are_there(office: Office) -> None:
    await office.queued(by=BOB)
    await office.queued(by=ELSEWHERE)
    overview = await board_of(office).overview(direct(ANN))
    assert not overview.unfinished and not overview.ended and not overview.refusal


async def test_a_stranger_has_no_overview_but_a_reason(office: Office) -> None:
    overview = await board_of(office).overview(direct(EVE))
    assert overview.refusal.startswith("You are not on the list")


async def test_no_more_are_shown_than_a_tab_holds(office: Office) -> None:
    for _ in range(MOST + 1):
        await office.queued()
    assert len((await board_of(office).overview(direct(ANN))).unfinished) == MOST


async def test_an_overview_says_nothing_that_is_wrong_a_second_later(office: Office) -> None:
    await office.ended()
    await office.limited()
    overview = await board_of(office).overview(direct(ANN))
    facts = {fact.label for each in (*overview.unfinished, *overview.ended) for fact in each.shown.facts}
    assert facts == {"model", "goes on at", "cost", "turns", "duration", "ended"}


async def test_a_card_is_waited_for_and_then_known(office: Office) -> None:
    job, board = await office.queued(), board_of(office)
    assert await board.card_of(job, 0) == ""
    waiting = asyncio.create_task(board.card_of(job, 5))
    await asyncio.sleep(0)
    await office.storage.outbox.shown(job.id, CARD, 1, "171.5")
    assert await asyncio.wait_for(waiting, 2) == "171.5"
    assert (await board.overview(direct(ANN))).unfinished[0].card == "171.5"


async def test_a_card_that_the_platform_refused_is_none(office: Office) -> None:
    job = await office.queued()
    await office.storage.outbox.shown(job.id, CARD, 1, "")
    assert await board_of(office).card_of(job, 0) == ""
