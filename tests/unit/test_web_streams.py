"""The live streams: history, then what comes, no gap, no repeat, no reader who costs the others anything."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.platforms.base import Announcement, Place, Shape, Tone
from bot.web.sse import Frame, Streams
from executor.events import TextWritten
from executor.lifecycle import Transition
from executor.model import Actor, Job, JobRequest, Origin, Outcome, OutcomeKind
from executor.wakeups import Wakeups
from tests.browser.door import TOKEN, Site, open_site
from tests.browser.events import Received, reading
from tests.builders import claim_one

DEV = Place(team="", channel="dev")
LIVE = "/channels/dev/live"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with asyncio.timeout(50), open_site(tmp_path) as site:
        yield site


def saying(title: str) -> Announcement:
    return Announcement(shape=Shape.CARD, tone=Tone.RUNNING, title=title)


async def post(site: Site, title: str) -> str:
    return await site.platform.post(DEV, saying(title), title)


def titles(events: Sequence[Received]) -> list[str]:
    return [event.data.split('class="title">')[1].split("<")[0] for event in events]


async def test_history_comes_first_and_then_what_happens(site: Site) -> None:
    await post(site, "one")
    async with site.visitor() as visitor, reading(visitor, LIVE) as stream:
        assert titles(await stream.take(1)) == ["one"]
        message = await post(site, "two")
        await site.platform.edit(DEV, message, saying("two, changed"))
        last = (await stream.take(1))[-1]
        if titles([last]) == ["two"]:  # else the two changes came as one
            last = (await stream.take(1))[-1]
        assert titles([last]) == ["two, changed"]
        assert last.id == await site.storage.messages.revision()


async def test_a_reader_who_comes_back_misses_and_repeats_nothing(site: Site) -> None:
    for number in range(5):
        await post(site, f"m{number}")
    async with site.visitor() as visitor:
        async with reading(visitor, LIVE) as stream:
            first = await stream.take(3)
        await post(site, "m5")
        async with reading(visitor, LIVE, last=first[-1].id) as stream:
            rest = await stream.take(3)
    assert titles([*first, *rest]) == ["m0", "m1", "m2", "m3", "m4", "m5"]
    ids = [event.id for event in (*first, *rest)]
    assert ids == sorted(set(ids))


async def test_a_restart_of_the_server_neither_loses_nor_repeats(tmp_path: Path) -> None:
    async with open_site(tmp_path) as site, site.visitor() as visitor:
        port = int(site.server.url.rpartition(":")[2])
        await post(site, "before")
        async with reading(visitor, LIVE) as stream:
            (seen,) = await stream.take(1)
    async with open_site(tmp_path, port=port) as site, site.visitor() as visitor:
        await post(site, "after")
        async with reading(visitor, LIVE, last=seen.id) as stream:
            assert titles(await stream.take(1)) == ["after"]


async def test_another_channels_messages_do_not_come(site: Site) -> None:
    await site.platform.post(Place(team="", channel="ops"), saying("elsewhere"), "x")
    await post(site, "here")
    async with site.visitor() as visitor, reading(visitor, LIVE) as stream:
        assert titles(await stream.take(1)) == ["here"]


async def test_a_long_history_comes_whole(site: Site) -> None:
    names = [f"m{number}" for number in range(45)]
    for name in names:
        await post(site, name)
    async with site.visitor() as visitor, reading(visitor, LIVE) as stream:
        assert titles(await stream.take(45)) == names


@pytest.mark.parametrize("value", ["../../x", "-1", "1.5", "9" * 40, "x"])
async def test_a_place_that_is_no_number_is_refused(site: Site, value: str) -> None:
    """B86."""
    async with site.visitor() as visitor, visitor.get(LIVE, headers={"Last-Event-ID": value}) as answer:
        assert answer.status == 400


async def test_a_place_beyond_the_end_starts_again(site: Site) -> None:
    """B86: the database is younger than the reader, because a backup was restored."""
    await post(site, "one")
    async with site.visitor() as visitor, reading(visitor, LIVE, last=999) as stream:
        resync, one = await stream.take(2)
    assert resync.event == "resync"
    assert titles([one]) == ["one"]


async def test_lines_of_all_sorts_stay_one_event(site: Site) -> None:
    body = "a\rb\r\nc\nd\u2028e\n\nid: 5\n\nevent: x"
    page = Announcement(shape=Shape.RESULT, tone=Tone.GOOD, title="t", body=body)
    await site.platform.post(DEV, page, "x")
    await post(site, "next")
    async with site.visitor() as visitor, reading(visitor, LIVE) as stream:
        first, second = await stream.take(2)
    assert "event: x" in first.data
    assert (first.id, titles([second])) == (1, ["next"])


async def test_open_streams_end_soon_after_the_server_is_told_to(tmp_path: Path) -> None:
    """F49: within two seconds, also where a reader is stuck."""
    async with (
        open_site(tmp_path) as site,
        site.visitor() as visitor,
        reading(visitor, LIVE) as stream,
        stuck_reader(site, visitor),
    ):
        async for _ in flooding(site, 150):
            await stream.take(1)
        started = time.monotonic()
        await site.server.__aexit__()
        assert time.monotonic() - started < 2
        while await stream.next():
            pass


async def test_a_stuck_reader_holds_nobody_up_and_gets_the_newest_in_the_end(site: Site) -> None:
    """F49: nothing is queued for it: what it misses is read from the store, as it then is."""
    async with site.visitor() as visitor, stuck_reader(site, visitor) as stuck:
        changes = 0
        async with reading(visitor, LIVE) as quick:
            async for _ in flooding(site, 150):
                await quick.take(1)
                changes += 1
        newest = await site.storage.messages.revision()
        received = 0
        async with asyncio.timeout(20):
            while f"id: {newest}\n".encode() not in (line := await stuck.readline()):
                received += line.startswith(b"id: ")
    assert received < changes


async def flooding(site: Site, changes: int) -> AsyncIterator[int]:
    """Changes one message so often that no socket buffers all of it; yields after each change."""
    message = await post(site, "flood")
    yield 0
    text = "```\n" + "x" * 60_000 + "\n```"
    for number in range(1, changes):
        page = Announcement(shape=Shape.CARD, tone=Tone.RUNNING, title=f"{number}", body=text + str(number))
        await site.platform.edit(DEV, message, page)
        yield number


@asynccontextmanager
async def stuck_reader(site: Site, visitor: aiohttp.ClientSession) -> AsyncIterator[asyncio.StreamReader]:
    """A reader of the live stream that takes nothing until it is read from."""
    port = int(site.server.url.rpartition(":")[2])
    cookie = next(iter(visitor.cookie_jar))
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=200_000)
    login = f"Cookie: {cookie.key}={cookie.value}"
    writer.write(f"GET {LIVE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{login}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    try:
        yield Resuming(reader, writer)
    finally:
        writer.transport.abort()


class Resuming(asyncio.StreamReader):
    """Reads on as soon as somebody wants a line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._inner, self._writer = reader, writer

    async def readline(self) -> bytes:
        transport = self._writer.transport
        if not transport.is_reading():  # type: ignore[attr-defined]
            transport.resume_reading()  # type: ignore[attr-defined]
        return await self._inner.readline()


