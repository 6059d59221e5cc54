"""F44: what a channel refuses, and what people delete there while a job goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.news import rhythm
from bot.news.transcript import MOST_PAGES
from bot.platforms.base import Announcement, Refused, Shape
from executor.events import TextWritten
from executor.outbox import Entry
from executor.questions import Asked, QuestionKind
from storage.sqlite.outbox import Outbox
from tests.unit.newsroom import DONE, LONG, ORIGIN, TALK, Room, a_room, expected_pages
from tests.unit.wall import Call

CLOSED = Refused("not_in_channel", "Invite me.")


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with a_room(tmp_path) as room:
        yield room


def in_dev(call: Call) -> Refused | None:
    return CLOSED if call.channel == ORIGIN.channel else None


def said(room: Room, channel: str) -> list[Announcement]:
    return [posted.says for posted in room.wall.posts if posted.place.channel == channel]


async def test_whoever_asked_is_told_alone_why_the_channel_shows_nothing_and_how_it_ended(room: Room) -> None:
    room.wall.fault = in_dev
    await room.start()
    job = await room.running()
    await room.wall.until(lambda: said(room, "@ann") != [], "the reason")
    await room.does(job, TALK)
    await room.ends(job, report=True)
    await room.told(job)
    why, last = said(room, "@ann")
    assert "Invite me." in why.body
    assert f"/job show {job.short_id}" in why.body
    assert last.body.startswith("The answer is 42.\n")
    assert "Invite me." in last.body
    assert [link.label for link in last.links] == ["Report"]
    assert not last.actions, "buttons work only where jobs may be asked for"
    assert said(room, ORIGIN.channel) == []


async def test_who_lets_us_in_meanwhile_sees_the_end_in_the_channel(room: Room) -> None:
    room.wall.fault = in_dev
    await room.start()
    job = await room.running()
    await room.wall.until(lambda: said(room, "@ann") != [], "the reason")
    room.wall.fault = lambda call: None
    await room.does(job, TALK)
    await room.ends(job)
    await room.told(job)
    assert [each.shape for each in said(room, ORIGIN.channel)] == [Shape.CARD, Shape.PAGE, Shape.RESULT]
    assert len(said(room, "@ann")) == 1


async def test_a_channel_that_closes_in_mid_job_leaves_the_last_word_to_whoever_asked(room: Room) -> None:
    await room.start()
    job = await room.running()
    await room.does(job, TALK)
    await room.wall.until(lambda: len(room.wall.pages) == 1, "the first page")
    room.wall.fault = in_dev
    calls = len(room.wall.calls)
    await room.does(job, LONG)
    await room.ends(job, report=True)
    await room.told(job)
    (last,) = said(room, "@ann")
    assert last.body.startswith("The answer is 42.")
    assert len(room.wall.calls) - calls < MOST_PAGES + 8


async def test_where_nobody_can_be_told_it_is_left_without_a_loop_and_reported_once(
    room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rhythm, "TICK_S", 0.0)
    monkeypatch.setattr(rhythm, "STEP_S", 0.0)
    room.wall.fault = lambda call: CLOSED
    reads = 0

    class Counting(Outbox):
        async def of_job(self, job_id: str) -> Mapping[str, Entry]:
            nonlocal reads
            reads += 1
            return await super().of_job(job_id)

    outbox = Counting(room.storage.outbox._database, room.wakeups)
    room.storage = replace(room.storage, outbox=outbox)
    await room.start()
    job, other = await room.running(), await room.running()
    await room.wall.until(lambda: len(room.wall.calls) == 4, "two cards and two notices")
    await room.told(job, other)
    reads = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await asyncio.Event().wait()
    assert reads < 4
    for each in (job, other):
        await room.does(each, TALK)
        await room.ends(each)
    await room.told(job, other)
    assert [call.method for call in room.wall.calls] == ["post"] * 8
    reports = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert reports == ["news.channel_shut: wall dev: not_in_channel. Invite me."]


async def test_a_card_that_somebody_deletes_is_posted_again_once_and_goes_on(room: Room) -> None:
    await room.start()
    job = await room.running()
    await room.does(job, TALK)
    await room.wall.until(lambda: room.wall.pages == expected_pages(TALK), "the first page")
    room.wall.delete(room.wall.card)
    await room.storage.jobs.cancel(job.id, "Bob")
    await room.wall.until(lambda: room.wall.shows("stopping"), "the card again")
    head = room.wall.card.id
    await room.wall.until(lambda: room.wall.posts[-1].place.thread == head, "its output")
    assert room.wall.posts[-1].says.body == expected_pages(TALK)[0]

    room.wall.delete(room.wall.card)
    await room.ends(job)
    await room.told(job)
    assert room.wall.of(Shape.CARD) == []
    (last,) = said(room, "@ann")
    assert last.body.startswith("The answer is 42."), "not only in a thread that has no head"


async def test_a_card_that_is_deleted_right_before_the_end_takes_no_last_word_with_it(room: Room) -> None:
    await room.start()
    job = await room.running()
    await room.does(job, TALK)
    await room.wall.until(lambda: room.wall.pages == expected_pages(TALK), "the first page")
    room.wall.delete(room.wall.card)
    await room.ends(job)
    await room.told(job)
    assert room.wall.shows("done")
    thread = [posted for posted in room.wall.posts if posted.place.thread == room.wall.card.id]
    assert [posted.says.shape for posted in thread] == [Shape.PAGE, Shape.RESULT]


async def test_after_a_second_deletion_nothing_is_edited_in_vain(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rhythm, "TICK_S", 0.01)
    monkeypatch.setattr(rhythm, "STEP_S", 0.01)
    await room.start()
    job = await room.running()
    for _ in range(2):
        await room.wall.until(lambda: room.wall.of(Shape.CARD) != [], "the card")
        room.wall.delete(room.wall.card)
        missed = len(room.wall.calls) + 1
        await room.wall.until(lambda: len(room.wall.calls) >= missed, "an edit in vain")  # noqa: B023
    calls = len(room.wall.calls)
    await room.does(job, TALK)
    await room.ends(job)
    await room.told(job)
    assert len(room.wall.calls) == calls + 1
    (last,) = said(room, "@ann")
    assert last.body.startswith("The answer is 42.")


async def test_a_page_that_somebody_deletes_is_posted_again_once(room: Room) -> None:
    await room.start()
    job = await room.running()
    for words in ("One. ", "Two. ", "Three. "):
        await room.does(job, [TextWritten(text=words)])
        if words != "Three. ":
            await room.wall.until(lambda: room.wall.pages != [], "the page")
            room.wall.delete(room.wall.of(Shape.PAGE)[0])
    await room.wall.until(lambda: room.wall.calls[-1].method == "edit", "an edit in vain")
    await room.ends(job, replace(DONE, result=""))
    await room.told(job)
    assert room.wall.pages == []
    content = room.wall.files[f"output-{job.short_id}.md"][1].content
    assert content == b"One. Two. Three.\n"


async def test_what_a_job_asks_is_told_to_whoever_asked_for_it_where_the_channel_is_shut(room: Room) -> None:
    room.wall.fault = in_dev
    await room.start()
    job = await room.running()
    await room.wall.until(lambda: said(room, "@ann") != [], "the reason")
    asked = Asked(kind=QuestionKind.APPROVAL, text="Run a command", detail="make", syntax="bash")
    until = datetime.now(UTC) + timedelta(minutes=30)
    assert await room.storage.questions.ask(job, "r-1", [asked], until)
    await room.wall.until(lambda: len(said(room, "@ann")) == 2, "the question")
    question = said(room, "@ann")[1]
    assert (question.code, question.reactions) == ("make", ())
    assert f"`/job answer {job.short_id} approve`" in question.body and "Invite me." in question.body
    await room.ends(job)
    await room.told(job)


async def test_a_question_that_a_channel_refuses_in_mid_job_goes_to_whoever_asked_for_it(room: Room) -> None:
    await room.start()
    job = await room.running()
    await room.wall.until(lambda: said(room, ORIGIN.channel) != [], "the card")
    room.wall.fault = in_dev
    asked = Asked(kind=QuestionKind.CHOICE, text="Which?", detail="x\n" * 20_000)
    until = datetime.now(UTC) + timedelta(minutes=30)
    assert await room.storage.questions.ask(job, "r-1", [asked], until)
    await room.wall.until(lambda: said(room, "@ann") != [], "the question")
    assert "with your answer in words" in said(room, "@ann")[0].body
    await room.ends(job)
    await room.told(job)
