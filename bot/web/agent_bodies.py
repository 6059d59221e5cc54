"""What an agent tells of its job, and what it is answered."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, Field, RootModel, model_validator

from bot.agent.tools import MOST_NOTE, MOST_STEPS, MOST_UPDATE
from bot.web.bodies import Fields, Text


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text


class ProgressBody(Fields):
    """How far it is; `note` is what it is at."""

    done: int = Field(ge=0, le=MOST_STEPS, strict=True)
    total: int = Field(ge=1, le=MOST_STEPS, strict=True)
    note: Annotated[Text, Field(max_length=MOST_NOTE)] = ""

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.done > self.total:
            raise ValueError(f"{self.done} cannot be done of {self.total}.")
        return self


class UpdateBody(Fields):
    """Something that people should know before the job ends, as Markdown."""

    text: Annotated[Text, Field(max_length=MOST_UPDATE), AfterValidator(_said)]


class Told(BaseModel):
    """It is kept, and will be shown; `number` counts the updates of the job."""

    number: int = 0


class PageBody(Fields):
    """A report as Markdown: its page is made here, and its first heading is its title."""

    markdown: Annotated[Text, Field(max_length=1_000_000), AfterValidator(_said)]


class PublishedPage(BaseModel):
    """Where it can be read."""

    slug: str
    title: str
    url: str


class ToolAnswer(RootModel[dict[str, Any]]):
    """A tool, in the words of the Model Context Protocol, and which call it stands for."""