async def test_a_quiet_stream_is_kept_alive() -> None:
    wakeups = Wakeups()
    streams = Streams(wakeups, keep_alive_s=0.01)

    async def nothing(after: int) -> Sequence[Frame]:
        return []

    async def live(request: web.Request) -> web.StreamResponse:
        return await streams.serve(request, "topic", nothing, after=0, end=0)

    async with serving(live) as url, aiohttp.ClientSession(url) as session, reading(session, "/") as stream:
        assert {event.event for event in await stream.take(3)} == {"comment"}
        streams.close()


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


REQUEST = JobRequest(
    type="research",
    payload={"prompt": "how do we cache sessions?"},
    provider="rehearsal",
    model="rehearsal",
    effort="high",
    workspace="main",
    origin=Origin(actor=Actor(platform="web", team="", user_id="owner", name="owner"), channel="dev"),
)
DONE = Outcome(kind=OutcomeKind.DONE, result="Twice.")


async def start(site: Site) -> Job:
    await site.storage.jobs.submit(REQUEST)
    job = await claim_one(site.storage.jobs, ["rehearsal"])
    assert job is not None
    return job


async def test_a_jobs_log_streams_to_its_end(site: Site) -> None:
    job = await start(site)
    async with (
        site.visitor(bearer=TOKEN) as program,
        reading(program, f"/jobs/{job.id}/stream") as stream,
    ):
        history = await stream.take(2)
        await site.storage.jobs.record(job, [TextWritten(text="one\ntwo")])
        (text,) = await stream.take(1)
        await site.storage.jobs.settle(job, Transition.FINISH, DONE)
        (end,) = await stream.take(1)
        assert await stream.next() is None
    assert [(event.id, event.event) for event in history] == [(1, "moved"), (2, "moved")]
    written = json.loads(text.data)
    assert datetime.fromisoformat(written.pop("at")).utcoffset() == timedelta()
    assert (text.id, text.event, written) == (3, "text_written", {"text": "one\ntwo"})
    assert (end.id, end.event, json.loads(end.data)["status"]) == (4, "moved", "done")


async def test_a_reader_of_a_job_goes_on_where_it_was(site: Site) -> None:
    job = await start(site)
    await site.storage.jobs.settle(job, Transition.FINISH, DONE)
    path = f"/jobs/{job.id}/stream"
    async with site.visitor() as visitor:
        async with reading(visitor, path, last=1) as stream:
            assert [event.id for event in await stream.take(2)] == [2, 3]
            assert await stream.next() is None
        async with visitor.get(path, headers={"Last-Event-ID": "3"}) as answer:
            assert answer.status == 204  # a browser's EventSource stops coming back
        async with reading(visitor, path, last=999) as stream:
            resync, first = await stream.take(2)
            assert (resync.event, first.id) == ("resync", 1)


@pytest.mark.parametrize("job_id", ["nothing", "' OR 1=1--", "..%2f..", "%00"])
async def test_a_job_that_is_not_there_has_no_stream(site: Site, job_id: str) -> None:
    async with site.visitor() as visitor, visitor.get(f"/jobs/{job_id}/stream") as answer:
        assert answer.status in (400, 404)
