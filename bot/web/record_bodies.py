"""What is alike in what programs send about the shared records, and in what they get."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bot.web.bodies import Fields, Text

MOST = 200
"""Records that a list holds at most."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text


def listed(value: object) -> object:
    """`A1, A2` as its parts."""
    if not isinstance(value, str):
        raise ValueError("write them in one text, with commas between them")
    return [part for each in value.split(",") if (part := each.strip())]


def _joined(value: object) -> object:
    return ",".join(value) if isinstance(value, list | tuple) else value


Line = Annotated[Text, Field(max_length=500)]
Words = Annotated[Text, Field(max_length=100_000), AfterValidator(_said)]
Title = Annotated[Text, Field(max_length=500), AfterValidator(_said)]
Markdown = Annotated[Text, Field(max_length=100_000)]
Id = Annotated[str, Field(pattern=f"^{_ID.pattern}$")]
Ids = Annotated[list[Id], Field(max_length=50), BeforeValidator(listed)]
Name = Annotated[Text, Field(max_length=40)]
Joined = Annotated[str, BeforeValidator(_joined)]


class ById(Fields):
    """The record that is meant."""

    id: Text


class Page(Fields):
    """How much of a list; `cursor` is that of the header `Link` of the page before."""

    limit: int = Field(default=50, ge=1, le=MOST)
    cursor: Text | None = None


class RecordAnswer(BaseModel):
    """What is read off a record as it is kept."""

    model_config = ConfigDict(from_attributes=True)
