"""What a person or a program reads when a request is refused."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot import outages
from executor.ports import StoreUnavailable

_log = logging.getLogger(__name__)

ShowProblem = Callable[[web.Request, "Problem"], str]
"""Makes the page that says so to a person."""


CODES: Mapping[int, str] = {
    400: "malformed",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    421: "misdirected",
    422: "invalid",
    429: "too_many_requests",
    500: "internal",
    503: "unavailable",
}
"""The machine word of each status that a refusal may have."""


class Problem(Exception):
    """A refusal: `detail` is a sentence for the person who asked, `field` the one that is wrong.

    `code` says the same to a program; by default it is what CODES has for the status.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] | None = None,
        *,
        field: str = "",
        code: str = "",
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.field = field
        self.code = code or CODES.get(status, "error")

    @property
    def title(self) -> str:
        return HTTPStatus(self.status).phrase


def unavailable(detail: str) -> Problem:
    """It cannot be done now; whoever asks again will not be too early in a few seconds."""
    return Problem(503, detail, {"Retry-After": "10"})


def no_such_job() -> Problem:
    """The path names a job that there is not."""
    return Problem(
        404, "There is no such job. `GET /jobs` lists them; an id is given whole here.", field="id"
    )


def answering_problems(show: ShowProblem) -> Middleware:
    """The outermost middleware: nothing leaves but an answer or a problem, never a stack."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        problem = await _caught(request, handler)
        return problem if isinstance(problem, web.StreamResponse) else _response(request, problem, show)

    return middleware


async def _caught(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse | Problem:
    try:
        return await handler(request)
    except Problem as problem:
        return problem
    except StoreUnavailable as error:
        return unavailable(outages.refusal(error.fault))
    except web.HTTPException as error:
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return Problem(error.status, _SENTENCES.get(error.status, error.reason + "."), allow)
    except Exception:  # the last stop before a person: whatever broke, they get an id, we get the stack
        if request.writer.output_size > 0:
            raise  # the answer has begun: all that is left is to cut it off
        error_id = secrets.token_hex(4)
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown"  # the path itself may hold a login code
        _log.exception("web.failed", extra={"error_id": error_id, "route": route})
        return Problem(500, f"Something broke here. It is in the log under the id {error_id}.")


_SENTENCES = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    413: "That is more than 1 MB; send less, or put the text into a file of the workspace.",
}


def _response(request: web.Request, problem: Problem, show: ShowProblem) -> web.Response:
    if request.path.startswith("/reports/"):
        # Everything below /reports/ has the policy of a report, under which our own page has no style.
        text, content_type = problem.detail, "text/plain"
    elif wants_page(request):
        text, content_type = show(request, problem), "text/html"
    else:
        text, content_type = _json(problem), "application/problem+json"
    return web.Response(
        status=problem.status, text=text, content_type=content_type, headers=dict(problem.headers)
    )


def wants_page(request: web.Request) -> bool:
    """Whether a person in a browser asks, rather than a program or a script."""
    return "text/html" in request.headers.get("Accept", "") and not request.path.startswith("/api/")


def _json(problem: Problem) -> str:
    fields = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **({"field": problem.field} if problem.field else {}),
    }
    return orjson.dumps(fields).decode()
