"""The news of jobs, where the platform answers late, wrongly or not at all, and we are restarted."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.news import job_news
from bot.platforms.base import Refused, Shape, Throttled, Unsure
from executor.events import Event, TextWritten
from executor.model import Job
from executor.outbox import Entry
from executor.wakeups import NEWS, Wakeups, job_topic
from storage import Storage
from storage.sqlite.outbox import Outbox
from storage.sqlite.store import SqliteStore
from tests.unit.newsroom import DONE, LONG, ORIGIN, TALK, Room, a_room, expected_pages, titles
from tests.unit.wall import WAIT_S, Call


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with a_room(tmp_path) as room:
        yield room


async def test_a_throttled_platform_is_left_alone_for_as_long_as_it_says(room: Room) -> None:
    """F41."""
    pause_s = 0.4
    times: list[tuple[float, bool]] = []

    def fault(call: Call) -> Exception | None:
        if call.method != "post" or call.done:
            return None
        times.append((time.monotonic(), len(times) == 1))
        return Throttled("chat.post", pause_s) if times[-1][1] else None

    room.wall.fault = fault
    job = await room.running()
    await room.does(job, TALK)
    await room.ends(job)
    await room.start()
    await room.told(job)
    (_, _), (refused_at, refused), (again_at, _), *_ = times
    assert refused
    assert again_at - refused_at >= pause_s
    assert len(room.wall.of(Shape.PAGE)) == len(room.wall.of(Shape.RESULT)) == 1


async def test_a_throttled_edit_says_what_is_true_when_its_turn_comes(room: Room) -> None:
    """F41."""
    throttled = iter([Throttled("chat.update", 0.3)])
    room.wall.fault = lambda call: None if call.done or call.method != "edit" else next(throttled, None)
    await room.start()
    job = await room.queued()
    await room.wall.until(lambda: room.wall.shows("pending"), "the card")
    job = await room.claimed()
    await room.wall.until(lambda: any(call.method == "edit" for call in room.wall.calls), "an edit")
    await room.ends(job)
    await room.told(job)
    assert titles(room.wall.card.versions) == ["pending", "done"]


@pytest.mark.parametrize("came_through", [True, False])
@pytest.mark.parametrize("shape", ["card", "page", "result", "report"])
async def test_after_a_lost_answer_we_look_before_we_say_it_again(
    room: Room, monkeypatch: pytest.MonkeyPatch, shape: str, came_through: bool
) -> None:
    """F42."""
    monkeypatch.setattr(job_news, "_UNSURE_S", (0.05, 0.1))
    lost = iter([Unsure("no answer"), Unsure("no answer either")])

    def fault(call: Call) -> Exception | None:
        hit = call.method in ("post", "attach") and call.shape.startswith(shape) and call.done is came_through
        return next(lost, None) if hit else None

    room.wall.fault = fault
    job = await room.running()
    await room.does(job, TALK)
    await room.ends(job, report=True)
    await room.start()
    await room.told(job)
    assert room.wall.count("find") == (1 if came_through else 2)
    assert len(room.wall.posts) == 3
    assert list(room.wall.files) == [f"report-{job.short_id}.html"]
    assert room.wall.shows("done")
    assert room.wall.pages == expected_pages(TALK)


async def test_a_lost_answer_to_an_edit_is_edited_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """F42."""
    monkeypatch.setattr(job_news, "_UNSURE_S", (0.05,))
    lost = iter([Unsure("no answer")])
    room.wall.fault = lambda call: next(lost, None) if call.method == "edit" and call.done else None
    await room.start()
    job = await room.queued()
    await room.wall.until(lambda: room.wall.shows("pending"), "the card")
    await room.ends(await room.claimed())
    await room.told(job)
    assert room.wall.shows("done")
    assert room.wall.count("find") == 0


@pytest.mark.parametrize("shape", ["page", "result", "report"])
async def test_what_is_refused_in_the_thread_keeps_nothing_else_back(room: Room, shape: str) -> None:
    """F44."""
    room.wall.fault = lambda call: Refused("no_permission") if call.shape.startswith(shape) else None
    job = await room.running()
    await room.does(job, TALK)
    await room.ends(job, report=True)
    await room.start()
    await room.told(job)
    assert room.wall.shows("done")
    said = [posted.says.shape for posted in room.wall.posts]
    expected = {"page": {Shape.PAGE}, "result": {Shape.RESULT}, "report": set()}[shape]
    assert set(said) == {Shape.CARD, Shape.PAGE, Shape.RESULT} - expected
    # Output of which the thread shows nothing comes as a file.
    files = {f"output-{job.short_id}.md"} if shape == "page" else set()
    assert set(room.wall.files) == files | (set() if shape == "report" else {f"report-{job.short_id}.html"})


async def test_a_card_that_can_be_changed_no_more_is_no_reason_to_stop(room: Room) -> None:
    """F44."""
    room.wall.fault = lambda call: (
        Refused("edit_window_closed") if call.method == "edit" and call.shape == "card" else None
    )
    await room.start()
    job = await room.queued()
    await room.wall.until(lambda: room.wall.shows("pending"), "the card")
    job = await room.claimed()
    await room.ends(job)
    await room.told(job)
    assert len(room.wall.of(Shape.RESULT)) == 1


async def test_where_looking_is_refused_it_is_said_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_news, "_UNSURE_S", (0.05,))
    lost = iter([Unsure("no answer")])

    def fault(call: Call) -> Exception | None:
        if call.method == "find":
            return Refused("missing_scope")
        return next(lost, None) if call.shape == "result" else None

    room.wall.fault = fault
    job = await room.running()
    await room.ends(job)
    await room.start()
    await room.told(job)
    assert len(room.wall.of(Shape.RESULT)) == 1


async def test_a_fault_of_ours_with_one_job_silences_no_other_and_is_tried_again(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    faults = iter([RuntimeError("a bug"), RuntimeError("the same bug")])
    room.wall.fault = lambda call: next(faults, None)
    await room.start()
    first = await room.running()
    second = await room.running()
    await room.ends(second)
    for _ in range(2):  # each ring takes up what failed before
        room.wakeups.ring(NEWS)
        await asyncio.sleep(0)
    await room.ends(first)
    room.wakeups.ring(NEWS)
    await room.told(first, second)
    assert len(room.wall.of(Shape.CARD)) == len(room.wall.of(Shape.RESULT)) == 2
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "announcer.failed",
        "announcer.failed",
    ]


async def test_jobs_of_a_platform_that_is_switched_off_wait_for_it(room: Room) -> None:
    away = await room.running(origin=replace(ORIGIN, actor=replace(ORIGIN.actor, platform="elsewhere")))
    await room.ends(away)
    announcer = await room.start()
    job = await room.running()
    await room.ends(job)
    await room.told(job)
    assert await announcer.catch_up(WAIT_S)  # nothing that could be told is due
    assert await room.storage.outbox.any_due([away.id])
    assert {posted.key.split(":")[0] for posted in room.wall.posts} == {job.id}


async def test_catching_up_waits_for_what_is_due_and_no_longer_than_it_may(room: Room) -> None:
    announcer = await room.start()
    job = await room.running()
    await room.ends(job)
    assert await announcer.catch_up(WAIT_S)
    assert not await room.storage.outbox.any_due([job.id])
    room.wall.stop_at = (len(room.wall.calls) + 1, False)
    await room.queued()
    await asyncio.wait_for(room.wall.stopped.wait(), WAIT_S)
    assert not await announcer.catch_up(0.05)


async def _live(room: Room, until: Callable[[Callable[[], bool], str], Awaitable[None]]) -> Job:
    """A job's whole life, each stretch of it told before the next begins."""
    wall = room.wall
    await room.queued()
    await until(lambda: wall.shows("pending"), "the card")
    job = await room.claimed()
    await until(lambda: wall.shows("running"), "the running card")
    await room.does(job, TALK)
    await until(lambda: wall.pages == expected_pages(TALK), "the first page")
    await room.does(job, LONG)
    await until(lambda: wall.pages == expected_pages([*TALK, *LONG]), "all pages")
    await room.does(job, [TextWritten(text="Bye.")])
    left = room.reports.parent / "jobs" / job.id / "results"
    left.mkdir(parents=True)
    for name in ("a.png", "b.csv"):
        (left / name).write_text("what the agent left")
    await room.ends(job, report=True)
    await until(lambda: wall.shows("done") and len(wall.files) == 3, "the end")
    return job


