"""The page as a chat platform: what it says lasts, once, and is found again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.platforms.base import (
    Action,
    Announcement,
    Attachment,
    ChatPlatform,
    Fact,
    Gone,
    Link,
    Place,
    Refused,
    Shape,
    Tone,
)
from bot.platforms.web import WebPlatform, announcement_of, from_dict, to_dict
from executor.wakeups import MESSAGES, Wakeups
from storage import Storage, open_storage

DEV = Place(team="", channel="dev")
CARD = Announcement(
    shape=Shape.CARD,
    tone=Tone.RUNNING,
    title="research 3fa9c1",
    body="> how do we cache *sessions*?",
    facts=(Fact(label="cost", value="$0.42"),),
    actions=(Action(verb="cancel", label="Cancel", job_id="3fa9c1", danger=True, confirm="Stop it?"),),
    links=(Link(label="Report", url="/reports/x/"),),
    mention="owner",
    since=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
)


@dataclass(frozen=True)
class World:
    storage: Storage
    wakeups: Wakeups
    web: WebPlatform
    files: Path


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    wakeups = Wakeups()
    async with open_storage(tmp_path / "bifrost.sqlite", wakeups) as storage:
        web = WebPlatform(storage.messages, tmp_path / "files")
        yield World(storage, wakeups, web, tmp_path / "files")


def test_it_is_a_chat_platform(tmp_path: Path) -> None:
    web: ChatPlatform = WebPlatform.__new__(WebPlatform)
    assert web.name == "web"
    assert web.caps.page_chars == 20_000


async def test_what_is_posted_can_be_read_back_whole(world: World) -> None:
    message_id = await world.web.post(DEV, CARD, "card:1")

    message = await world.storage.messages.message(message_id)
    assert message is not None
    assert announcement_of(message) == CARD
    assert (message.channel, message.thread, message.type) == ("dev", None, "status")
    for part in ("research 3fa9c1", "how do we cache", "cost: $0.42", "Running"):
        assert part in message.content


async def test_a_posted_message_is_found_by_its_key_and_no_other_is(world: World) -> None:
    message_id = await world.web.post(DEV, CARD, "card:1")

    assert await world.web.find(DEV, "card:1") == message_id
    assert await world.web.find(DEV, "card:2") is None
    assert await world.web.find(Place(team="", channel="ops"), "card:1") is None


async def test_an_edit_replaces_what_is_said_and_rings(world: World) -> None:
    message_id = await world.web.post(DEV, CARD, "card:1")
    done = Announcement(shape=Shape.CARD, tone=Tone.GOOD, title="done")
    with world.wakeups.listen(MESSAGES) as bell:
        await world.web.edit(DEV, message_id, done)
        assert bell.rung

    message = await world.storage.messages.message(message_id)
    assert message is not None
    assert announcement_of(message) == done


async def test_an_edit_of_a_message_that_is_not_there_is_refused(world: World) -> None:
    """F44."""
    with pytest.raises(Gone, match="message_not_found"):
        await world.web.edit(DEV, "nothing", CARD)


async def test_the_page_speaks_to_nobody_alone(world: World) -> None:
    """F44."""
    with pytest.raises(Refused, match="no_direct_messages"):
        await world.web.direct("", "owner")


@pytest.mark.parametrize("channel", ["dev", "ops"])
async def test_a_thread_that_is_not_there_is_refused(world: World, channel: str) -> None:
    head = await world.web.post(DEV, CARD, "card:1") if channel == "ops" else "nothing"
    place = Place(team="", channel=channel, thread=head)

    with pytest.raises(Refused, match="thread_not_found"):
        await world.web.post(place, CARD, "page:1")
    with pytest.raises(Refused, match="thread_not_found"):
        await world.web.attach(place, Attachment(name="a.md", title="A", content=b""))


async def test_an_attached_file_lies_under_its_message(world: World) -> None:
    head = await world.web.post(DEV, CARD, "card:1")
    thread = Place(team="", channel="dev", thread=head)
    file_id = await world.web.attach(thread, Attachment(name="report.md", title="Report", content=b"# Hi"))

    assert (world.files / file_id / "report.md").read_bytes() == b"# Hi"
    assert [path.name for path in (world.files / file_id).iterdir()] == ["report.md"]
    assert await world.web.find(thread, "report.md") == file_id
    message = await world.storage.messages.message(file_id)
    assert message is not None
    assert message.metadata["file"] == {"name": "report.md", "title": "Report", "size": 4}


async def test_the_same_name_in_two_threads_is_two_files(world: World) -> None:
    attachment = Attachment(name="report.md", title="Report", content=b"# Hi")
    threads = [
        Place(team="", channel="dev", thread=await world.web.post(DEV, CARD, f"card:{n}")) for n in range(2)
    ]
    assert len({await world.web.attach(thread, attachment) for thread in threads}) == 2


async def test_a_file_whose_bytes_never_came_is_not_found(world: World) -> None:
    """The process may die between the message and the file: the next try must write it."""
    file_id = await world.web.attach(DEV, Attachment(name="report.md", title="Report", content=b"# Hi"))
    (world.files / file_id / "report.md").unlink()

    assert await world.web.find(DEV, "report.md") is None
    assert (
        await world.web.attach(DEV, Attachment(name="report.md", title="Report", content=b"# Hi")) == file_id
    )
    assert await world.web.find(DEV, "report.md") == file_id


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a\\b", "a\0b", "x" * 201])
async def test_a_name_that_is_no_file_name_is_refused(world: World, name: str) -> None:
    with pytest.raises(Refused, match="bad_file_name"):
        await world.web.attach(DEV, Attachment(name=name, title="", content=b""))


_words = st.text(max_size=20)
_times = st.none() | st.datetimes(timezones=st.just(UTC))
_announcements = st.builds(
    Announcement,
    shape=st.sampled_from(Shape),
    tone=st.sampled_from(Tone),
    title=_words,
    quote=_words,
    body=_words,
    facts=st.lists(st.builds(Fact, label=_words, value=_words, at=_times), max_size=3).map(tuple),
    actions=st.lists(
        st.builds(Action, verb=_words, label=_words, job_id=_words, danger=st.booleans(), confirm=_words),
        max_size=3,
    ).map(tuple),
    links=st.lists(st.builds(Link, label=_words, url=_words), max_size=3).map(tuple),
    mention=_words,
    since=_times,
    until=_times,
)


@given(_announcements)
def test_an_announcement_survives_its_dict(announcement: Announcement) -> None:
    assert from_dict(to_dict(announcement)) == announcement
