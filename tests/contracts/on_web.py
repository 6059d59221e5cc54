"""The bot's own page as people see it: what its live stream has brought, and the forms in that."""

from __future__ import annotations

import asyncio
import html
import re
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp

from bot.app import Bifrost
from tests.contracts.world import LATER_S, Row, Talk, typed
from tests.simulators.changes import Changes

_TAG = re.compile(r"<[^>]*>")
_HIDDEN = re.compile(
    r"<(form|svg|summary class=\"button[^>]*)\b.*?</(form|svg|summary)>|<a class=\"button\".*?</a>", re.DOTALL
)
_BUTTON = re.compile(r"<(?:button|a|summary) class=\"button[^>]*>([^<]*)</(?:button|a|summary)>")
_DETAILS = re.compile(r"<details class=\"react\".*?</details>", re.DOTALL)
_ACTION = re.compile(r'action="([^"]*)"')
_FORM = re.compile(r"<form class=\"ask\".*?</form>", re.DOTALL)
_INPUT = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_FIELDS = {"prompt": "text"}
"""What the page calls otherwise than the forms of chat platforms."""
_FILE = re.compile(r'<a class="file" href="([^"]*/([^"/]*))"')


@dataclass
class Post:
    """A message of the page, as often as it was sent."""

    id: str
    thread: str
    order: str
    versions: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """Without the box for a reply, which is always there."""
        return self.versions[-1].partition('<details class="answering"')[0]

    @property
    def row(self) -> Row:
        return Row(
            text=_text(self.shown),
            buttons=tuple(map(html.unescape, _BUTTON.findall(self.shown))),
            files=tuple(name for _, name in _FILE.findall(self.shown)),
        )


