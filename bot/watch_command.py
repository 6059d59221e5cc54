"""`bifrost job watch ID`: follows a job of the serving bot, also over the bot's restarts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing

from bot.client import Client, ServerGone, Told, connect
from bot.data_dir import DataDir
from bot.settings import Settings
from bot.terminal import EXIT_CODES, LiveView, open_console, say
from executor.events import Event, Moved
from executor.model import JobStatus

USAGE = (
    "`bifrost job watch` needs the id of one job; `bifrost job list` shows them.\n"
    "Usage: `bifrost job watch ID [--exit-status]`"
)
_EXIT_STATUS = "--exit-status"
_PATIENCE_S, _PAUSE_S = 120.0, 1.0
"""How long a bot that is gone is waited for, and between two tries."""


async def watch(words: Sequence[str], settings: Settings) -> int:
    """Shows the job to its end, or until it waits for a limit. Returns 0, or 2 for words that name no job.

    With `--exit-status` it returns what became of the job: 0 done, 1 failed or cancelled, 75 waiting for a
    usage limit. Raises ServerGone where no bot serves, or none comes back.
    """
    ids = [word for word in words if word != _EXIT_STATUS]
    data = DataDir(settings.data_dir)
    if len(ids) != 1 or ids[0].startswith("-"):
        say(open_console(stderr=True), USAGE)
        return 2
    told = await _told(data, f"show {ids[0]}")
    if not told.ok:
        say(open_console(stderr=True), told.text)
        return 2
    status = await _follow(data, told.job_id)
    say(open_console(), (await _told(data, f"show {told.job_id}")).text)
    open_console().print(f"- page: {_address(data)}/jobs/{told.job_id}")
    return EXIT_CODES.get(status, 1) if _EXIT_STATUS in words else 0


async def _follow(data: DataDir, job_id: str) -> JobStatus:
    view = LiveView(open_console())
    async with aclosing(_events(data, job_id)) as events:
        async for event in events:
            body = event.body
            view.show(body, event.at)
            if isinstance(body, Moved) and body.status.final:
                return body.status
            if isinstance(body, Moved) and body.status is JobStatus.RATE_LIMITED:
                status = await _status(data, job_id)  # it may be long ago
                if status is JobStatus.RATE_LIMITED:
                    return status
    raise ServerGone("The bot has not come back. The job goes on when it is started again.")


async def _events(data: DataDir, job_id: str) -> AsyncGenerator[Event, None]:
    """The log of the job without a gap or a repeat, whoever serves it."""
    seen, gone_since = 0, time.monotonic()
    while time.monotonic() - gone_since < _PATIENCE_S:
        try:
            async with _connect(data) as client, aclosing(client.log(job_id, seen)) as log:
                async for seq, event in log:
                    seen = seq
                    if event is not None:
                        yield event
                    gone_since = time.monotonic()
        except ServerGone:
            pass
        await asyncio.sleep(_PAUSE_S)


async def _told(data: DataDir, command: str) -> Told:
    async with _connect(data) as client:
        return await client.command(command)


async def _status(data: DataDir, job_id: str) -> JobStatus:
    async with _connect(data) as client:
        return JobStatus((await client.call("GET", f"/jobs/{job_id}"))["status"])


def _connect(data: DataDir) -> AbstractAsyncContextManager[Client]:
    return connect(_address(data), data.api_token())


def _address(data: DataDir) -> str:
    """Where the bot serves now: after a restart, it may be somewhere else."""
    if not data.address.exists():
        raise ServerGone(f"No bot is serving on {data.root}. Start one with `bifrost serve`.")
    return data.address.read_text().strip()
