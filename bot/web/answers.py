"""How the desk's answers come back to whoever asked from a page."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Awaitable

from aiohttp import web

from bot.desk.asks import Answer
from bot.web.markup import data_url, to_html
from bot.web.problems import Problem

_KEPT = 50
_ANSWER_S = 30


class Answers:
    """Gives the desk's answers back: to a script as JSON; to a plain form by way of the page it came from."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Answer] = OrderedDict()

    def give(self, request: web.Request, answer: Answer, back: str, on: str = "") -> web.Response:
        """The answer for a script; for a plain form, the way `back`, where `asked_before` finds it once.

        `on` is the page that a script goes on to.
        """
        if "application/json" in (request.content_type, request.headers.get("Accept")):
            sentence = to_html(answer.text.partition("\n")[0])
            fields = {"ok": answer.ok, "html": to_html(answer.text), "field": answer.field}
            fields |= {"sentence": sentence, "on": on, "picture": _picture_of(answer)}
            return web.json_response(fields)
        key = str(uuid.uuid4())
        self._kept[key] = answer
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        sign = "&" if "?" in back else "?"
        return web.Response(status=303, headers={"Location": f"{back}{sign}answer={key}#answer"})

    def asked_before(self, request: web.Request) -> Answer | None:
        """What the form was answered that led to this page, the first time it is shown."""
        return self._kept.pop(request.query.get("answer", ""), None)


def _picture_of(answer: Answer) -> dict[str, str] | None:
    """The picture of an answer, as a script makes an image of it."""
    if answer.picture is None:
        return None
    return {"src": data_url(answer.picture.content), "alt": answer.picture.title}


async def answered(answer: Awaitable[Answer]) -> Answer:
    """The desk's answer, within bounds. Raises Problem 504 where it takes too long."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await answer
    except TimeoutError:
        raise Problem(
            504, "The desk did not answer in time. Look at `/job list` before you try again."
        ) from None
