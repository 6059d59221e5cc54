"""`--file PATH` on the command line: files of this machine that go with what is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bot.desk.asks import Offer, Unfetchable
from bot.desk.commands import BY_VERB, Misunderstood, shown, usage_of
from executor.parcels import Take

_OPTION = "--file"
_PIECE = 256 * 1024


def without_files(words: Sequence[str]) -> tuple[list[str], list[Path]]:
    """The words of a command without `--file`, which may come often, and what that names.

    Raises Misunderstood where it names no file. After a lone `--` all is literal.
    """
    command = BY_VERB.get(words[0].lower()) if words else None
    if command is None or not command.takes.has_files:
        return [*words], []
    left: list[str] = []
    paths: list[Path] = []
    rest = iter(words)
    for word in rest:
        name, given, value = word.partition("=")
        if name == _OPTION:
            path = Path(value if given else next(rest, "")).expanduser()
            if not path.is_file():
                raise Misunderstood(f"`{_OPTION}` names no file: `{shown(str(path))}`.\n{usage_of(command)}")
            paths.append(path)
        else:
            left.append(word)
        if word == "--":
            left.extend(rest)
    return left, paths


def offer(path: Path) -> Offer:
    """The file, for the desk to take."""

    async def fetch(take: Take) -> None:
        try:
            with await asyncio.to_thread(path.open, "rb") as file:
                while piece := await asyncio.to_thread(file.read, _PIECE):
                    await take(piece)
        except OSError as error:
            raise Unfetchable(f"it cannot be read ({error.strerror}).") from error

    return Offer(label=path.name, fetch=fetch, size=path.stat().st_size)