@pytest.mark.parametrize("takes_effect", [True, False], ids=["after the call", "before the call"])
async def test_a_restart_between_any_two_steps_neither_loses_nor_repeats_anything(
    tmp_path: Path, takes_effect: bool
) -> None:
    for number in itertools.count(1):
        place = tmp_path / str(number)
        place.mkdir()
        async with a_room(place) as room:
            room.wall.stop_at = (number, takes_effect)
            await room.start()

            async def until(condition: Callable[[], bool], what: str, room: Room = room) -> None:
                """Restarts the announcer where it hangs, and waits until the wall shows it."""
                waiting = asyncio.create_task(room.wall.until(condition, what))
                hanging = asyncio.create_task(room.wall.stopped.wait())
                await asyncio.wait({waiting, hanging}, return_when=asyncio.FIRST_COMPLETED)
                if hanging.done() and room.wall.stop_at is not None:
                    await room.stop()
                    room.wall.stop_at = None
                    await room.start()
                hanging.cancel()
                await waiting

            job = await _live(room, until)
            if room.wall.stop_at is not None and room.wall.stopped.is_set():
                await until(lambda: True, "nothing more")
            await room.told(job)
            _is_right(room, job)
            if not room.wall.stopped.is_set():
                break
    assert number > 8  # a life has that many calls at least


