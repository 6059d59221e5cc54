"""Files at the desk: taken before anything starts, or refused in a sentence that changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.desk.asks import REPLY, Answer, Ask, Invocation, Offer, Unfetchable
from executor.files import all_of, came_with
from executor.job_types import JOB_TYPES
from executor.model import Actor, Job, Origin
from executor.parcels import Take
from executor.ports import StoreFault, StoreUnavailable
from tests.unit.office import ANN, EVE, Office, an_office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with an_office(tmp_path) as office:
        yield office


class Attached:
    """A file of 300 bytes, which counts how often it is fetched."""

    def __init__(self, label: str = "chart.png", size: int | None = 300, comes: int = 300) -> None:
        self.fetched = 0
        self._comes = comes
        self.offer = Offer(label=label, fetch=self._fetch, size=size)

    async def _fetch(self, take: Take) -> None:
        self.fetched += 1
        for _ in range(self._comes // 100):
            await take(b"x" * 100)


async def say(
    office: Office,
    text: str,
    *files: Attached,
    delivery: str = "said:1",
    thread: str | None = None,
    by: Actor = ANN,
) -> Answer:
    origin = Origin(actor=by, channel="C0DEV", thread=thread)
    offers = [file.offer for file in files]
    return await office.desk.command(Invocation(text=text, origin=origin, delivery=delivery, files=offers))


def received(office: Office) -> list[Path]:
    return sorted((office.database.parent / "received").glob("*/*"))


def told(job: Job, office: Office) -> str:
    """What its agent is told."""
    place = office.database.parent / "received"
    return JOB_TYPES[job.type].prompt(job, Path("/results"), place)


async def test_a_job_has_its_files_on_the_disk_and_its_agent_is_told_where(office: Office) -> None:
    answer = await say(office, "research what is this?", Attached(), Attached("notes.md"))
    assert answer.ok and answer.job
    paths = received(office)
    assert [(path.name, len(path.read_bytes())) for path in paths] == [("chart.png", 300), ("notes.md", 300)]
    assert all(str(path) in told(answer.job, office) for path in paths)
    shown = (await office.ask("show", answer.job.id)).text
    assert "2 files: `chart.png, notes.md`" in shown


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            [Attached(), Attached("big.bin", size=2_000)],
            "`big.bin` is too large: a file may have 1 kB. Nothing was",
        ),
        ([Attached(), Attached("lies.bin", size=1, comes=2_000)], "`lies.bin` is too large"),
        ([Attached("unknown.bin", size=None, comes=2_000)], "`unknown.bin` is too large"),
        ([Attached()] * 4, "4 files are attached; at most 3 are taken. Nothing was started."),
    ],
)
async def test_what_is_too_much_is_refused_and_nothing_starts(
    office: Office, files: Sequence[Attached], sentence: str
) -> None:
    before = office.rows()
    refused = await office.refused(await say(office, "research x", *files), before)
    assert sentence in refused
    assert received(office) == []


async def test_the_sentence_names_the_file_and_says_why(office: Office) -> None:
    async def fetch(_: Take) -> None:
        raise Unfetchable("it is not there any more.")

    ask = Ask(
        verb="session",
        origin=Origin(actor=ANN, channel="C0DEV"),
        delivery="d:1",
        args={"prompt": "x"},
        files=[Attached().offer, Offer(label="a`\nb.png", fetch=fetch)],
    )
    before = office.rows()
    said = await office.refused(await office.desk.ask(ask), before)
    assert said == "`a b.png` cannot be taken: it is not there any more. Nothing was started."
    assert received(office) == []


async def test_nobodys_files_are_fetched_before_it_is_known_that_he_may(office: Office) -> None:
    before, file = office.rows(), Attached()
    await office.refused(await say(office, "research x", file, by=EVE), before)
    await office.refused(await say(office, "research x --model nonsense", file), before)
    await office.refused(await say(office, "list", file), before)
    assert file.fetched == 0


async def test_the_same_delivery_fetches_nothing_twice(office: Office) -> None:
    file = Attached()
    first, again = [await say(office, "research x", file) for _ in range(2)]
    assert first.job and again.job and first.job.id == again.job.id
    assert (file.fetched, len(received(office))) == (1, 1)


async def test_what_the_store_does_not_take_leaves_no_files(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise StoreUnavailable(StoreFault.FULL)

    monkeypatch.setattr(office.storage.jobs, "submit", fails)
    assert (await say(office, "research x", Attached())).unavailable
    assert received(office) == []


async def ended(office: Office) -> Job:
    """A job of Ann's with a file and a session, which has ended in the thread 100.1."""
    answer = await say(office, "research what is this?", Attached("old.png"), thread="100.1")
    assert answer.job
    return await office.finish(answer.job)


