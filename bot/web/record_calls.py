"""What all shared records have in common over HTTP: who speaks, pages of lists, and refusals."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from bot.web.callers import Caller
from bot.web.endpoints import Call
from bot.web.problems import Problem
from bot.web.record_bodies import Page
from storage.hub.authors import CLARA, OWNER, Author, RecordRefused, Why, agent, speaking_as

ACTOR_HEADER = "Bifrost-Actor"
"""For whom the owner's program speaks, where the body has no field that says so."""
_STATUS = {Why.MISSING: 404, Why.TAKEN: 409, Why.ILLEGAL: 409, Why.WRONG: 422, Why.FORBIDDEN: 403}

Handler = Callable[[Call[Any, Any]], Awaitable[object]]


class Record(Protocol):
    """What a list can go on after."""

    @property
    def id(self) -> str: ...


_R = TypeVar("_R", bound=Record)


def refusing(handler: Handler) -> Handler:
    """`handler`, its refusals told as problems."""

    async def handle(call: Call[Any, Any]) -> object:
        try:
            return await handler(call)
        except RecordRefused as refused:
            raise Problem(_STATUS[refused.why], refused.text, field=refused.field) from None

    return handle


def author_of(call: Call[Any, Any], name: str | None = None) -> Author:
    """Who speaks in a request that says to be of `name`. Raises RecordRefused where it may not say so."""
    speaker = speaking_as(_bearer(call.caller), call.request.headers.get(ACTOR_HEADER))
    return speaking_as(speaker, name)


def _bearer(caller: Caller) -> Author:
    """The owner, where the login or token is the owner's; else whom the token is named after."""
    if caller.scope == "admin":
        return OWNER
    return CLARA if caller.actor.name == CLARA.name else agent(caller.actor.name)


async def page(
    call: Call[Any, Any], read: Callable[[int, str | None], Awaitable[Sequence[_R]]]
) -> Sequence[_R]:
    """A page of a list, with the address of the next one in the header `Link`; `read` takes limit, cursor."""
    query: Page = call.query
    found = await read(query.limit + 1, query.cursor)
    shown = found[: query.limit]
    if len(found) > len(shown):
        url = call.request.rel_url.update_query(cursor=shown[-1].id)
        call.headers["Link"] = f'<{url}>; rel="next"'
    return shown