def _is_right(room: Room, job: Job) -> None:
    """One card, one last word, one report, each file once, and every page as it should be."""
    wall = room.wall
    assert "done" in wall.card.says.title
    (result,) = wall.of(Shape.RESULT)
    assert result.says.body == DONE.result
    assert wall.pages == expected_pages([*TALK, *LONG, TextWritten(text="Bye.")])
    names = ("report-{}.html", "file-a-{}.png", "file-b-{}.csv")
    assert list(wall.files) == [name.format(job.short_id) for name in names]
    keys = [posted.key for posted in wall.posts]
    assert len(keys) == len(set(keys))


async def test_what_there_is_nothing_to_show_of_does_not_keep_a_job_open(room: Room) -> None:
    """Such as a page that an older release has cut otherwise."""
    job = await room.running()
    await room.storage.outbox.begin(job.id, "page:9", 2)
    await room.ends(job)
    await room.start()
    await room.told(job)
    assert room.telling is not None
    assert room.wall.pages == []


class Meanwhile:
    """Lets something happen right before the n-th read of how a job stands."""

    def __init__(self, act: Callable[[], Awaitable[None]]) -> None:
        self._act = act
        self._left = 0

    def after(self, reads: int) -> None:
        self._left = reads

    async def read(self) -> None:
        self._left -= 1
        if self._left == 0:
            await self._act()

    def reading(self, storage: Storage, wakeups: Wakeups) -> Storage:
        """The storage as somebody reads it who is that slow."""
        meanwhile = self

        class LateJobs(SqliteStore):
            async def job(self, job_id: str) -> Job | None:
                await meanwhile.read()
                return await super().job(job_id)

            async def events(self, job_id: str, after: int = 0, limit: int = 1000) -> Sequence[Event]:
                await meanwhile.read()
                return await super().events(job_id, after, limit)

        class LateOutbox(Outbox):
            async def of_job(self, job_id: str) -> Mapping[str, Entry]:
                await meanwhile.read()
                return await super().of_job(job_id)

        database = storage.outbox._database
        return replace(storage, jobs=LateJobs(database, wakeups), outbox=LateOutbox(database, wakeups))


@pytest.mark.parametrize("reads", range(1, 4))
async def test_an_end_between_two_reads_is_told(room: Room, reads: int) -> None:
    last = TextWritten(text="The last text.")

    async def end() -> None:
        await room.does(job, [last])
        await room.ends(job)

    meanwhile, storage = Meanwhile(end), room.storage
    room.storage = meanwhile.reading(storage, room.wakeups)
    await room.start()
    room.storage = storage
    job = await room.running()
    await room.does(job, TALK)
    await room.wall.until(lambda: room.wall.pages == expected_pages(TALK), "the first page")
    meanwhile.after(reads)
    room.wakeups.ring(job_topic(job.id))
    await room.wall.until(lambda: room.wall.shows("done"), "the end")
    await room.told(job)
    assert room.wall.pages == expected_pages([*TALK, last])
    assert len(room.wall.of(Shape.RESULT)) == 1
