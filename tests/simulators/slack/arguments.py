"""A Web API call's arguments in all three encodings, and the error a method answers with."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tests.simulators.slack.reading import Json


class ApiError(Exception):
    """An answer with `ok: false`; `extra` stands beside the code in the answer."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra

    @property
    def answer(self) -> Json:
        """The answer's body."""
        return {"ok": False, "error": self.code, **self.extra}


def invalid(code: str, complaints: list[str]) -> ApiError:
    """An error that carries Slack's complaints the way invalid_blocks and invalid_arguments do."""
    messages = [f"[ERROR] {complaint}" for complaint in complaints]
    return ApiError(code, errors=complaints, response_metadata={"messages": messages})


class Args:
    """Typed access to the arguments of one call."""

    def __init__(self, given: Json) -> None:
        self.given = given

    def __contains__(self, name: str) -> bool:
        return self.given.get(name) is not None

    def text(self, name: str) -> str:
        """The argument as text, empty when absent."""
        value = self.given.get(name)
        return "" if value is None else str(value)

    def required(self, name: str) -> str:
        """The argument as text; absent or empty is invalid_arguments."""
        value = self.text(name)
        if not value:
            raise invalid("invalid_arguments", [f"missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        """A boolean, which the SDK sends as 1 or true."""
        return self.text(name).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise invalid("invalid_arguments", [f"must be an integer: {name}"]) from None

    def structure(self, name: str, error: str = "invalid_arguments") -> Any:
        """A list or object, which may come as JSON or as a string of JSON; None when absent."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise ApiError(error) from None


async def read_arguments(request: web.Request) -> Args:
    """Collect the arguments of query string, form body and JSON body."""
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            raise ApiError("invalid_json") from None
        if not isinstance(body, dict):
            raise ApiError("json_not_object")
        given |= body
    elif request.method == "POST":
        given |= dict(await request.post())
    return Args(given)
