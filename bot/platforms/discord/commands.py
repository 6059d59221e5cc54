"""`/job …` as Discord's own commands, derived from the command table; declared when they changed."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional, Protocol

import discord
from discord import app_commands

from bot.desk.commands import BY_VERB, CHANGES, COMMANDS, SETTINGS, Command, Takes
from bot.desk.option_table import TIME_OPTIONS, USAGE_OPTIONS
from bot.platforms.discord.text import fit_plain

GROUP = "job"
MENU = "Run a job on this"
TARGET = "id"
TEXT = "text"
FILE = "file"
VERB = "verb"
SETTING = "setting"
_DESCRIPTION = 100
_CHOICE = 100
_CHOICES = 25
_LONGEST = 6_000
_MOST_GUILDS = 100
"""Among so many servers it is looked for commands that are not declared there any more."""
_PLACE = "o_"
"""Before each parameter's name, for `in` cannot be one; Discord knows it without."""
_KEPT = ("name", "type", "description", "required", "autocomplete", "min_length", "max_length")

_log = logging.getLogger(__name__)

Interaction = discord.Interaction[Any]
Choice = app_commands.Choice[str]
Json = dict[str, Any]


class Orders(Protocol):
    """Whoever takes what people order by a command."""

    async def order(
        self,
        interaction: Interaction,
        verb: str,
        options: Mapping[str, str],
        files: Sequence[discord.Attachment],
    ) -> None: ...

    async def suggest(
        self, interaction: Interaction, verb: str, option: str, typed: str
    ) -> Sequence[tuple[str, str]]: ...

    async def compose(
        self,
        interaction: Interaction,
        verb: str,
        given: Mapping[str, str],
        prompt: str,
        files: Sequence[discord.Attachment],
    ) -> None: ...

    async def misunderstood(self, interaction: Interaction) -> None: ...


class Commands(app_commands.CommandTree[Any]):
    """The command tree. Errors in it are about commands that Discord still shows and we no longer have."""

    def __init__(self, client: discord.Client, orders: Orders) -> None:
        super().__init__(client)
        self._orders = orders
        group = app_commands.Group(name=GROUP, description="Have AI agents do jobs", guild_only=True)
        for command in COMMANDS:
            group.add_command(_subcommand(command, orders))
        self.add_command(group)
        self.add_command(_menu(orders))

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        _log.warning("discord.command_failed", extra={"fault": str(error)})
        await self._orders.misunderstood(interaction)

    async def make_known(self, guilds: Collection[int]) -> None:
        """Declares the commands to these guilds, or to all where none are named; only what has changed.

        Where they were declared before and are not now, people would see them twice, or in vain.
        """
        wanted = _shapes(command.to_dict(self) for command in self.get_commands())
        scopes: list[discord.Object | None] = [discord.Object(each) for each in guilds]
        for guild in scopes or [None]:
            known = _shapes(command.to_dict() for command in await self.fetch_commands(guild=guild))
            if known == wanted:
                continue
            if guild is not None:
                self.copy_global_to(guild=guild)
            await self.sync(guild=guild)
            _log.info("discord.commands_declared", extra={"guild": str(guild.id) if guild else "all"})
        await self._forget_elsewhere(frozenset(guilds))

    async def _forget_elsewhere(self, guilds: Collection[int]) -> None:
        application, http = self.client.application_id or 0, self.client.http
        if guilds and await self.fetch_commands():
            await http.bulk_upsert_global_commands(application, [])
            _log.info("discord.commands_removed", extra={"guild": "all"})
        async for each in self.client.fetch_guilds(limit=_MOST_GUILDS):
            if each.id in guilds:
                continue
            try:
                if not await self.fetch_commands(guild=each):
                    continue
            except discord.Forbidden:
                continue  # without leave to declare commands there, there are none
            await http.bulk_upsert_guild_commands(application, each.id, [])
            _log.info("discord.commands_removed", extra={"guild": str(each.id)})


def _menu(orders: Orders) -> app_commands.ContextMenu:
    async def run(interaction: Interaction, message: discord.Message) -> None:
        prompt = message.content or message.jump_url
        await orders.compose(interaction, "", {}, prompt, message.attachments)

    menu = app_commands.ContextMenu(name=MENU, callback=run)
    menu.guild_only = True
    return menu


