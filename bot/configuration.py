"""Reads the settings: bifrost.toml, and the environment over it."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeGuard, get_args

from platformdirs import user_config_path
from pydantic import BaseModel, ValidationError

from bot import prompt_files, provider_names
from bot.settings import Settings, Workspace

_PREFIX = "BIFROST__"
_LISTS = frozenset({"channels", "people", "roles", "admins", "quiet", "guilds", "providers"})
"""Settings that the environment gives as a list with commas."""
_VARIABLES = "environment"
"""The section whose keys are names of variables, and keep their case."""
_CHANNELS = (["slack", "workspaces"], ["discord", "workspaces"])
"""The same of those whose keys are ids of channels."""
_EXAMPLES = "; bifrost.toml.example shows how it is written"
_WANTED = {
    "path_type": "It must be a path, in quotes",
    "string_type": "It must be a text, in quotes",
    "frozen_set_type": 'It must be a list, such as ["…", "…"]',
    "dict_type": f"It must be a table{_EXAMPLES}",
    "model_type": f"It must be a table{_EXAMPLES}",
    "int_parsing": "It must be a whole number",
    "string_pattern_mismatch": f"It has not the right form{_EXAMPLES}",
}
"""What is said for a library's own words, by the type of the error."""


class BadConfiguration(Exception):
    """The configuration cannot be used. The text says, line by line, what is wrong and what to write."""


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings of the file at `path` (none: defaults) with those of the environment over them.

    `BIFROST__SLACK__BOT_TOKEN` sets `bot_token` under `[slack]`; `BIFROST__SLACK__BOT_TOKEN_FILE` names a
    file that holds it. Raises BadConfiguration.
    """
    values = _merge(_read_file(path), _read_environment(environment))
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        lines = [_sentence(dict(each)) for each in error.errors()]
        raise _unusable(path, lines) from None
    if wrong := provider_names.mistakes(settings):
        raise _unusable(path, [f"- {each}" for each in wrong])
    base = path.parent if path is not None else Path.cwd()
    places = {name: _placed(name, each, base) for name, each in settings.workspaces.items()}
    for name, place in places.items():
        _check_prompts(name, place, [each.path for each in places.values()])
    return settings.model_copy(
        update={"workspaces": places, "data_dir": (base / settings.data_dir).resolve()}
    )


def _unusable(path: Path | None, lines: list[str]) -> BadConfiguration:
    where = f"{path} and the environment" if path else "the environment"
    return BadConfiguration("\n".join([f"The configuration in {where} cannot be used:", *lines]))


def _placed(name: str, workspace: Workspace, base: Path) -> Workspace:
    path = (base / workspace.path).resolve()
    if path == Path(path.anchor):
        raise BadConfiguration(
            f"The workspace `{name}` leads to {path}: agents would work in the whole machine. "
            "Name the directory that they shall work in."
        )
    prompts = (base / workspace.prompts).resolve() if workspace.prompts else None
    return workspace.model_copy(update={"path": path, "prompts": prompts})


def _check_prompts(name: str, workspace: Workspace, checkouts: list[Path]) -> None:
    if workspace.prompts is None:
        return
    what = f"The `prompts` of the workspace `{name}` cannot be used:"
    if prompt_files.is_within(workspace.prompts, checkouts):
        raise BadConfiguration(
            f"{what} {workspace.prompts} is a part of a workspace, where an agent could change what the next "
            "one is told. Keep them elsewhere, such as beside bifrost.toml."
        )
    try:
        prompt_files.read(workspace.prompts)
    except prompt_files.BadPrompts as error:
        raise BadConfiguration(f"{what} {error}.") from error


def find_file(named: Path | None, environment: Mapping[str, str]) -> Path | None:
    """The file named, else `$BIFROST_CONFIG`, `./bifrost.toml` or the one in the user's configuration."""
    if named is None and environment.get("BIFROST_CONFIG"):
        named = Path(environment["BIFROST_CONFIG"]).expanduser()
    if named is not None:
        if not named.is_file():
            raise BadConfiguration(f"There is no configuration file {named}.")
        return named.resolve()
    for place in (Path.cwd(), user_config_path("bifrost")):
        if (place / "bifrost.toml").is_file():
            return place / "bifrost.toml"
    return None


def forget_secrets(environment: dict[str, str] | os._Environ[str]) -> None:
    """Drops our own variables from the environment, so that nothing that is started inherits a token."""
    for name in [name for name in environment if name.startswith(_PREFIX)]:
        del environment[name]


def _read_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfiguration(f"{path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise BadConfiguration(f"{path} cannot be read: {error.strerror}.") from error


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in environment.items():
        if not name.startswith(_PREFIX) or not value:
            continue
        if name.endswith("_FILE"):
            name, value = name.removesuffix("_FILE"), _secret(name, Path(value))
        *sections, key = name.removeprefix(_PREFIX).split("__")
        sections = [section.lower() for section in sections]
        key = key if sections[-1:] == [_VARIABLES] or sections in _CHANNELS else key.lower()
        setting: dict[str, Any] = {key: _items(value) if key in _LISTS else value}
        for section in reversed(sections):
            setting = {section: setting}
        values = _merge(values, setting)
    return values


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",") if item.strip()]


def _secret(name: str, path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadConfiguration(f"{name} names {path}, which cannot be read: {why}.") from error


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _sentence(error: dict[str, Any]) -> str:
    if not error["loc"]:  # each is right, but they do not go together
        return f"- {error['msg'].removeprefix('Value error, ')}."
    *sections, key = (str(part) for part in error["loc"] if part != "[key]")
    name = ".".join((*sections, key))
    if error["type"] != "extra_forbidden":
        wanted = _WANTED.get(error["type"]) or error["msg"].removeprefix("Value error, ")
        return f"- `{name}`: {wanted}."
    known = _keys(sections)
    near = get_close_matches(key, known, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else f" There are: {', '.join(known)}."
    return f"- `{name}` is no setting.{hint}"


def _keys(sections: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    rest = iter(sections)
    for section in rest:
        annotation = model.model_fields[section].annotation
        inner = [each for each in (annotation, *get_args(annotation)) if _is_section(each)]
        if not inner:
            return []
        model = inner[0]
        if model is not annotation:
            next(rest, None)  # the name of one of several, or its number
    return list(model.model_fields)


def _is_section(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
