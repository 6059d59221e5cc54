"""Forms, derived from the command table, and what comes back; all they know stands in their custom_id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import discord
from discord.ui import Label, Modal, Select, TextInput

from bot.desk.asks import REPLY
from bot.desk.commands import BY_VERB, JOB_COMMANDS, Command
from bot.desk.option_table import RUN_OPTIONS
from bot.platforms.discord.text import fit_plain

Json = Mapping[str, Any]

PROMPT = "prompt"
VERB = "verb"
_FIELDS = 5
_TITLE = 45
_TEXT = 4_000
_CHOICES = 25
_CHOICE = 100
_CUSTOM_ID = 100
_KEPT_S = 900
"""Seconds after which discord.py forgets a form that nobody sent; we read it from what comes back anyway."""
_FORM = re.compile(r"form:(?P<verb>[a-z]*):(?P<target>[0-9a-f-]*):(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What somebody asks for by a form."""

    verb: str
    target: str
    args: Mapping[str, str]


def compose(
    verb: str, given: Mapping[str, str], choices: Callable[[str], Sequence[str]], prompt: str = ""
) -> Modal | None:
    """The form for a new job. `verb` empty asks for it too; `given` are options that were typed already.

    Those that have no field of their own travel with the form; None where they are too much for that.
    """
    fields = [] if verb else [_verb_field()]
    fields.append(_prompt_field(BY_VERB[verb or JOB_COMMANDS[0].verb], prompt))
    offered = [option.name for option in RUN_OPTIONS if 0 < len(choices(option.name)) <= _CHOICES]
    shown = [name for name in offered if given.get(name, "") in ("", *choices(name))]
    shown = shown[: _FIELDS - len(fields)]
    fields += [_option_field(name, choices(name), given.get(name, "")) for name in shown]
    rest = {name: value for name, value in given.items() if name not in shown}
    title = f"{verb.capitalize()}" if verb else "New job"
    return _form(title, f"form:{verb}::{urlencode(rest)}", fields)


def words(job_id: str) -> Modal | None:
    """The form for new words to a job, whether it has ended or not."""
    return _form(f"Reply to {job_id[:6]}", f"form:{REPLY}:{job_id}:", [_prompt_field(BY_VERB["resume"], "")])


def read(data: Json) -> Filled | None:
    """What a form says that was sent; fields left empty are not among the args. None: it is none of ours."""
    found = _FORM.fullmatch(data["custom_id"])
    if found is None:
        return None
    fields = dict(_fields(data["components"]))
    args = dict(parse_qsl(found["rest"])) | {name: value for name, value in fields.items() if value}
    verb = args.pop(VERB, "") or found["verb"]
    return Filled(verb=verb, target=found["target"], args=args)


def _form(title: str, custom_id: str, fields: Sequence[Label[Any]]) -> Modal | None:
    if len(custom_id) > _CUSTOM_ID:
        return None
    form = Modal(title=fit_plain(title, _TITLE), custom_id=custom_id, timeout=_KEPT_S)
    for field in fields:
        form.add_item(field)
    return form


def _verb_field() -> Label[Any]:
    options = [
        discord.SelectOption(
            label=command.verb,
            value=command.verb,
            description=fit_plain(command.summary, _CHOICE),
            default=command is JOB_COMMANDS[0],
        )
        for command in JOB_COMMANDS
    ]
    return Label(text="What to do", component=Select(custom_id=VERB, options=options, required=True))


def _prompt_field(command: Command, prompt: str) -> Label[Any]:
    field: TextInput[Any] = TextInput(
        custom_id=PROMPT,
        style=discord.TextStyle.paragraph,
        default=prompt[:_TEXT] or None,
        max_length=_TEXT,
        placeholder=fit_plain(command.example.partition(" ")[2].partition(" ")[2], _CHOICE),
    )
    return Label(text="Prompt", component=field)


def _option_field(name: str, choices: Sequence[str], given: str) -> Label[Any]:
    known = next(option for option in RUN_OPTIONS if option.name == name)
    options = [
        discord.SelectOption(
            label=fit_plain(choice, _CHOICE), value=choice[:_CHOICE], default=choice == given
        )
        for choice in choices
    ]
    # Nothing is chosen beforehand: the default of one option depends on what is chosen in another.
    hint = f"{known.default or choices[0]}, unless you choose"
    field: Select[Any] = Select(
        custom_id=name, options=options, required=False, min_values=0, placeholder=fit_plain(hint, _CHOICE)
    )
    return Label(text=name.capitalize(), component=field, description=fit_plain(known.summary, _CHOICE))


def _fields(components: Sequence[Json]) -> Iterator[tuple[str, str]]:
    for component in components:
        inner = [component["component"]] if "component" in component else component.get("components", [])
        for field in inner:
            values = field.get("values")
            yield field["custom_id"], (values[0] if values else "") if values is not None else field["value"]
