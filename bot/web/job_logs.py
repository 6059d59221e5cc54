"""The log of a job as plain text, a piece at a time, and what its CLI printed, as it came."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from bot.news.words import answered, state
from bot.web.problems import Problem
from executor.events import (
    Body,
    CancelAsked,
    Moved,
    Noticed,
    QuestionAsked,
    QuestionClosed,
    RecordChanged,
    ReplyKept,
    TextWritten,
    ToolEnded,
    ToolStarted,
    UpdatePosted,
)
from executor.model import Job
from executor.untrusted import open_under
from storage.sqlite.store import SqliteStore

_EVENTS = 200
_CHUNK = 64 * 1024
_WRITE_S = 30
"""A reader who takes nothing for so long is dropped."""


async def send_log(request: web.Request, jobs: SqliteStore, job: Job) -> web.StreamResponse:
    """What happened to the job up to now: what its agent wrote, and a line for all else."""

    async def pieces() -> AsyncIterator[bytes]:
        seq, in_line = 0, False
        while events := await jobs.events(job.id, seq, _EVENTS):
            text = ""
            for event in events:
                said = event.body.text if isinstance(event.body, TextWritten) else _line(event.body)
                gap = "\n" if in_line and said and not isinstance(event.body, TextWritten) else ""
                text += gap + said
                in_line = not text.endswith("\n") if text else in_line
            yield text.encode(errors="replace")
            seq = events[-1].seq

    return await _send(request, pieces())


async def send_raw(request: web.Request, root: Path, job: Job, attempt: int) -> web.StreamResponse:
    """What the CLI printed in an attempt. Raises Problem 404 where that is not kept."""
    file = await asyncio.to_thread(open_under, root, job.id, f"attempt-{attempt}.log")
    if file is None:
        raise Problem(404, "What the CLI printed in that attempt is not kept, or not any more.")

    async def pieces() -> AsyncIterator[bytes]:
        while chunk := await asyncio.to_thread(os.read, file, _CHUNK):
            yield chunk

    try:
        return await _send(request, pieces())
    finally:
        os.close(file)


async def _send(request: web.Request, pieces: AsyncIterator[bytes]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8"})
    await response.prepare(request)
    async for piece in pieces:
        async with asyncio.timeout(_WRITE_S):
            await response.write(piece)
    return response


def _line(body: Body) -> str:
    match body:
        case ToolStarted(name=name, detail=detail):
            return f"> {name} {detail}".rstrip() + "\n"
        case ToolEnded(ok=False, detail=detail):
            return f"> failed: {detail}\n"
        case Noticed(text=text) | RecordChanged(text=text) | UpdatePosted(text=text):
            return f"* {text}\n"
        case CancelAsked(by=by):
            return f"* {by} wants it stopped\n"
        case ReplyKept(by=by):
            return f"* {by} has replied; that waits for the end\n"
        case QuestionAsked() as asked:
            return f"* question {asked.number}: {asked.text}\n"
        case QuestionClosed() as closed:
            return f"* question {closed.number}: {answered(closed)}\n"
        case Moved(status=status, message=message, attempt=attempt):
            number = f", attempt {attempt}" if attempt else ""
            return f"= {state(status)}{number}{f': {message}' if message else ''}\n"
        case _:
            return ""
