"""What comes in from Discord, turned into requests to the desk and acknowledged once they are committed."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from io import BytesIO
from typing import Any, Protocol

import aiohttp
import discord
from discord.ui import View
from discord.utils import MISSING

from bot.desk import desk
from bot.desk.asks import CHOOSE, REPLY, Again, Answer, Ask, Invocation, Offer
from bot.desk.commands import BY_VERB, Takes
from bot.news.announcements import QUESTIONS
from bot.news.transcript import split
from bot.platforms.base import Action, Attachment
from bot.platforms.discord import forms
from bot.platforms.discord.buttons import job_button
from bot.platforms.discord.choices import view_of
from bot.platforms.discord.commands import SETTING, TARGET, TEXT, VERB
from bot.platforms.discord.files import FILES, Files
from bot.platforms.discord.text import fit_markdown
from bot.platforms.errands import Errands
from executor.model import Actor, Origin

Interaction = discord.Interaction[Any]

PATIENCE_S = 2.0
"""How long the desk may take before Discord is acknowledged without its answer; Discord waits three."""
CALL_TIMEOUT_S = 10.0
_SUGGEST_S = 2.0
BEFORE = "before"
"""The one option whose value is a job."""
_MOST = 1_900
_KEPT = 1_500
"""Characters of a refused prompt that are given back."""
_DEAD, _ACKNOWLEDGED = 10062, 40060

_SORRY = (
    "Sorry, that went wrong on my side, and it is written down. "
    "Look at `/job list` before you ask again: it may have been accepted."
)
_NO_GUILD = "Bifrost does its work in the channels of a server, not in direct messages."
_OTHER_GUILD = (
    "Bifrost is not open to this server. To open it, its administrator adds `{}` to `guilds` under "
    "`[discord]` in bifrost.toml."
)
_TOO_MUCH = "So many options do not fit a form: give `prompt` as an option of the command too."
_UNKNOWN = "I do not know that button; it may be older than I am. `/job list` shows the latest jobs."
_CHANGED = "My commands have changed since your Discord read them: restart it (Ctrl+R) and try again."
_log = logging.getLogger(__name__)


class Door(desk.Door, Protocol):
    """The desk, as it is seen from here."""

    async def suggest(self, origin: Origin, verb: str, typed: str) -> Sequence[tuple[str, str]]:
        """Ids or prompts that `verb` could be about, each with a line about it; nothing for strangers."""


class Doors:
    """One method per thing that people do. Not one of them raises."""

    def __init__(self, *, door: Door, errands: Errands, guilds: frozenset[str], files: Files) -> None:
        self._door = door
        self._files = files
        self._errands = errands
        self._guilds = guilds

    async def order(
        self,
        interaction: Interaction,
        verb: str,
        options: Mapping[str, str],
        files: Sequence[discord.Attachment] = (),
    ) -> None:
        """A command was run."""
        args = {name: value for name, value in options.items() if name not in (TARGET, TEXT, VERB, SETTING)}
        if TEXT in options:
            args[forms.PROMPT] = options[TEXT]
        command = BY_VERB[verb]
        if command.takes is Takes.PROMPT and not command.alone and not args.get(forms.PROMPT, ""):
            await self.compose(interaction, verb, args, "", files)
            return
        target = (options.get(TARGET) or options.get(VERB) or options.get(SETTING, "")).strip("#` ")
        ask = self.ask_of(interaction, verb, target, args, self._files.offered(files))
        await self._errands.start(self.answer(interaction, ask))

    async def compose(
        self,
        interaction: Interaction,
        verb: str,
        given: Mapping[str, str],
        prompt: str,
        files: Sequence[discord.Attachment] = (),
    ) -> None:
        """Opens the form for a new job, to those who may read the help: it names models and workspaces."""
        given = {**given, **self._files.hold(str(interaction.id), self._files.offered(files))}
        await self._errands.start(self._compose(interaction, verb, given, prompt))

    async def press(self, interaction: Interaction, found: re.Match[str], label: str) -> None:
        """A button of ours was pressed; `found` is its custom_id."""
        await self._errands.start(self._press(interaction, found, label))

    async def choose(self, interaction: Interaction, draft_id: str, number: str) -> None:
        """What was asked back is answered."""
        await self._errands.start(self._choose(interaction, draft_id, number))

    async def submit(self, interaction: Interaction) -> None:
        """A form was sent."""
        filled = forms.read(_data(interaction))
        if filled is None:
            await self.unknown(interaction)
            return
        args = {name: value for name, value in filled.args.items() if name != FILES}
        files = self._files.held(filled.args.get(FILES, ""))
        ask = self.ask_of(interaction, filled.verb, filled.target, args, files)
        await self._errands.start(self.answer(interaction, ask, keep=filled.args.get(forms.PROMPT, "")))

    async def suggest(
        self, interaction: Interaction, verb: str, option: str, typed: str
    ) -> Sequence[tuple[str, str]]:
        """What could be typed into an option: values, each with its label."""
        origin = _origin(interaction)
        if self._shut(interaction):
            return []
        try:
            async with asyncio.timeout(_SUGGEST_S):
                if option in (TARGET, BEFORE, forms.PROMPT):
                    about = "show" if option == BEFORE else verb
                    return await self._door.suggest(origin, about, typed)
                # Whoever may not read the help is told of no model.
                if not await self._is_welcome(interaction):
                    return []
        except Exception:  # noqa: BLE001  a fault here costs suggestions, no more
            _log.exception("discord.suggestions_failed")
            return []
        offered = self._door.choices(option, origin.actor)
        values = [value for value in offered if typed.lower() in value.lower()]
        return [(value, value) for value in values]

    async def misunderstood(self, interaction: Interaction) -> None:
        """Discord sent a command that is not among ours."""
        await say(interaction, _CHANGED)

    async def unknown(self, interaction: Interaction) -> None:
        """Something was pressed or sent that is none of ours."""
        await say(interaction, _UNKNOWN)

    async def answer(self, interaction: Interaction, ask: Ask, keep: str = "") -> None:
        """Does it, and tells this person alone what the desk says; `keep` is given back if it refuses."""
        task = self._errands.start(self.do(interaction, ask))
        await asyncio.wait({task}, timeout=PATIENCE_S)
        if task.done():
            await _tell(interaction, task.result(), keep)
            return
        await tried(interaction.response.defer(ephemeral=True, thinking=True))
        answer = await task
        first, *rest = _parts(_worded(answer, keep))
        view, files = _view(answer), _files(answer.enclosed)
        await tried(interaction.edit_original_response(content=first, view=view, attachments=files))
        await _say_more(interaction, rest)

    async def _compose(
        self, interaction: Interaction, verb: str, given: Mapping[str, str], prompt: str
    ) -> None:
        task = self._errands.start(self._welcome(interaction))
        await asyncio.wait({task}, timeout=PATIENCE_S)
        welcome = task.result() if task.done() else Answer(ok=False, text=_SORRY)
        choices = partial(self._door.choices, actor=_origin(interaction).actor)
        form = forms.compose(verb, given, choices, prompt) if welcome.ok else None
        if form is not None:
            await tried(interaction.response.send_modal(form))
        else:
            await say(interaction, _TOO_MUCH if welcome.ok else welcome.text)

    async def _press(self, interaction: Interaction, found: re.Match[str], label: str) -> None:
        verb, job_id = found["verb"], found["job"]
        form = forms.words(job_id) if verb == REPLY else None
        if form is not None:
            await tried(interaction.response.send_modal(form))
            return
        if found["ask"]:
            await self._confirm(interaction, found, label)
            return
        task = self._errands.start(self.do(interaction, self.ask_of(interaction, verb, job_id, {})))
        await asyncio.wait({task}, timeout=PATIENCE_S)
        confirming = interaction.message is not None and interaction.message.flags.ephemeral
        if task.done() and confirming:
            text = fit_markdown(task.result().text, _MOST)
            await tried(interaction.response.edit_message(content=text, view=None))
        elif task.done() and not task.result().ok:
            await say(interaction, task.result().text)
        else:
            await tried(interaction.response.defer())
            answer = await task
            if confirming:
                text = fit_markdown(answer.text, _MOST)
                await tried(interaction.edit_original_response(content=text, view=None))
            elif not answer.ok:
                await _say_more(interaction, _parts(answer.text))

    async def _choose(self, interaction: Interaction, draft_id: str, number: str) -> None:
        """What comes of it stands in place of the question, unless nothing does."""
        ask = self.ask_of(interaction, CHOOSE, draft_id, {"choice": number}, again=self._files.again)
        task = self._errands.start(self.do(interaction, ask))
        await asyncio.wait({task}, timeout=PATIENCE_S)
        if not task.done():
            await tried(interaction.response.defer())
            answer = await task
            first, *rest = _parts(answer.text)
            if answer.ok:
                await tried(interaction.edit_original_response(content=first, view=None))
            await _say_more(interaction, rest if answer.ok else [first, *rest])
        elif task.result().ok:
            first, *rest = _parts(task.result().text)
            await tried(interaction.response.edit_message(content=first, view=None))
            await _say_more(interaction, rest)
        else:
            await say(interaction, task.result().text)

    async def _confirm(self, interaction: Interaction, found: re.Match[str], label: str) -> None:
        """Asks once more, in a message to this person alone."""
        verb, job_id = found["verb"], found["job"]
        # A lone "Cancel" would read as the way out.
        yes = Action(verb=verb, label=f"Yes, {(label or verb).lower()}", job_id=job_id, danger=True)
        view = View(timeout=None)
        button = job_button(yes)
        if button is not None:
            view.add_item(button)
        question = f"`{job_id[:6]}`: {QUESTIONS.get(found['question'] or '', QUESTIONS['stop'])}"
        await tried(interaction.response.send_message(question, view=view, ephemeral=True))

    async def do(self, interaction: Interaction, ask: Ask) -> Answer:
        """What the desk says to it, or why nothing can be asked from there."""
        shut = self._shut(interaction)
        return Answer(ok=False, text=shut) if shut else await safely(self._door.ask(ask))

    async def _welcome(self, interaction: Interaction) -> Answer:
        shut = self._shut(interaction)
        if shut:
            return Answer(ok=False, text=shut)
        invocation = Invocation(text="help", origin=_origin(interaction), delivery=_delivery(interaction))
        return await safely(self._door.command(invocation))

    async def _is_welcome(self, interaction: Interaction) -> bool:
        return (await self._welcome(interaction)).ok

    def _shut(self, interaction: Interaction) -> str:
        """Why nothing can be asked from where this comes, in a sentence; empty where it can."""
        if interaction.guild_id is None:
            return _NO_GUILD
        if self._guilds and str(interaction.guild_id) not in self._guilds:
            return _OTHER_GUILD.format(interaction.guild_id)
        return ""

    def ask_of(
        self,
        interaction: Interaction,
        verb: str,
        target: str,
        args: Mapping[str, str],
        files: Sequence[Offer] = (),
        again: Again | None = None,
    ) -> Ask:
        """What is asked for by this interaction."""
        return Ask(
            verb=verb,
            target=target,
            args=args,
            origin=_origin(interaction),
            delivery=_delivery(interaction),
            files=files,
            buttons=True,
            again=again,
        )


def _data(interaction: Interaction) -> Mapping[str, Any]:
    return dict(interaction.data or {})


def _delivery(interaction: Interaction) -> str:
    return f"discord:interaction:{interaction.id}"


def _origin(interaction: Interaction) -> Origin:
    """A thread belongs to its channel; a button of a card belongs to the card's thread, which has its id."""
    user, channel = interaction.user, interaction.channel
    roles = user.roles if isinstance(user, discord.Member) else ()
    actor = Actor(
        platform="discord",
        team=str(interaction.guild_id or ""),
        user_id=str(user.id),
        name=user.display_name,
        roles=frozenset(str(role.id) for role in roles),
    )
    if isinstance(channel, discord.Thread):
        return Origin(actor=actor, channel=str(channel.parent_id), thread=str(channel.id))
    pressed_on = interaction.message
    head = pressed_on is not None and not pressed_on.flags.ephemeral
    thread = str(pressed_on.id) if pressed_on is not None and head else None
    return Origin(actor=actor, channel=str(interaction.channel_id or ""), thread=thread)


