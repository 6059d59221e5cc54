"""What agents leave for people: it comes into the thread, once, and what does not is spoken of."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.news import leavings
from bot.news.announcements import result
from bot.platforms.base import Refused, Shape, Unsure
from executor.model import Job, JobStatus
from tests.unit.newsroom import DONE, Room, a_room
from tests.unit.test_announcements import job as a_job
from tests.unit.wall import CAPS

JOB = a_job(JobStatus.DONE)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with a_room(tmp_path) as room:
        room.wall.caps = replace(CAPS, file_bytes=1_000)
        yield room


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    return tmp_path / "results"


def left(room: Room, job: Job, name: str, content: bytes = b"1") -> Path:
    path = room.reports.parent / "jobs" / job.id / "results" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def attached(room: Room) -> dict[str, bytes]:
    return {file.name: file.content for _, file in room.wall.files.values()}


def found(results: Path, job: Job = JOB, largest: int = 1_000) -> leavings.Leavings:
    return leavings.find(results, job, largest)


async def test_files_of_a_job_come_into_its_thread_when_it_has_ended(room: Room) -> None:
    job = await room.running()
    left(room, job, "chart.png", b"PNG")
    left(room, job, "data/all.csv", b"a;b")
    await room.start()
    await room.ends(job)
    await room.told(job)
    assert attached(room) == {
        f"file-chart-{job.short_id}.png": b"PNG",
        f"file-all-{job.short_id}.csv": b"a;b",
    }
    (card,) = room.wall.of(Shape.CARD)
    assert {place.thread for place, _ in room.wall.files.values()} == {card.id}
    assert sorted(file.title for _, file in room.wall.files.values()) == ["chart.png", "data/all.csv"]


@pytest.mark.parametrize("done", [False, True])
async def test_a_file_whose_answer_is_lost_comes_once(room: Room, done: bool) -> None:
    lost = iter([Unsure("files.upload")])
    room.wall.fault = lambda call: next(lost, None) if call.method == "attach" and call.done is done else None
    job = await room.running()
    left(room, job, "chart.png")
    await room.ends(job)
    await room.start()
    await room.told(job)
    assert len(room.wall.files) == 1
    assert room.wall.count("attach") == 1


async def test_what_is_refused_costs_no_other_file(room: Room) -> None:
    refusals = iter([Refused("file_type_not_allowed")])
    room.wall.fault = lambda call: next(refusals, None) if call.method == "attach" and not call.done else None
    job = await room.running()
    for name in ("a.exe", "b.txt"):
        left(room, job, name)
    await room.ends(job)
    await room.start()
    await room.told(job)
    assert [*attached(room)] == [f"file-b-{job.short_id}.txt"]


async def test_what_is_left_out_is_said_with_why_and_where_it_lies(room: Room) -> None:
    job = await room.running()
    big = left(room, job, "big.bin", b"x" * 1_001)
    left(room, job, "small.bin")
    await room.ends(job)
    await room.start()
    await room.told(job)
    assert [*attached(room)] == [f"file-small-{job.short_id}.bin"]
    (last,) = room.wall.of(Shape.RESULT)
    said = {fact.label: fact.value for fact in last.says.facts}["not attached"]
    assert said == f"big.bin (more than 1 kB): in {big.parent} on the bot's machine"


def test_a_report_is_no_file_beside_itself(results: Path) -> None:
    (results / "report.md").write_text("# Hi")
    assert [file.title for file in found(results).files] == ["report.md"]
    assert found(results, replace(JOB, report_slug="hi")).files == []


async def test_no_link_is_followed_and_nothing_but_files_is_read(results: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("hunter2")
    (results / "a.txt").write_text("a")
    (results / "link.txt").symlink_to(secret / "key")
    (results / "folder").symlink_to(secret)
    os.mkfifo(results / "pipe")
    known = found(results)
    assert [file.title for file in known.files] == ["a.txt"]
    assert "folder, link.txt, pipe (no regular file)" in known.left_out
    # What was a file when we looked may be a link when we read it.
    (results / "a.txt").unlink()
    (results / "a.txt").symlink_to(secret / "key")
    assert await known.attachment(known.files[0]) is None


def test_a_directory_that_is_a_link_is_none(results: Path, tmp_path: Path) -> None:
    (tmp_path / "other").symlink_to(results)
    (results / "a.txt").write_text("a")
    assert found(tmp_path / "other").files == []
    assert found(tmp_path / "nowhere").files == []


def test_too_many_and_too_much_is_left_out(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        (results / f"{number:02}.txt").write_text("x" * 100)
    known = found(results)
    assert [file.title for file in known.files] == [f"{number:02}.txt" for number in range(10)]
    assert known.left_out.startswith("10.txt, 11.txt (more than 10 files): in ")
    monkeypatch.setattr(leavings, "MOST_TOGETHER", 350)
    known = found(results)
    assert len(known.files) == 3
    assert known.left_out.startswith("03.txt, 04.txt, 05.txt and 6 more (more than 350 bytes together)")


def test_names_are_plain_and_told_apart(results: Path) -> None:
    (results / "a b\u202e.png").write_text("1")
    (results / "a").mkdir()
    (results / "a" / "chart.png").write_text("2")
    (results / "chart.png").write_text("3")
    (results / "図").write_text("4")
    known = found(results)
    assert [file.name for file in known.files] == [
        "file-chart-3fa9c1.png",
        "file-a-b-3fa9c1.png",
        "file-chart-3fa9c1-2.png",
        "file-file-3fa9c1",
    ]
    assert "\u202e" not in "".join(file.title for file in known.files)


def test_nothing_is_said_where_nothing_is_left_out() -> None:
    said = result(replace(JOB, result=DONE.result), "https://bot.example")
    assert "not attached" not in [fact.label for fact in said.facts]
