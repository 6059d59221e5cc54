"""What somebody is asked back: a button per name, or lists where those are too many, seen by them alone."""

from __future__ import annotations

import re
from typing import Any, Protocol, cast

import discord
from discord.ui import Button, DynamicItem, Item, Select, View

from bot.desk.asks import CHOOSE, Choice
from bot.platforms.discord.text import fit_plain

_LABEL = 80
_BUTTONS, _OPTIONS, _ROWS = 25, 25, 5
PATTERN = re.compile(rf"{CHOOSE}:(?P<draft>[0-9a-f]{{1,40}}):(?P<number>\d{{0,4}}|list\d)")
"""A button knows the number of its name; of a list, that comes with what is chosen."""


class Chooses(Protocol):
    """Whoever takes what people choose."""

    async def choose(self, interaction: discord.Interaction[Any], draft_id: str, number: str) -> None: ...


class ChoiceItem(DynamicItem[Item[Any]], template=PATTERN):
    """A button or a list; all it knows stands in its custom_id, so it works after every restart."""

    def __init__(self, item: Item[Any], found: re.Match[str]) -> None:
        super().__init__(item)
        self._found = found

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: Item[Any], match: re.Match[str]
    ) -> ChoiceItem:
        return cls(item, match)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        chooses: Chooses = interaction.client.doors
        number, *_ = cast(Any, interaction.data).get("values") or [self._found["number"]]
        await chooses.choose(interaction, self._found["draft"], number)


def view_of(choice: Choice) -> View:
    """What stands below the question."""
    view, named = View(timeout=None), list(enumerate(choice.names))
    if len(named) <= _BUTTONS:
        for number, name in named:
            _add(view, Button(label=fit_plain(name, _LABEL)), f"{choice.draft_id}:{number}")
        return view
    for row in range(_ROWS):
        some = named[row * _OPTIONS : (row + 1) * _OPTIONS]
        if some:
            options = [discord.SelectOption(label=fit_plain(name, _LABEL), value=str(n)) for n, name in some]
            hint = fit_plain(f"{some[0][1]} … {some[-1][1]}", _LABEL)
            _add(view, Select(options=options, placeholder=hint), f"{choice.draft_id}:list{row}")
    return view


def _add(view: View, item: Button[Any] | Select[Any], rest: str) -> None:
    item.custom_id = f"{CHOOSE}:{rest}"
    found = PATTERN.fullmatch(item.custom_id)
    if found is not None:
        view.add_item(ChoiceItem(item, found))