def _worded(answer: Answer, keep: str) -> str:
    """A form closes when it is sent: what was typed into one that is refused is given back."""
    if answer.ok or answer.choice or not keep:
        return answer.text
    kept = keep[:_KEPT].replace("```", "'''")
    return f"{answer.text}\nYour words were:\n```\n{kept}\n```"


def _parts(text: str) -> list[str]:
    return [fit_markdown(part, _MOST) for part in split(text, _MOST)]


async def _tell(interaction: Interaction, answer: Answer, keep: str) -> None:
    """Says it to this person alone, in as many messages as it takes."""
    first, *rest = _parts(_worded(answer, keep))
    files, view = _files(answer.enclosed), _view(answer) or MISSING
    await tried(interaction.response.send_message(first, ephemeral=True, files=files, view=view))
    await _say_more(interaction, rest)


async def say(interaction: Interaction, text: str) -> None:
    await _tell(interaction, Answer(ok=False, text=text), "")


def _view(answer: Answer) -> View | None:
    return view_of(answer.choice) if answer.choice else None


def _files(file: Attachment | None) -> list[discord.File]:
    if file is None:
        return []
    return [discord.File(BytesIO(file.content), file.name, description=file.title)]


async def _say_more(interaction: Interaction, parts: Sequence[str]) -> None:
    for part in parts:
        await tried(interaction.followup.send(part, ephemeral=True))


async def safely(work: Awaitable[Answer]) -> Answer:
    """The answer, or an apology where the desk fails."""
    try:
        return await work
    except Exception:  # noqa: BLE001  a fault of the desk must not cost the acknowledgement
        _log.exception("discord.desk_failed")
        return Answer(ok=False, text=_SORRY)


async def tried(call: Awaitable[object]) -> None:
    """Whoever asked is not helped by a second failure."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await call
    except discord.HTTPException as error:
        if error.code == _ACKNOWLEDGED:
            # Discord tells every process of one token of everything, so another one was quicker.
            _log.warning("discord.other_connection")
        else:
            _log.warning("discord.reply_lost", extra={"fault": str(error), "dead": error.code == _DEAD})
    except (TimeoutError, aiohttp.ClientError, OSError, discord.InteractionResponded) as error:
        _log.warning("discord.reply_lost", extra={"fault": repr(error)})
