"""What requests carry, checked: JSON or the page's own form."""

from __future__ import annotations

import json
import re
from collections import Counter
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from bot.desk.commands import shown
from bot.web.problems import Problem

_COMMAND = re.compile(r"\A\s*/job(?:\s|$)")


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it is not valid Unicode") from None
    return text.replace("\r\n", "\n")  # forms send CRLF


def _without_slash_job(text: str) -> str:
    return _COMMAND.sub("", text, count=1)


Text = Annotated[str, AfterValidator(_encodable)]
Words = Annotated[Text, AfterValidator(_without_slash_job)]
"""A command, with or without its leading `/job`."""
Delivery = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{7,79}$")]
Back = Annotated[str, Field(pattern=r"^(/jobs(/[0-9a-f-]{1,36})?(\?[^#\s]*)?)?$")]
"""The page that a plain form stands on, and its reader comes back to."""
Channel = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PageBody(_Body):
    """What everything on the page sends. `delivery` is made once, so that a double submit is one job."""

    delivery: Delivery
    own_zone: Text = ""
    """The time zone of whoever asks, where the page's script can tell it."""

    async def clocks(self) -> str:
        """Whose clocks are meant, as the desk asks for it."""
        return self.own_zone


class CommandBody(PageBody):
    """What the text box sends."""

    text: Words


class AskBody(PageBody):
    """What a button sends; `message` is the id of the message that the button stands in."""

    verb: Text
    target: Text
    message: Text = ""
    text: Text = ""
    """What was written beside the button."""
    back: Back = ""


class ReplyBody(PageBody):
    """What the box below a thread sends; `message` is the id of the thread's first message."""

    text: Text
    message: Text
    back: Back = ""


class ApiCommandBody(_Body):
    """What a program sends. Without a `delivery` each call stands for itself."""

    text: Words
    channel: Channel = "dev"
    delivery: Delivery | None = None


_B = TypeVar("_B", bound=BaseModel)


async def read_body(request: web.Request, body: type[_B]) -> _B:
    """The request's JSON or form as a `body`. Raises Problem: 400 for no JSON, 422 for wrong fields."""
    if request.content_type == "application/json":
        fields = _parse(await request.read())
    else:
        fields = dict(await request.post())
    return validated(fields, body)


def validated(fields: object, body: type[_B]) -> _B:
    """The fields as a `body`. Raises Problem 422 where they are wrong."""
    try:
        return body.model_validate(fields)
    except ValidationError as error:
        raise Problem(422, _sentence(error, body)) from None


def _parse(data: bytes) -> object:
    try:
        return json.loads(data, object_pairs_hook=_object)
    except RecursionError:
        raise Problem(400, "The JSON is nested too deep.") from None
    except ValueError:
        raise Problem(400, "The body is not valid JSON.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise Problem(400, f"`{shown(twice)}` stands in the JSON twice.")
    return fields


def _sentence(error: ValidationError, body: type[BaseModel]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if not first["loc"]:
        return "The body must be a JSON object."
    name = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        near = get_close_matches(name, body.model_fields, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        return f"There is no field `{shown(name)}` here.{hint}"
    if first["type"] == "missing":
        return f"The field `{name}` is missing."
    return f"The field `{name}` cannot be taken: {first['msg'].removeprefix('Value error, ')}."
