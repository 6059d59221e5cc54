"""discord.py's client, set up to ask Discord for as little as possible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import discord

from bot.platforms.discord import choices
from bot.platforms.discord.answers import Answers
from bot.platforms.discord.api import LONGEST_WAIT_S
from bot.platforms.discord.buttons import ANSWER, PATTERN, AnswerButton, JobButton
from bot.platforms.discord.choices import ChoiceItem
from bot.platforms.discord.commands import Commands
from bot.platforms.discord.doors import Doors
from bot.platforms.discord.messages import Messages

Interaction = discord.Interaction[Any]

# Nobody speaks here: that the libraries for it are missing is no news.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


class Client(discord.Client):
    """One connection. `on_change` is called with whether Discord listens to us, and whether anew.

    With `messages` it asks for what people write, for which the bot's owner must allow a privileged intent.
    """

    def __init__(
        self,
        doors: Doors,
        answers: Answers,
        on_change: Callable[[discord.Client, bool, bool], None],
        messages: Messages | None = None,
    ) -> None:
        hears = messages is not None
        super().__init__(
            intents=discord.Intents(guilds=True, guild_messages=hears, message_content=hears),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_ratelimit_timeout=LONGEST_WAIT_S,
            # Nothing that we do needs all guilds to be there.
            guild_ready_timeout=0,
        )
        self.doors = doors
        self.answers = answers
        self.tree = Commands(self, doors)
        self._on_change = on_change
        self._messages = messages

    async def setup_hook(self) -> None:
        self.add_dynamic_items(JobButton, AnswerButton, ChoiceItem)

    async def on_ready(self) -> None:
        self._on_change(self, True, True)

    async def on_resumed(self) -> None:
        self._on_change(self, True, False)

    async def on_disconnect(self) -> None:
        self._on_change(self, False, False)

    async def on_message(self, message: discord.Message) -> None:
        if self._messages is not None and self.user is not None:
            await self._messages.written(message, self.user.id)

    async def on_interaction(self, interaction: Interaction) -> None:
        """What discord.py hands to nobody: sent forms, and presses of what is not there any more."""
        custom_id = str(dict(interaction.data or {}).get("custom_id"))
        if interaction.type is discord.InteractionType.modal_submit:
            if not await self.answers.submit(interaction):
                await self.doors.submit(interaction)
        elif interaction.type is discord.InteractionType.component:
            job, answer = PATTERN.fullmatch(custom_id), ANSWER.fullmatch(custom_id)
            if choices.PATTERN.fullmatch(custom_id):
                return  # its own item takes it: what was said to one person stays as it was said
            if job is None and answer is None:
                await self.doors.unknown(interaction)
            elif not _still_shows(interaction.message, custom_id):
                if job is not None:
                    await self.doors.press(interaction, job, "")
                elif answer is not None:
                    await self.answers.press(interaction, answer)


def _still_shows(message: discord.Message | None, custom_id: str) -> bool:
    """Whether the button still stands on its message; discord.py passes over presses of others."""
    if message is None:
        return False
    shown: list[Any] = list(message.components)
    while shown:
        component = shown.pop()
        if getattr(component, "custom_id", None) == custom_id:
            return True
        shown += getattr(component, "children", [])
    return False
