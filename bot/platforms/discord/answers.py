"""Answers to what agents ask, as Discord brings them: buttons, and the form that some of them open."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import discord
from discord.ui import Label, Modal, Select, TextInput

from bot.desk.asks import ANSWER, CHOICES, QUESTION, SAYS, Answer
from bot.platforms.base import CHOOSE, DENY, FORMS, WHY, WORDS
from bot.platforms.discord.doors import PATIENCE_S, Doors, say, tried
from bot.platforms.discord.text import fit_plain
from bot.platforms.errands import Errands
from executor.questions import Question

Interaction = discord.Interaction[Any]
Json = Mapping[str, Any]

_FORM = re.compile(r"answer-form:(?P<says>[a-z]+):(?P<job>[0-9a-f-]{1,40}):(?P<number>\d{1,6})")
_TEXT = "prompt"
_TITLE = 45
_CHOICE = 100
_CHOICES = 25
_LONGEST = 4_000
_KEPT_S = 900
"""As long as discord.py remembers a form; what comes back is read without that."""
_LATE = "That took too long, so the form cannot be opened any more. Please press the button again."


class Answers:
    """One method per thing that people do. Neither of them raises."""

    def __init__(self, doors: Doors, errands: Errands) -> None:
        self._doors = doors
        self._errands = errands

    async def press(self, interaction: Interaction, found: re.Match[str]) -> None:
        """A button that answers a question was pressed; `found` is its custom_id."""
        args = {QUESTION: found["number"], SAYS: found["says"]}
        ask = self._doors.ask_of(interaction, ANSWER, found["job"], args)
        if found["says"] not in FORMS:
            await self._errands.start(self._doors.answer(interaction, ask))
            return
        task = self._errands.start(self._doors.do(interaction, ask))
        await asyncio.wait({task}, timeout=PATIENCE_S)
        answer = task.result() if task.done() else Answer(ok=False, text=_LATE)
        if answer.form is None:
            await say(interaction, answer.text)
        else:
            await tried(interaction.response.send_modal(form(answer.form, found["says"])))

    async def submit(self, interaction: Interaction) -> bool:
        """A form was sent; False where it is none to answer a question with."""
        data: Json = dict(interaction.data or {})
        found = _FORM.fullmatch(str(data.get("custom_id")))
        if found is None:
            return False
        fields = dict(_fields(data["components"]))
        says = DENY if found["says"] == WHY else ANSWER
        args = {QUESTION: found["number"], SAYS: says, **fields}
        ask = self._doors.ask_of(interaction, ANSWER, found["job"], args)
        await self._errands.start(self._doors.answer(interaction, ask, keep=fields.get(_TEXT, "")))
        return True


def form(question: Question, says: str) -> Modal:
    """The form for a button that says so."""
    # A form has no room for the question but beside its fields.
    asked = fit_plain(question.asked.text, _CHOICE)
    modal = Modal(
        title=fit_plain("Deny" if says == WHY else f"Answer to question {question.number}", _TITLE),
        custom_id=f"answer-form:{says}:{question.job_id}:{question.number}",
        timeout=_KEPT_S,
    )
    if says == CHOOSE:
        modal.add_item(Label(text="Choose", description=asked, component=_select(question)))
    label = {WHY: "Why not, and what to do instead", CHOOSE: "In your own words"}.get(says, "Your answer")
    field: TextInput[Any] = TextInput(
        custom_id=_TEXT, style=discord.TextStyle.paragraph, max_length=_LONGEST, required=says == WORDS
    )
    modal.add_item(Label(text=label, description=None if says == CHOOSE else asked, component=field))
    return modal


def _select(question: Question) -> Select[Any]:
    choices = question.asked.choices[:_CHOICES]
    options = [
        discord.SelectOption(
            label=fit_plain(choice.label, _CHOICE),
            value=str(number),
            description=fit_plain(choice.description, _CHOICE) if choice.description else None,
        )
        for number, choice in enumerate(choices, 1)
    ]
    most = len(options) if question.asked.several else 1
    return Select(custom_id=CHOICES, options=options, required=False, min_values=0, max_values=most)


def _fields(components: Sequence[Json]) -> Iterator[tuple[str, str]]:
    for component in components:
        field = component["component"]
        yield field["custom_id"], ",".join(field["values"]) if "values" in field else field["value"]
