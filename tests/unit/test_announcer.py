"""The news of jobs, as people see them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.news import rhythm
from bot.news.output import FOLLOWS
from bot.news.transcript import MOST_PAGES
from bot.platforms.base import Shape, Tone
from executor.events import Activity, TextWritten, Todo, TodosChanged
from executor.events import TodoState as S
from executor.lifecycle import Transition
from executor.model import Job, OutcomeKind
from tests.unit.newsroom import DONE, LONG, ORIGIN, TALK, Room, a_room, expected_pages, titles
from tests.unit.wall import CAPS


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with a_room(tmp_path) as room:
        yield room


async def test_a_job_is_told_from_the_queue_to_its_cost(room: Room) -> None:
    await room.start()
    job = await room.queued()
    await room.wall.until(lambda: room.wall.shows("pending"), "the card")
    job = await room.claimed()
    await room.wall.until(lambda: room.wall.shows("running"), "the running card")
    await room.does(job, TALK)
    await room.wall.until(lambda: room.wall.pages == expected_pages(TALK), "the live output")
    await room.ends(job)
    await room.told(job)

    wall = room.wall
    assert titles(wall.card.versions) == ["pending", "running", "done"]
    assert wall.card.place.thread is None
    assert [fact.value for fact in wall.card.says.facts if fact.label == "cost"] == ["$0.42"]
    (result,) = wall.of(Shape.RESULT)
    assert (result.says.body, result.says.mention) == ("The answer is 42.", "ann")
    assert {posted.place.thread for posted in wall.posts if posted is not wall.card} == {wall.card.id}
    assert wall.files == {}


async def test_live_output_grows_and_rolls_over_to_further_pages(room: Room) -> None:
    await room.start()
    job = await room.running()
    await room.does(job, TALK)
    await room.wall.until(lambda: len(room.wall.pages) == 1, "the first page")
    await room.does(job, LONG)
    await room.wall.until(lambda: room.wall.pages == expected_pages([*TALK, *LONG]), "all pages")
    assert len(room.wall.pages) > 2
    assert len(room.wall.of(Shape.PAGE)[0].versions) > 1


async def test_the_last_word_comes_before_what_the_pages_still_lack(room: Room) -> None:
    job = await room.running()
    await room.start()
    await room.does(job, TALK)
    await room.wall.until(lambda: len(room.wall.pages) == 1, "the first page")
    await room.stop()
    await room.does(job, [TextWritten(text="\n\nOne word more.")])
    await room.ends(job)
    said_before = len(room.wall.calls)
    await room.start()
    await room.told(job)
    told = [(call.method, call.shape) for call in room.wall.calls[said_before:]]
    assert told == [("post", "result"), ("edit", "card"), ("edit", "page")]
    assert room.wall.pages[0].endswith("One word more.")
    assert len(room.wall.of(Shape.RESULT)[0].versions) == 1


async def test_a_job_that_ends_at_once_shows_its_output_above_its_last_word(room: Room) -> None:
    job = await room.running()
    await room.does(job, TALK)
    await room.ends(job)
    await room.start()
    await room.told(job)
    assert [posted.says.shape for posted in room.wall.posts] == [Shape.CARD, Shape.PAGE, Shape.RESULT]
    assert room.wall.files == {}


@pytest.mark.parametrize("before", [TALK, []], ids=["after tools", "alone"])
async def test_an_answer_that_fits_is_read_in_the_last_word_and_nowhere_else(
    room: Room, before: list[Activity]
) -> None:
    await room.start()
    job = await room.running()
    await room.does(job, [*before, TextWritten(text="\n\nThe answer is 42.")])
    await room.wall.until(lambda: "The answer is 42." in "".join(room.wall.pages), "the answer, live")
    await room.ends(job)
    await room.told(job)
    assert room.wall.of(Shape.RESULT)[0].says.body == "The answer is 42."
    assert room.wall.pages == (expected_pages(before) or [FOLLOWS])
    assert room.wall.files == {}


async def test_an_answer_that_came_at_once_needs_no_page(room: Room) -> None:
    job = await room.running()
    await room.does(job, [TextWritten(text="The answer is 42.")])
    await room.ends(job)
    await room.start()
    await room.told(job)
    assert [posted.says.shape for posted in room.wall.posts] == [Shape.CARD, Shape.RESULT]


async def test_an_answer_that_stands_above_whole_is_only_begun_in_the_last_word(room: Room) -> None:
    await room.start()
    job = await room.running()
    answer = "".join(each.text for each in LONG if isinstance(each, TextWritten))
    await room.does(job, [*TALK, *LONG])
    await room.wall.until(lambda: room.wall.pages == expected_pages([*TALK, *LONG]), "all pages")
    await room.ends(job, replace(DONE, result=answer))
    await room.told(job)
    assert room.wall.pages == expected_pages([*TALK, *LONG])
    body = room.wall.of(Shape.RESULT)[0].says.body
    assert body.startswith("word word")
    assert body.endswith("… the whole answer stands above.*")
    assert len(body) < len(answer) / 2


async def test_output_that_does_not_stand_in_the_thread_comes_as_a_file(room: Room) -> None:
    job = await room.running()
    await room.does(job, [*TALK, *LONG])
    await room.ends(job, report=True)
    await room.start()
    await room.told(job)
    assert len(room.wall.pages) == 1  # after the last word no page is begun
    place, output = room.wall.files[f"output-{job.short_id}.md"]
    assert place.thread == room.wall.card.id
    assert output.content.decode().endswith("That was all.\n")
    assert room.wall.files[f"report-{job.short_id}.html"][1].content == b"<p>42</p>"
    assert [link.url for link in room.wall.card.says.links] == [
        f"https://bot.example/reports/slug-{job.short_id}/"
    ]


async def test_more_output_than_pages_shows_the_latest_and_comes_as_a_file(room: Room) -> None:
    await room.start()
    job = await room.running()
    lines: list[Activity] = [TextWritten(text=f"line {number}\n") for number in range(300)]
    await room.does(job, lines)
    await room.wall.until(lambda: room.wall.pages == expected_pages(lines), "the latest output")
    assert len(room.wall.pages) == MOST_PAGES
    await room.ends(job)
    await room.told(job)
    content = room.wall.files[f"output-{job.short_id}.md"][1].content.decode()
    assert content == "".join(f"line {number}\n" for number in range(300))


async def test_a_report_that_is_gone_is_not_waited_for(room: Room) -> None:
    job = await room.running()
    await room.ends(job, report=True)
    (room.reports / f"slug-{job.short_id}" / "index.html").unlink()
    await room.start()
    await room.told(job)
    assert room.wall.files == {}


async def test_what_continues_a_job_stands_in_its_thread_with_a_card_of_its_own(room: Room) -> None:
    await room.start()
    first = await room.running()
    await room.ends(first)
    await room.told(first)
    head = room.wall.card.id
    second = await room.running(origin=replace(ORIGIN, thread=head), parent_job_id=first.id)
    await room.does(second, TALK)
    await room.ends(second, replace(DONE, kind=OutcomeKind.FAILED, message="It broke."))
    await room.told(second)
    later = [posted for posted in room.wall.posts if posted.key.startswith(second.id)]
    assert {posted.place.thread for posted in later} == {head}
    assert next(posted.says.shape for posted in later if posted.says.tone is Tone.BAD) is Shape.CARD
    assert len(room.wall.of(Shape.CARD)) == 2


async def test_many_jobs_at_once_are_told_each_once(room: Room) -> None:
    await room.start()
    for _ in range(20):
        await room.queued()
    jobs = [await room.claimed() for _ in range(20)]

    async def live(job: Job) -> None:
        await room.does(job, TALK)
        await room.ends(job)

    await asyncio.gather(*map(live, jobs))
    await room.told(*jobs)
    for shape in (Shape.CARD, Shape.RESULT):
        assert sorted(posted.key for posted in room.wall.of(shape)) == sorted(
            f"{job.id}:{shape}" for job in jobs
        )
    assert all(posted.says.tone is Tone.GOOD for posted in room.wall.of(Shape.CARD))


async def test_text_that_comes_faster_than_edits_may_is_edited_as_it_stands_then(room: Room) -> None:
    room.wall.caps = replace(CAPS, page_chars=20_000, edits_per_minute=600, edit_burst=2)
    await room.start()
    job = await room.running()
    began = time.monotonic()
    pieces: list[Activity] = [TextWritten(text=f"{number} ") for number in range(300)]
    await room.does(job, pieces)
    await room.wall.until(lambda: room.wall.pages != [] and "299" in room.wall.pages[0], "the last piece")
    passed_s = time.monotonic() - began
    assert room.wall.count("edit") <= 2 + 10 * passed_s + 1
    assert room.wall.pages[0].split() == [str(number) for number in range(300)]


async def test_a_card_counts_the_time_a_job_ran_and_not_the_time_it_waited(room: Room) -> None:
    job = await room.running()
    hit = replace(DONE, kind=OutcomeKind.LIMITED, resets_at=datetime.now(UTC) - timedelta(seconds=1))
    assert await room.storage.jobs.settle(job, Transition.HIT_LIMIT, hit, None)
    await room.claimed()
    await room.start()
    await room.wall.until(lambda: room.wall.shows("attempt 2"), "the card")
    assert [fact.value for fact in room.wall.card.says.facts if fact.label == "elapsed"] == ["42s"]


async def test_a_card_shows_how_far_the_agent_is_and_ends_without_a_bar(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rhythm, "STEP_S", 0.05)
    await room.start()
    job = await room.running()
    for done in range(3):
        items = [Todo(text=f"thing {n}", state=S.DONE if n < done else S.PENDING) for n in range(2)]
        await room.does(job, [TodosChanged(items=tuple(items))])
        await room.wall.until(lambda: len(_figures(room)) == done + 1, f"{done} of 2")  # noqa: B023
    await room.ends(job)
    await room.told(job)
    assert _figures(room) == [(0, 2), (1, 2), (2, 2)]
    last = room.wall.card.says
    assert last.progress is None
    assert [fact.value for fact in last.facts if fact.label == "todo"] == ["2/2"]


def _figures(room: Room) -> list[tuple[int, int]]:
    versions = [said for card in room.wall.of(Shape.CARD) for said in card.versions]
    return list(
        dict.fromkeys((said.progress.done, said.progress.total) for said in versions if said.progress)
    )


async def test_a_running_card_counts_the_time_although_nothing_happens(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rhythm, "TICK_S", 0.05)
    monkeypatch.setattr(rhythm, "STEP_S", 0.05)
    await room.start()
    await room.running()
    await room.wall.until(lambda: len(room.wall.posts) == 1 and len(room.wall.card.versions) > 3, "ticks")
