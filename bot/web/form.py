"""The page's form for a new job, derived from the command table, and what comes back from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import create_model

from bot.desk.commands import FORM_OPTIONS, JOB_COMMANDS
from bot.desk.option_table import Option
from bot.web.bodies import PageBody, Text

_texts: dict[str, Any] = {option.name: (Text, "") for option in FORM_OPTIONS}
JobBody = create_model("JobBody", __base__=PageBody, type=(Text, ...), prompt=(Text, ...), **_texts)
"""What the form sends: all options, those that were left alone empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """An option, to be typed, or chosen where its values can be listed."""

    name: str
    hint: str
    choices: Sequence[str]
    default: str
    """What holds where it is left alone."""


def fields(choices: Callable[[str], Sequence[str]], without: Collection[str] = ()) -> Sequence[Field]:
    """One per option. `choices` gives the values that it may take, the default first."""
    return [_field(option, choices(option.name)) for option in FORM_OPTIONS if option.name not in without]


def types() -> Mapping[str, str]:
    """What a job can be asked to do, by what that is called."""
    return {command.verb: command.summary for command in JOB_COMMANDS}


def verb_and_args(body: PageBody) -> tuple[str, Mapping[str, str]]:
    """The verb that was chosen and what was filled in."""
    filled = body.model_dump(exclude={"delivery", "own_zone", "type"})
    return body.model_dump()["type"], {name: value for name, value in filled.items() if value}


def _field(option: Option, choices: Sequence[str]) -> Field:
    default = option.default or (choices[0] if choices else "")
    return Field(name=option.name, hint=option.summary, choices=choices, default=default)