@dataclass(frozen=True, slots=True, kw_only=True)
class _Field:
    """One option of a command, as Discord offers it."""

    name: str
    summary: str
    required: bool = False
    completes: bool = False
    choices: tuple[str, ...] = ()
    attaches: bool = False
    """Whether it is a file."""

    @property
    def parameter(self) -> inspect.Parameter:
        kind, some = inspect.Parameter.KEYWORD_ONLY, app_commands.Range[str, 1, _LONGEST]
        if self.attaches:
            return inspect.Parameter(
                _PLACE + self.name,
                kind,
                annotation=Optional[discord.Attachment],  # noqa: UP045
                default=None,
            )
        if self.required:
            return inspect.Parameter(_PLACE + self.name, kind, annotation=some)
        return inspect.Parameter(_PLACE + self.name, kind, annotation=Optional[some], default=None)  # noqa: UP045


def _fields(command: Command) -> list[_Field]:
    """What the command table says that the command takes."""
    job = _Field(name=TARGET, summary="which job", required=True, completes=True)
    match command.takes:
        case Takes.NOTHING:
            fields = []
        case Takes.JOB:
            fields = [job]
        case Takes.JOB_AND_TEXT:
            fields = [job, _Field(name=TEXT, summary="new words, if you like")]
        case Takes.ANSWER:
            said = "approve, always, deny and why, the number of a choice, or an answer in words"
            fields = [job, _Field(name=TEXT, summary=said, required=True, completes=True)]
        case Takes.SCHEDULE:
            change = _Field(name="change", summary="what becomes of it", required=True, choices=CHANGES)
            fields = [change, replace(job, summary="which schedule")]
        case Takes.PROMPT:
            form = "" if command.alone else "; without it, a form opens"
            fields = [_Field(name="prompt", summary=f"{command.says}{form}", completes=command.listed)]
        case Takes.VERB:
            fields = [_Field(name=VERB, summary="which of them", choices=tuple(BY_VERB))]
        case Takes.SETTING:
            value = _Field(name="value", summary="what it shall be; admins may say")
            fields = [_Field(name=SETTING, summary="which of them", choices=SETTINGS), value]
    # Of times there is no list to choose from, but for what becomes of those that are missed.
    options = [
        _Field(
            name=each.name,
            summary=each.summary,
            completes=(each not in TIME_OPTIONS or each.name == "missed") and each not in USAGE_OPTIONS,
            choices=each.choices,
        )
        for each in command.options
    ]
    file = _Field(name=FILE, summary="a file or an image that goes with it", attaches=True)
    return [*fields, *([file] if command.takes.has_files else []), *options]


def _subcommand(command: Command, orders: Orders) -> app_commands.Command[Any, ..., None]:
    async def run(interaction: Interaction, **options: str | discord.Attachment | None) -> None:
        files = [value for value in options.values() if isinstance(value, discord.Attachment)]
        words = {name: value for name, value in options.items() if isinstance(value, str) and value}
        given = {name.removeprefix(_PLACE): value for name, value in words.items()}
        await orders.order(interaction, command.verb, given, files)

    fields = _fields(command)
    # discord.py reads the options off the signature of what it calls.
    first = inspect.Parameter("interaction", inspect.Parameter.POSITIONAL_ONLY, annotation=Interaction)
    run.__signature__ = inspect.Signature([first, *(field.parameter for field in fields)])  # type: ignore[attr-defined]
    app_commands.rename(**{_PLACE + field.name: field.name for field in fields})(run)
    app_commands.describe(**{_PLACE + f.name: fit_plain(f.summary, _DESCRIPTION) for f in fields})(run)
    choices = {_PLACE + field.name: [*map(_choice, field.choices)] for field in fields if field.choices}
    app_commands.choices(**choices)(run)
    completions = {_PLACE + f.name: _completion(command.verb, f.name, orders) for f in fields if f.completes}
    app_commands.autocomplete(**completions)(run)
    return app_commands.Command(
        name=command.verb, description=fit_plain(command.summary, _DESCRIPTION), callback=run
    )


def _choice(value: str) -> Choice:
    return app_commands.Choice(name=value, value=value)


def _completion(
    verb: str, option: str, orders: Orders
) -> Callable[[Interaction, str], Coroutine[Any, Any, list[Choice]]]:
    async def complete(interaction: Interaction, current: str) -> list[Choice]:
        found = await orders.suggest(interaction, verb, option, current)
        return [
            app_commands.Choice(name=fit_plain(label, _CHOICE), value=value)
            for value, label in found
            if 0 < len(value) <= _CHOICE
        ][:_CHOICES]

    return complete


def _shapes(commands: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Declarations, reduced to what we say in them, so that Discord's answer can be compared with ours."""
    return sorted(map(_shape, commands), key=lambda each: (each.get("type", 1), each["name"]))


def _shape(declared: Mapping[str, Any]) -> Json:
    shape: Json = {name: declared[name] for name in _KEPT if declared.get(name)}
    shape["choices"] = [choice["value"] for choice in declared.get("choices") or ()]
    shape["options"] = [_shape(option) for option in declared.get("options") or ()]
    return shape
