"""The buttons of a job. All they know stands in their custom_id, so they work after every restart."""

from __future__ import annotations

import re
from typing import Any, Protocol, cast

import discord
from discord.ui import Button, DynamicItem, Item

from bot.news.announcements import QUESTIONS
from bot.platforms.base import APPROVE, DENY, Action, Reaction
from bot.platforms.discord.text import fit_plain

_LABEL = 80
_CUSTOM_ID = 100
PATTERN = re.compile(r"job:(?P<ask>\?(?:(?P<question>[a-z]+)\?)?)?(?P<verb>[a-z]+):(?P<job>[0-9a-f-]{1,40})")
"""With `?`, the person is asked once more before it is done: by the question of that name, `?stop?`."""
ANSWER = re.compile(r"answer:(?P<says>[a-z]+|\d{1,3}):(?P<job>[0-9a-f-]{1,40}):(?P<number>\d{1,6})")
_STYLES = {APPROVE: discord.ButtonStyle.success, DENY: discord.ButtonStyle.danger}
_NAMES = {text: name for name, text in QUESTIONS.items()}


class Presses(Protocol):
    """Whoever takes what people press."""

    async def press(
        self, interaction: discord.Interaction[Any], found: re.Match[str], label: str
    ) -> None: ...


class Reactions(Protocol):
    """Whoever takes the answers that people press."""

    async def press(self, interaction: discord.Interaction[Any], found: re.Match[str]) -> None: ...


class JobButton(DynamicItem[Button[Any]], template=PATTERN):
    """One press of it becomes one request to the desk."""

    def __init__(self, button: Button[Any], found: re.Match[str]) -> None:
        super().__init__(button)
        self._found = found

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Item[Any], match: re.Match[str]
    ) -> JobButton:
        return cls(cast(Button[Any], item), match)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        presses: Presses = interaction.client.doors
        await presses.press(interaction, self._found, self.item.label or "")


def job_button(action: Action) -> JobButton | None:
    """The button of an action; None where its words make no custom_id that is ours."""
    name = _NAMES.get(action.confirm)
    asked = f"?{name}?" if name else "?"
    ask = asked if action.confirm else ""
    custom_id = f"job:{ask}{action.verb}:{action.job_id}"
    found = PATTERN.fullmatch(custom_id)
    if found is None or len(custom_id) > _CUSTOM_ID:
        return None
    style = discord.ButtonStyle.danger if action.danger else discord.ButtonStyle.secondary
    if action.verb == "resume":
        style = discord.ButtonStyle.primary
    return JobButton(Button(label=fit_plain(action.label, _LABEL), style=style, custom_id=custom_id), found)


class AnswerButton(DynamicItem[Button[Any]], template=ANSWER):
    """One press of it answers a question, or opens the form to do so."""

    def __init__(self, button: Button[Any], found: re.Match[str]) -> None:
        super().__init__(button)
        self._found = found

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Item[Any], match: re.Match[str]
    ) -> AnswerButton:
        return cls(cast(Button[Any], item), match)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        reactions: Reactions = interaction.client.answers
        await reactions.press(interaction, self._found)


def answer_button(reaction: Reaction) -> AnswerButton | None:
    """The button of a reaction; None where its words make no custom_id that is ours."""
    custom_id = f"answer:{reaction.says}:{reaction.job_id}:{reaction.question}"
    found = ANSWER.fullmatch(custom_id)
    if found is None or len(custom_id) > _CUSTOM_ID:
        return None
    style = _STYLES.get(reaction.says, discord.ButtonStyle.secondary)
    label = fit_plain(reaction.label, _LABEL)
    return AnswerButton(Button(label=label, style=style, custom_id=custom_id), found)
