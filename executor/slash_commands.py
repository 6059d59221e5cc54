"""The slash commands that a workspace brings for its CLIs, and how each CLI is given one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from executor.untrusted import read_under


class _Shelf(NamedTuple):
    """Where a CLI's commands lie in a workspace, what their files end in."""

    folder: tuple[str, ...]
    suffix: str


_SHELVES = {
    "claude": _Shelf((".claude", "commands"), ".md"),
    "gemini": _Shelf((".gemini", "commands"), ".toml"),
    "codex": _Shelf((".codex", "prompts"), ".md"),
}
_COMMAND = re.compile(r"/([A-Za-z0-9][\w-]*(?::[A-Za-z0-9][\w-]*)*)(?:\s+(.*))?", re.DOTALL)
_FILE = re.compile(r"[A-Za-z0-9][\w-]{0,60}")
_MOST_FILES, _DEEPEST = 200, 3
_MOST = 64_000
_ARGUMENT = re.compile(r"\$(ARGUMENTS|[1-9])")
_HEADER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)


def is_command(prompt: str) -> bool:
    """Whether it is one slash command, with its arguments."""
    return _COMMAND.fullmatch(prompt.strip()) is not None


def commands(workspace: Path, provider: str) -> tuple[str, ...]:
    """The commands that the workspace brings for a provider's CLI: `/commit`, `/ops:deploy`."""
    shelf = _SHELVES.get(provider)
    if shelf is None:
        return ()
    folder = workspace.joinpath(*shelf.folder)
    found = (f"/{':'.join(parts)}" for parts in _files(folder, shelf.suffix, _DEEPEST))
    return tuple(sorted(name for name, _ in zip(found, range(_MOST_FILES), strict=False)))


def given(command: str, workspace: Path, provider: str) -> str | None:
    """What makes the CLI of `provider` run a command of the workspace; None where it brings no such one.

    Without a terminal, claude and gemini run what begins with the command itself, so that nothing may stand
    before it and all that follows are its arguments. Codex does not, and gets what the command stands for.
    """
    words = _COMMAND.fullmatch(command.strip())
    if words is None or f"/{words[1]}" not in commands(workspace, provider):
        return None
    if provider != "codex":
        return command.strip()
    shelf, names = _SHELVES[provider], words[1].split(":")
    path = (*shelf.folder, *names[:-1], names[-1] + shelf.suffix)
    data = read_under(workspace, *path, most=_MOST)
    return None if data is None else _filled(data.decode(errors="replace"), words[2] or "")


def _filled(text: str, arguments: str) -> str:
    each = arguments.split()

    def value(name: re.Match[str]) -> str:
        if name[1] == "ARGUMENTS":
            return arguments
        place = int(name[1]) - 1
        return each[place] if place < len(each) else ""

    return _ARGUMENT.sub(value, _HEADER.sub("", text)).strip()


def _files(folder: Path, suffix: str, depth: int) -> Iterator[tuple[str, ...]]:
    """The files of a folder as commands, and those of its folders; no link is followed."""
    try:
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        name = entry.name.removesuffix(suffix)
        if entry.is_symlink() or not _FILE.fullmatch(name):
            continue
        if entry.is_file(follow_symlinks=False) and name != entry.name:
            yield (name,)
        elif depth > 1 and entry.is_dir(follow_symlinks=False):
            yield from ((name, *rest) for rest in _files(folder / name, suffix, depth - 1))
