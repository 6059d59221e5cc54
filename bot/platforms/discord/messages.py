"""What people write in the threads of jobs: replies that need no button, where it is so set."""

from __future__ import annotations

import asyncio
import re

import discord

from bot.desk.asks import REPLY, Answer, Ask
from bot.desk.hearing import Hearing
from bot.platforms.discord.doors import Door, safely, tried
from bot.platforms.discord.files import Files
from bot.platforms.discord.members import Members
from bot.platforms.discord.text import fit_markdown
from bot.platforms.errands import Errands
from executor.model import Actor, Origin

SHOWN_S = 60.0
"""How long a refusal stands: Discord has no message for one person alone but in answer to a command."""
_MOST = 1_800
_SEEN = "👀"
_WRITTEN = (discord.MessageType.default, discord.MessageType.reply)


class Messages:
    """The listener for messages. It never raises."""

    def __init__(
        self,
        *,
        door: Door,
        errands: Errands,
        members: Members,
        hearing: Hearing,
        files: Files,
        guilds: frozenset[str],
    ) -> None:
        self._door = door
        self._errands = errands
        self._members = members
        self._hearing = hearing
        self._files = files
        self._guilds = guilds

    async def written(self, message: discord.Message, us: int) -> None:
        """A message in a thread: the desk knows whether that is a job's, and says nothing where it is not."""
        thread, delivery = message.channel, f"discord:message:{message.id}"
        if message.author.bot or message.webhook_id or message.type not in _WRITTEN:
            return
        if not isinstance(thread, discord.Thread) or not self._is_open(thread.guild.id):
            return
        if not self._hearing.is_new(delivery):
            return
        await self._errands.start(self._answer(message, thread, delivery, us))

    def _is_open(self, guild_id: int) -> bool:
        return not self._guilds or str(guild_id) in self._guilds

    async def _answer(self, message: discord.Message, thread: discord.Thread, delivery: str, us: int) -> None:
        """Eyes where it is taken in, and where it is not a word to whoever wrote it."""
        ask = Ask(
            verb=REPLY,
            origin=Origin(
                actor=await self._actor(message, thread), channel=str(thread.parent_id), thread=str(thread.id)
            ),
            delivery=delivery,
            args={"prompt": re.sub(rf"^\s*<@!?{us}>\s*", "", message.content)},
            overheard=True,
            files=self._files.offered(message.attachments),
        )
        answer = await safely(self._door.ask(ask))
        await self._hearing.done(delivery, message.created_at, answer)
        if answer.ok:
            await tried(message.add_reaction(_SEEN))
        elif answer.text:
            self._errands.start(self._tell(message, answer))

    async def _actor(self, message: discord.Message, thread: discord.Thread) -> Actor:
        author = message.author
        known = isinstance(author, discord.Member)
        # What is read back says nothing of roles.
        roles = {str(role.id) for role in author.roles} if isinstance(author, discord.Member) else set()
        if not known:
            roles = set(await self._members.roles_of(str(thread.guild.id), str(author.id)) or ())
        return Actor(
            platform="discord",
            team=str(thread.guild.id),
            user_id=str(author.id),
            name=author.display_name,
            roles=frozenset(roles),
        )

    async def _tell(self, message: discord.Message, answer: Answer) -> None:
        """Where they wrote it, for a minute, to them: not everybody takes direct messages."""
        text = f"{message.author.mention} {fit_markdown(answer.text, _MOST)}"
        only = discord.AllowedMentions(
            everyone=False, roles=False, replied_user=False, users=[message.author]
        )
        said: list[discord.Message] = []

        async def say() -> None:
            said.append(await message.reply(text, allowed_mentions=only, silent=True))

        await tried(say())
        await asyncio.sleep(SHOWN_S)
        for each in said:
            await tried(each.delete())
