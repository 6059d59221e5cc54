"""Talks to a Bifrost that is running on this machine, as the page does."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from executor.events import Body, Event, decode

_CONNECT_S = 5.0
_SILENCE_S = 60.0
"""The server says something every 15 seconds; longer silence means that it is gone."""
_REFUSED, _PROBLEM = (413, 503), "application/problem+json"
_LINE = 8 * 1024 * 1024
"""Bytes that one line of a stream may have."""


class ServerGone(Exception):
    """The server does not answer, or not as a Bifrost does. The text is a sentence for the person."""


class Declined(Exception):
    """The server will not do it. The text is its sentence for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the server answered to a command."""

    ok: bool
    text: str
    job_id: str


class Client:
    """A session with a running server. Every call raises ServerGone where it cannot be reached."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self._address = address

    async def command(self, text: str, files: Sequence[Path] = ()) -> Told:
        """Does what would be typed after `/job` in #dev, with files."""
        body = {"text": text, "delivery": str(uuid.uuid4())}
        with ExitStack() as opened:
            form = aiohttp.FormData(body)
            for path in files:
                form.add_field("files", opened.enter_context(path.open("rb")), filename=path.name)
            answer = await self._post("/api/commands", form if files else body)
        if answer.get("status") in _REFUSED:
            return Told(ok=False, text=answer["detail"], job_id="")
        return Told(ok=answer["ok"], text=answer["text"], job_id=answer.get("job_id") or "")

    async def login_link(self) -> str:
        """A link that logs a browser in, once."""
        return str((await self._post("/login-links", {}))["url"])

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """What an endpoint of the API answers."""
        with _reaching(self._address):
            async with self._session.request(method, f"{self._address}{path}", json=body) as response:
                response.raise_for_status()
                return await response.json() if response.content_type == "application/json" else None

    async def ask(self, method: str, path: str, body: object = None) -> tuple[Any, bool]:
        """The same, and whether there is another page of it. Raises Declined with the server's own reason."""
        with _reaching(self._address):
            async with self._session.request(method, f"{self._address}{path}", json=body) as response:
                answer = await response.json(content_type=None)
                if response.content_type == _PROBLEM:
                    raise Declined(answer["detail"])
                response.raise_for_status()
                return answer, "next" in response.links

    async def events(self, job_id: str) -> AsyncGenerator[Body, None]:
        """The log of a job, from its beginning to its end."""
        async with aclosing(self.log(job_id, 0)) as log:
            async for _, event in log:
                if event is not None:
                    yield event.body

    async def log(self, job_id: str, after: int) -> AsyncGenerator[tuple[int, Event | None], None]:
        """What happened to a job past event `after`, and comes, numbered; to its end, or the server's.

        A number without an event is where it goes on from: the server has been set back to a backup.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
        url, headers = f"{self._address}/jobs/{job_id}/stream", {"Last-Event-ID": str(after)}
        with _reaching(self._address):
            async with self._session.get(url, timeout=timeout, headers=headers) as response:
                response.raise_for_status()
                kind, seq = "", after
                async for line in response.content:
                    name, _, value = line.decode().rstrip("\n").partition(": ")
                    if name == "event":
                        kind = value
                    elif name == "id":
                        seq = int(value)
                    elif name == "data":
                        yield seq, _event(job_id, seq, kind, json.loads(value)) if kind != "resync" else None

    async def _post(self, path: str, body: dict[str, Any] | aiohttp.FormData) -> dict[str, Any]:
        sent = {"json": body} if isinstance(body, dict) else {"data": body}
        with _reaching(self._address):
            async with self._session.post(f"{self._address}{path}", **sent) as response:
                if response.content_type != _PROBLEM or response.status not in _REFUSED:
                    response.raise_for_status()
                answer: dict[str, Any] = await response.json(content_type=None)
                return answer


@asynccontextmanager
async def connect(address: str, token: str) -> AsyncIterator[Client]:
    """A client of the server at `address`, with the command line's own token."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers, read_bufsize=_LINE) as session:
        yield Client(session, address)


async def login_link(address: str, token: str) -> str:
    """A link that logs a browser in to the server at `address`, once."""
    async with connect(address, token) as client:
        return await client.login_link()


def _event(job_id: str, seq: int, kind: str, values: dict[str, Any]) -> Event:
    at = datetime.fromisoformat(values.pop("at"))
    return Event(job_id=job_id, seq=seq, at=at, body=decode(kind, values))


@contextmanager
def _reaching(address: str) -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientConnectorError as error:
        raise ServerGone(
            f"No bot answers at {address}: it was killed, or is just starting. "
            "Start it with `bifrost serve`; its jobs then go on."
        ) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ServerGone(
            f"The bot at {address} does not answer as it should: {error or 'too late'}."
        ) from error
