"""Files that are sent along on the page and to the API: read as they come, within limits, or refused."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.desk.asks import REPLY, Answer, Ask, Offer
from tests.browser.door import TOKEN, RecordingDoor, Site, open_site

JOB = "/channels/dev/jobs"
FIELDS = {"delivery": "web-12345678", "type": "session", "prompt": "what is this?"}
JSON = {"Accept": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


class Fetching(RecordingDoor):
    """Fetches what is offered, twice: as when a reply comes in the moment in which its job ends."""

    def __init__(self) -> None:
        super().__init__()
        self.contents: list[bytes] = []

    async def ask(self, ask: Ask) -> Answer:
        self.contents += [await content(offer) for offer in (*ask.files, *ask.files)]
        return await super().ask(ask)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with asyncio.timeout(30), open_site(tmp_path, door=Fetching()) as site:
        yield site


def form(*files: tuple[str, bytes], **fields: str) -> bytes:
    """As a browser sends it, but with the files first."""
    parts = [
        f'name="files"; filename="{name}"\r\nContent-Type: image/png\r\n\r\n'.encode() + content
        for name, content in files
    ]
    parts += [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    begun = b"--x\r\nContent-Disposition: form-data; "
    return b"".join(begun + part + b"\r\n" for part in parts) + b"--x--\r\n"


async def content(offer: Offer) -> bytes:
    pieces: list[bytes] = []

    async def take(piece: bytes) -> None:
        pieces.append(piece)

    await offer.fetch(take)
    return b"".join(pieces)


async def post(site: Site, path: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    said = FORM | JSON | headers
    async with site.visitor() as visitor, visitor.post(path, data=io.BytesIO(body), headers=said) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_the_form_brings_its_files(site: Site) -> None:
    status, answer = await post(site, JOB, form(("a.png", b"1" * 100_000), ("b.png", b"2"), **FIELDS))
    assert (status, answer["ok"]) == (200, True)
    (ask,) = site.door.asks
    assert (ask.verb, ask.args) == ("session", {"prompt": "what is this?"})
    assert [(offer.label, offer.size) for offer in ask.files] == [("a.png", 100_000), ("b.png", 1)]
    assert isinstance(site.door, Fetching)
    assert site.door.contents == [b"1" * 100_000, b"2"] * 2


async def test_a_browser_without_script_is_sent_back_to_the_page(site: Site) -> None:
    body = form(("", b""), **FIELDS)  # as it sends a field in which no file was chosen
    async with (
        site.visitor() as visitor,
        visitor.post(JOB, data=body, headers=FORM, allow_redirects=False) as answer,
    ):
        assert answer.status == 303
    assert site.door.asks[0].files == []


async def test_a_reply_brings_its_files(site: Site) -> None:
    fields = {"delivery": "web-12345678", "text": "", "message": ""}
    status, _ = await post(site, "/replies", form(("a.png", b"1"), **fields))
    (ask,) = site.door.asks
    assert (status, ask.verb, [offer.label for offer in ask.files]) == (200, REPLY, ["a.png"])


async def test_a_program_brings_files_with_its_command(site: Site) -> None:
    body = form(("a.png", b"1"), text="/job research x")
    async with (
        site.visitor(bearer=TOKEN) as program,
        program.post("/api/commands", data=body, headers=FORM) as answer,
    ):
        assert answer.status == 200
    assert [offer.label for offer in site.door.commands[0].files] == ["a.png"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("big.bin", b"x" * 20_000_001)], "`big.bin` is too large: a file may have 20 MB."),
        ([(f"{number}", b"") for number in range(11)], "11 files are attached; at most 10 are taken."),
    ],
)
async def test_what_is_too_much_is_refused_while_it_comes(
    site: Site, files: list[tuple[str, bytes]], sentence: str
) -> None:
    status, problem = await post(site, JOB, form(*files, **FIELDS))
    assert status == 413
    assert problem["detail"].startswith(sentence)
    assert site.door.asks == []


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/channels/dev/commands", form(("a", b"1"), text="list", delivery="web-12345678"), {}, 415),
        ("/asks", form(verb="cancel", target="x", delivery="web-12345678"), {}, 415),
        (JOB, form(("a", b"1"), **FIELDS), {"Origin": "https://evil.example"}, 403),
        (JOB, form(("a", b"1"), **FIELDS | {"nonsense": "x"}), {}, 422),
        (JOB, form(prompt="x" * 1_100_000), {}, 413),
        (JOB, b"--x\r\nnonsense", {}, 400),
        (JOB, b"nonsense", {"Content-Type": "multipart/form-data"}, 400),
    ],
)
async def test_what_is_no_form_with_files_is_refused(
    site: Site, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert (await post(site, path, body, **headers))[0] == status
    assert (site.door.asks, site.door.commands) == ([], [])


async def test_who_is_not_logged_in_sends_no_files(site: Site) -> None:
    async with (
        site.visitor(logged_in=False) as visitor,
        visitor.post(JOB, data=form(**FIELDS), headers=FORM) as answer,
    ):
        assert answer.status == 401