async def test_a_retry_has_the_files_again(office: Office) -> None:
    job = await ended(office)
    again = (await office.ask("retry", job.id)).job
    assert again and came_with(again.payload) == came_with(job.payload) != ()
    assert str(received(office)[0]) in told(again, office)


async def test_a_reply_brings_files_of_its_own_and_remembers_the_old_ones(office: Office) -> None:
    job = await ended(office)
    answer = await say(office, "", Attached("new.png"), thread="100.1", delivery="said:2")
    after = answer.job
    assert answer.ok and after and after.parent_job_id == job.id
    assert after.prompt == "Look at what is attached."
    assert [file.label for file in came_with(after.payload)] == ["new.png"]
    assert [(file.label, file.earlier) for file in all_of(after.payload)] == [
        ("new.png", False),
        ("old.png", True),
    ]
    assert "new.png" in told(after, office) and "old.png" not in told(after, office)


async def test_a_reply_that_waits_keeps_its_files_until_it_is_answered(office: Office) -> None:
    running = await office.running()
    origin = Origin(actor=ANN, channel="C0DEV", thread="100.1")
    await office.storage.outbox.shown(running.id, "card", 1, "100.1")
    ask = Ask(
        verb=REPLY,
        origin=origin,
        delivery="said:1",
        args={"prompt": "and this?"},
        files=[Attached().offer],
    )
    assert (await office.desk.ask(ask)).ok
    (reply,) = await office.storage.replies.waiting(running.id)
    assert [file.label for file in reply.files] == ["chart.png"]
    in_use = await office.storage.jobs.parcels_in_use(office.clock.now())
    assert in_use == [reply.files[0].parcel]


async def test_a_schedule_keeps_its_files_as_long_as_it_lives(office: Office) -> None:
    answer = await say(office, "research x --cron @daily", Attached())
    assert answer.ok
    (schedule,) = await office.storage.schedules.schedules()
    parcels = [file.parcel for file in came_with(schedule.request.payload)]
    assert await office.storage.jobs.parcels_in_use(office.clock.now()) == parcels
    assert (await office.ask("schedule", schedule.id, change="delete")).ok
    assert await office.storage.jobs.parcels_in_use(office.clock.now()) == []


async def test_the_files_of_a_job_are_in_use_until_it_has_ended_for_long(office: Office) -> None:
    job = await ended(office)
    (file,) = came_with(job.payload)
    assert job.finished_at is not None
    assert await office.storage.jobs.parcels_in_use(job.finished_at) == [file.parcel]
    office.clock.pass_by(seconds=1)
    assert await office.storage.jobs.parcels_in_use(office.clock.now()) == []


async def test_a_disk_that_is_full_is_spoken_of(office: Office) -> None:
    async def fetch(_: Take) -> None:
        raise OSError(28, "No space left on device")

    file, before = Attached(), office.rows()
    file.offer = Offer(label="chart.png", fetch=fetch)
    said = await office.refused(await say(office, "research x", file), before)
    assert said.startswith("`chart.png` cannot be taken: it cannot be written to my disk (No space left")
    assert received(office) == []
