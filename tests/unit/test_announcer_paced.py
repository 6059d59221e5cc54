"""The news of jobs where a channel wants few words, or the platform allows few."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bot.news import rhythm
from bot.platforms.base import Shape, Throttled
from executor.events import TextWritten, ToolStarted
from executor.model import Outcome, OutcomeKind
from tests.unit.newsroom import LONG, ORIGIN, TALK, USAGE, Room, a_room, expected_pages, titles
from tests.unit.wall import CAPS, Call


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with a_room(tmp_path) as room:
        yield room


@pytest.fixture
async def quiet(room: Room) -> Room:
    room.quiet.add(("wall", "dev"))
    return room


async def test_a_quiet_channel_sees_states_and_the_last_word(
    quiet: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rhythm, "TICK_S", 0.01)
    await quiet.start()
    job = await quiet.running()
    await quiet.wall.until(lambda: quiet.wall.shows("running"), "the running card")
    await quiet.does(job, TALK)
    await quiet.ends(job)
    await quiet.told(job)
    assert [posted.says.shape for posted in quiet.wall.posts] == [Shape.CARD, Shape.RESULT]
    assert len(quiet.wall.card.versions) == len(titles(quiet.wall.card.versions))
    assert quiet.wall.of(Shape.RESULT)[0].says.body == "The answer is 42."
    assert quiet.wall.files == {}


async def test_a_quiet_channel_gets_the_whole_of_an_answer_that_is_too_long_for_the_last_word(
    quiet: Room,
) -> None:
    await quiet.start()
    job = await quiet.running()
    await quiet.does(job, LONG)
    answer = "".join(each.text for each in LONG if isinstance(each, TextWritten))
    await quiet.ends(job, Outcome(kind=OutcomeKind.DONE, result=answer, usage=USAGE))
    await quiet.told(job)
    assert quiet.wall.pages == []
    ((_, file),) = quiet.wall.files.values()
    assert file.content.decode().strip() == answer


async def test_other_channels_are_as_loud_as_ever(quiet: Room) -> None:
    await quiet.start()
    job = await quiet.running(origin=replace(ORIGIN, channel="ops"))
    await quiet.does(job, TALK)
    await quiet.wall.until(lambda: quiet.wall.pages == expected_pages(TALK), "the live output")


async def test_with_more_jobs_than_can_be_edited_states_show_and_the_output_comes_whole_at_the_end(
    room: Room,
) -> None:
    room.wall.caps = replace(CAPS, edits_per_minute=1)  # one job alone is more than that allows
    await room.start()
    job = await room.queued()
    await room.wall.until(lambda: room.wall.shows("pending"), "the card")
    job = await room.claimed()
    await room.does(job, TALK)
    await room.wall.until(lambda: room.wall.shows("running"), "the running card")
    assert room.wall.pages == []
    await room.ends(job)
    await room.told(job)
    assert titles(room.wall.card.versions) == ["pending", "running", "done"]
    assert room.wall.pages == expected_pages(TALK)
    assert len(room.wall.of(Shape.PAGE)[0].versions) == 1


async def test_a_new_step_shows_on_the_card_before_more_of_the_time(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rhythm, "STEP_S", 0.01)
    await room.start()
    job = await room.running()
    await room.wall.until(lambda: room.wall.shows("running"), "the running card")
    for command in ("make", "make test"):
        await room.does(job, [ToolStarted(tool_id=command, name="Bash", detail=command)])
        await room.wall.until(partial(steps_to, room, f"Bash({command})"), "the step")


def steps_to(room: Room, step: str) -> bool:
    return step in [fact.value for fact in room.wall.card.says.facts if fact.label == "step"]


def throttle(room: Room, method: str, shape: str) -> list[Call]:
    """From now on such calls are told to wait a minute; those that were."""
    throttled: list[Call] = []

    def fault(call: Call) -> Exception | None:
        if call.done or call.method != method or not call.shape.startswith(shape):
            return None
        throttled.append(call)
        return Throttled(method, 60)

    room.wall.fault = fault
    return throttled


async def test_a_limit_on_files_holds_up_no_card(room: Room) -> None:
    throttled = throttle(room, "attach", "report")
    await room.start()
    job = await room.running()
    await room.ends(job, report=True)
    await room.wall.until(lambda: bool(throttled), "a refused file")
    await room.queued()
    await room.wall.until(lambda: room.wall.shows("pending"), "the next card")
    assert len(throttled) == 1


async def test_a_limit_on_edits_holds_up_no_last_word(room: Room) -> None:
    throttled = throttle(room, "edit", "card")
    await room.start()
    job = await room.queued()
    await room.wall.until(lambda: room.wall.shows("pending"), "the card")
    job = await room.claimed()
    await room.wall.until(lambda: bool(throttled), "a refused edit")
    await room.ends(job)
    await room.wall.until(lambda: bool(room.wall.of(Shape.RESULT)), "the last word")
    assert len(throttled) == 1


async def test_a_limit_on_lookups_holds_up_no_post(room: Room) -> None:
    job = await room.running()
    await room.storage.outbox.begin(job.id, "card", 1)  # and the answer got lost
    throttled = throttle(room, "find", job.id)
    await room.start()
    await room.wall.until(lambda: bool(throttled), "a refused lookup")
    await room.queued()
    await room.wall.until(lambda: room.wall.shows("pending"), "the next card")
    assert len(throttled) == 1
