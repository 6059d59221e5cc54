"""Forms with files: fields as in any other form, and files, kept without a name until they are taken."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import TypeVar

from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel

from bot.desk.asks import Offer
from bot.desk.attachments import Limits
from bot.web.bodies import checked, read_body
from bot.web.guard import BODY_LIMIT, UPLOAD
from bot.web.problems import Problem
from executor.parcels import Take

FILES = "files"
"""The name of the field."""
_PIECE = 64 * 1024
_FIELDS = 100
_WITHIN_S = 120

_B = TypeVar("_B", bound=BaseModel)


@asynccontextmanager
async def read_form(
    request: web.Request, body: type[_B], limits: Limits
) -> AsyncIterator[tuple[_B, Sequence[Offer]]]:
    """The request as a `body`, and its files, which can be had while the block runs. Raises Problem.

    What is too large is refused while it comes, whatever it said of its size.
    """
    if request.content_type != UPLOAD:
        yield await read_body(request, body), ()
        return
    with ExitStack() as kept:
        fields, offers = await _in_time(request, limits, kept)
        yield checked(fields, body), offers


async def _in_time(
    request: web.Request, limits: Limits, kept: ExitStack
) -> tuple[dict[str, str], list[Offer]]:
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await _parts(await request.multipart(), limits, kept)
    except TimeoutError:
        raise Problem(408, f"The files did not arrive within {_WITHIN_S} seconds.") from None
    except (ValueError, HttpProcessingError) as error:
        raise Problem(400, "The body is not a valid form.") from error


async def _parts(
    reader: MultipartReader, limits: Limits, kept: ExitStack
) -> tuple[dict[str, str], list[Offer]]:
    fields: dict[str, str] = {}
    offers: list[Offer] = []
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader) or not part.name or len(fields) > _FIELDS:
            raise ValueError
        if part.name != FILES:
            fields[part.name] = await _text(part)
        elif part.filename:  # a field without a file has an empty name
            if len(offers) >= limits.most:
                raise Problem(413, limits.too_many(len(offers) + 1))
            offers.append(await _offer(part, part.filename, limits, kept))
    return fields, offers


async def _text(part: BodyPartReader) -> str:
    text = bytearray()
    while piece := await part.read_chunk(_PIECE):
        text += piece
        if len(text) > BODY_LIMIT:
            raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, len(text))
    return text.decode()


async def _offer(part: BodyPartReader, label: str, limits: Limits, kept: ExitStack) -> Offer:
    # It has no name, so nothing is left of it, however we end.
    file = kept.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    size = 0
    while piece := await part.read_chunk(_PIECE):
        size += len(piece)
        if size > limits.largest:
            raise Problem(413, limits.too_large(label))
        await asyncio.to_thread(file.write, piece)

    async def fetch(take: Take) -> None:
        file.seek(0)
        while piece := await asyncio.to_thread(file.read, _PIECE):
            await take(piece)

    return Offer(label=label, fetch=fetch, size=size)