class WebWorld:
    """Implements World on the page that the bot serves."""

    name = "web"
    config = "web = { port = 0 }"
    pings: Sequence[str] = ()
    turned_away = None

    def __init__(self) -> None:
        self.told: list[str] = []
        self._posts: dict[str, Post] = {}
        self._revision = 0
        self._changes = Changes()
        self._visitor: aiohttp.ClientSession | None = None
        self._reading: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def meets(self, bifrost: Bifrost) -> AsyncIterator[None]:
        address, jar = bifrost.server.address, aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(address, cookie_jar=jar, headers={"Origin": address}) as visitor:
            async with visitor.get(bifrost.server.login_link()) as answer:
                assert answer.status == 200
            self._visitor = visitor
            try:
                async with self._watching():
                    yield
            finally:
                self._visitor = None

    async def asks(
        self, verb: str, prompt: str, options: Mapping[str, str] | None = None, *, twice: bool = False
    ) -> None:
        words = " ".join(["/job", verb, prompt, *typed(options)])
        fields = {"text": words, "delivery": str(uuid.uuid4())}
        for _ in range(1 + twice):
            await self._send("/channels/dev/commands", fields)

    async def fills_in(self, prompt: str, **options: str) -> None:
        fields = {"type": "research", "prompt": prompt, "delivery": str(uuid.uuid4()), **options}
        await self._send("/channels/dev/jobs", fields)

    async def presses(self, label: str, *, stale: bool = False) -> str:
        form = self._form(label, stale=stale)
        await self._send(_ACTION.findall(form)[0], dict(_INPUT.findall(form)))
        return html.unescape("".join(re.findall(r'data-confirm="([^"]*)"', form)))

    async def writes(self, label: str, **fields: str) -> None:
        form = next(
            found.partition(label)[2]
            for post in reversed(self._all())
            for found in _DETAILS.findall(post.shown)
            if f">{label}<" in found
        )
        several = 'type="checkbox"' in form
        picked = fields.get("choices", "").split(",") if several else []
        words = {_FIELDS.get(name, name): value for name, value in fields.items()}
        boxes = {f"pick-{number}": "on" for number in picked}
        kept = {name: value for name, value in words.items() if not (several and name == "choices")}
        await self._send(_ACTION.findall(form)[0], {**dict(_INPUT.findall(form)), **kept, **boxes})

    async def another_presses(self, label: str) -> str:
        """Whoever is logged in is the owner."""
        return ""

    async def chooses(self, name: str) -> None:
        """The page asks nothing back: its form has a field for everything."""

    async def replies(self, words: str, *, twice: bool = False) -> None:
        head = self._heads()[0]
        fields = {"message": head.id, "text": words, "delivery": str(uuid.uuid4())}
        for _ in range(1 + twice):
            await self._send("/replies", fields)

    @property
    def talks(self) -> Sequence[Talk]:
        return [
            Talk(head=head.row, replies=tuple(each.row for each in self._thread(head)))
            for head in self._heads()
        ]

    async def file(self, name: str) -> bytes:
        addresses = [found for post in self._posts.values() for found in _FILE.findall(post.shown)]
        address = next(address for address, found in addresses if found == name)
        assert self._visitor is not None
        async with self._visitor.get(address) as answer:
            assert answer.status == 200
            return await answer.read()

    async def until(self, condition: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(LATER_S):
                await self._changes.until(condition)
        except TimeoutError:
            raise AssertionError(f"waited in vain for {what}: {self.talks}") from None

    def picture(self) -> Sequence[object]:
        return [
            [post.shown.strip().split("\n") for post in (head, *self._thread(head))] for head in self._heads()
        ]

    @property
    def history(self) -> Sequence[str]:
        return [_text(version) for version in self._heads()[0].versions]

    def throttle(self) -> None:
        """Nobody counts our calls here."""

    throttled = True

    def lose_answers(self) -> None:
        """There is no network between us and the page: only a death can come between."""

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """The reader's browser loses the page, and goes on where it was."""
        await self._look_away()
        yield
        self._reading = asyncio.create_task(self._read())

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        self._reading = asyncio.create_task(self._read())
        try:
            yield
        finally:
            await self._look_away()

    async def _look_away(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None

    async def _read(self) -> None:
        assert self._visitor is not None
        headers = {"Last-Event-ID": str(self._revision)}
        with suppress(aiohttp.ClientError):  # the bot has ended
            async with self._visitor.get("/channels/dev/live", headers=headers) as answer:
                assert answer.status == 200
                async for fields in _frames(answer):
                    self._take(fields)

    def _take(self, frame: Mapping[str, str]) -> None:
        about = dict(re.findall(r'(id|data-order|data-thread)="([^"]*)"', frame["data"].partition(">")[0]))
        post = Post(
            id=about["id"].removeprefix("m-"), thread=about.get("data-thread", ""), order=about["data-order"]
        )
        self._posts.setdefault(post.id, post).versions.append(frame["data"])
        self._revision = int(frame["id"])
        self._changes.notify()

    def _all(self) -> list[Post]:
        return [each for head in self._heads() for each in (head, *self._thread(head))]

    def _form(self, label: str, *, stale: bool) -> str:
        """The newest form with this button, or of those that there were before."""
        forms: list[str]
        shown = [each for post in self._all() for each in (post.versions[:-1] if stale else [post.shown])]
        forms = [form for each in shown for form in _FORM.findall(each) if label in _BUTTON.findall(form)]
        assert forms, f"nobody sees {label!r}: {self.talks}"
        return forms[-1]

    def _heads(self) -> list[Post]:
        return self._in("")

    def _thread(self, head: Post) -> list[Post]:
        return self._in(head.id)

    def _in(self, thread: str) -> list[Post]:
        return sorted(
            (each for each in self._posts.values() if each.thread == thread), key=lambda post: post.order
        )

    async def _send(self, path: str, fields: Mapping[str, str]) -> None:
        assert self._visitor is not None
        accepts = {"Accept": "application/json"}
        async with self._visitor.post(path, data=dict(fields), headers=accepts) as answer:
            body = await answer.json(content_type=None)
            self.told.append(_text(body["html"]) if answer.status == 200 else str(body))


async def _frames(answer: aiohttp.ClientResponse) -> AsyncIterator[Mapping[str, str]]:
    fields: dict[str, str] = {}
    async for line in answer.content:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name in ("id", "data"):
            fields[name] = f"{fields[name]}\n{value}" if name in fields else value
        elif not line.strip() and "data" in fields:
            yield fields
            fields = {}


def _text(source: str) -> str:
    lines = _TAG.sub("", _HIDDEN.sub("", source)).split("\n")
    return "\n".join(_lines(lines))


def _lines(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        if line.strip():
            yield html.unescape(line.strip())
