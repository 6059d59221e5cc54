"""Application commands: the rules for their declarations, and overwriting all of a scope."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.simulators.discord.errors import ApiError, Json, bad_form, check_length
from tests.simulators.discord.messages import Answer, Request
from tests.simulators.discord.state import Guild

_NAME = re.compile(r"[-_'\w]{1,32}")
_CHAT, _USER, _MESSAGE = 1, 2, 3
_MOST = {_CHAT: 100, _USER: 15, _MESSAGE: 15}
_SUBCOMMAND, _GROUP = 1, 2
_MOST_CHARACTERS = 8_000


async def overwrite(guild: Guild, request: Request) -> Answer:
    """PUT of the whole list."""
    scope = request.params.get("guild", "")
    if scope not in ("", guild.id):
        raise ApiError(50001)
    declared = request.body["list"]
    for kind, most in _MOST.items():
        if sum(each.get("type", _CHAT) == kind for each in declared) > most:
            raise ApiError(30032, text=f"Maximum number of application commands reached ({most})")
    for number, each in enumerate(declared):
        _check(each, str(number))
    known = {(each["name"], each["type"]): each["id"] for each in guild.commands.get(scope, [])}
    guild.commands[scope] = [_stored(guild, each, known, scope) for each in declared]
    guild.changes.notify()
    return 200, guild.commands[scope]


async def read_guilds(guild: Guild, request: Request) -> Answer:
    """The guilds that the bot is in."""
    about = {"owner": False, "permissions": "0", "features": [], "icon": None, "banner": None}
    return 200, [] if int(request.query.get("after", 0)) >= int(guild.id) else [
        {"id": guild.id, "name": guild.name, **about}
    ]


async def read(guild: Guild, request: Request) -> Answer:
    scope = request.params.get("guild", "")
    if scope not in ("", guild.id):
        raise ApiError(50001)
    return 200, guild.commands.get(scope, [])


def _stored(guild: Guild, declared: Json, known: dict[tuple[str, int], str], scope: str) -> Json:
    kind = declared.get("type", _CHAT)
    permissions = declared.get("default_member_permissions")
    stored = {
        "contexts": None,
        "integration_types": [0],
        "nsfw": False,
        **declared,
        "type": kind,
        "id": known.get((declared["name"], kind)) or guild.new_id(),
        "application_id": guild.app_id,
        "version": guild.new_id(),
        "default_member_permissions": None if permissions is None else str(permissions),
        "description": declared.get("description", ""),
    }
    return stored | ({"guild_id": scope} if scope else {})


def _check(command: Json, path: str) -> None:
    if command.get("type", _CHAT) != _CHAT:
        check_length(f"{path}.name", command.get("name"), 1, 32)
        if command.get("description") or command.get("options"):
            raise bad_form(
                f"{path}.description", "Context menu commands have neither description nor options."
            )
        return
    _check_names(command, path)
    _check_options(command.get("options") or [], path)
    if sum(_characters(command)) > _MOST_CHARACTERS:
        raise bad_form(path, f"Command exceeds maximum size ({_MOST_CHARACTERS})")


def _check_names(declared: Json, path: str) -> None:
    name = declared.get("name") or ""
    if not _NAME.fullmatch(name) or name != name.lower():
        raise bad_form(f"{path}.name", "Command name is invalid", "APPLICATION_COMMAND_INVALID_NAME")
    check_length(f"{path}.description", declared.get("description"), 1, 100)


def _check_options(options: list[Json], path: str) -> None:
    if len(options) > 25:
        raise bad_form(f"{path}.options", "Must be 25 or fewer in length.")
    if len({option.get("name") for option in options}) < len(options):
        raise bad_form(f"{path}.options", "Option name already exists")
    optional = False
    for number, option in enumerate(options):
        here = f"{path}.options.{number}"
        _check_names(option, here)
        if option.get("type") in (_SUBCOMMAND, _GROUP):
            _check_options(option.get("options") or [], here)
            continue
        if option.get("required") and optional:
            raise bad_form(here, "Required options must be placed before non-required options")
        optional = optional or not option.get("required")
        _check_choices(option, here)


def _check_choices(option: Json, path: str) -> None:
    choices = option.get("choices") or []
    if len(choices) > 25:
        raise bad_form(f"{path}.choices", "Must be 25 or fewer in length.")
    if choices and option.get("autocomplete"):
        raise bad_form(path, "Autocomplete and choices cannot both be set")
    for choice in choices:
        check_length(f"{path}.choices", choice.get("name"), 1, 100)


def _characters(declared: Json) -> Iterator[int]:
    yield len(declared.get("name") or "") + len(declared.get("description") or "")
    for choice in declared.get("choices") or []:
        yield len(choice["name"]) + len(str(choice["value"]))
    for option in declared.get("options") or []:
        yield from _characters(option)
