"""What requests carry, checked: JSON or the page's own form."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

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
Back = Annotated[
    str, Field(pattern=r"^(/(jobs|inbox|tasks|reports|read)(/[A-Za-z0-9._-]{1,200})?(\?[^#\s]*)?)?$")
]
"""The page that a plain form stands on, and its reader comes back to."""
Channel = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


class Fields(BaseModel):
    """What a body or a query holds, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageBody(Fields):
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


class AnswerBody(PageBody):
    """What a button or a form sends that answers a question of a job; boxes come as `pick-1`, `pick-2` …"""

    job: Text
    question: Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
    says: Annotated[str, Field(pattern=r"^[a-z0-9]{1,10}$")]
    choices: Annotated[str, Field(pattern=r"^[0-9,]{0,400}$")] = ""
    text: Text = ""
    message: Text = ""
    back: Back = ""

    @model_validator(mode="before")
    @classmethod
    def _picked(cls, fields: object) -> object:
        if not isinstance(fields, dict):
            return fields
        numbers = [name.removeprefix("pick-") for name in fields if str(name).startswith("pick-")]
        rest = {name: value for name, value in fields.items() if not str(name).startswith("pick-")}
        return {**rest, "choices": ",".join(numbers)} if numbers else rest


class ReplyBody(PageBody):
    """What the box below a thread sends; `message` is the id of the thread's first message."""

    text: Text
    message: Text
    back: Back = ""


class ApiCommandBody(Fields):
    """What a program sends. Without a `delivery` each call stands for itself."""

    text: Words
    channel: Channel = "dev"
    delivery: Delivery | None = None


_B = TypeVar("_B", bound=BaseModel)


async def read_body(request: web.Request, body: type[_B]) -> _B:
    """The request's JSON or form as a `body`; none at all is an empty one.

    Raises Problem: 400 for no JSON, 422 for wrong fields.
    """
    if request.content_type == "application/json":
        fields = _parse(await request.read())
    else:
        fields = dict(await request.post())
    return checked(fields, body)


def read_query(request: web.Request, query: type[BaseModel] | None) -> BaseModel | None:
    """The query of the address as a `query`. Raises Problem 422."""
    given = request.query
    for name in given:
        if len(given.getall(name)) > 1:
            raise Problem(422, f"`{shown(name)}` is given twice; give it once.", field=shown(name))
        if query is None:
            raise Problem(422, f"There is no parameter `{shown(name)}` here.", field=shown(name))
    return None if query is None else checked(dict(given), query, "parameter")


def checked(fields: object, model: type[_B], what: str = "field") -> _B:
    """`fields` as a `model`. Raises Problem 422, which names the first one that is wrong."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        sentence, field = _sentence(error, model, what)
        raise Problem(422, sentence, field=field) from None


def _parse(data: bytes) -> object:
    if not data:
        return {}
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


def _sentence(error: ValidationError, model: type[BaseModel], what: str) -> tuple[str, str]:
    """What is wrong, and with which field."""
    first = error.errors(include_url=False, include_input=False)[0]
    if not first["loc"]:
        if first["type"] == "value_error":
            return first["msg"].removeprefix("Value error, "), ""
        if "field" in first.get("ctx", {}):
            return first["msg"], first["ctx"]["field"]
        return "The body must be a JSON object.", ""
    name = shown(str(first["loc"][0]))
    if first["type"] == "extra_forbidden":
        return no_such(name, _names(model), what), name
    if first["type"] == "missing":
        return f"The {what} `{name}` is missing.", name
    return f"The {what} `{name}` cannot be taken: {_reason(first)}.", name


def no_such(name: str, known: Collection[str], what: str = "field") -> str:
    """What is said of a `what` that is none of those that are `known`."""
    near = get_close_matches(name, known, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"There is no {what} `{name}` here.{hint}"


def _reason(error: ErrorDetails) -> str:
    about = error.get("ctx", {})
    if error["type"] == "too_long" and about["field_type"] == "Value":  # a text, which it calls items
        return f"it has {about['actual_length']} characters, and {about['max_length']} are the most"
    return error["msg"].removeprefix("Value error, ").rstrip(".")


def _names(model: type[BaseModel]) -> list[str]:
    """All names that a field goes by."""
    return [each for name, field in model.model_fields.items() for each in {name, field.alias or name}]
