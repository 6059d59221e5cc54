"""What a command takes, out of what its tool does: its parser and its help."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

USAGE = 2
"""Exit status for words that make no command."""
_BY_STDIN = "A `-` in the place of a text or of FILE reads it from standard input."


class Command(NamedTuple):
    """A tool as a command."""

    words: str
    tool: str
    given: Sequence[str] = ()
    """What it takes in this order and without a name; all else are options."""
    file: str = ""
    """Which of those is told as a file to read."""
    columns: Sequence[str] = ()
    """What is shown of each record of a list."""
    says: str = ""
    """What is said when it is done; where neither is there, the record is shown."""


def usage(command: Command, tool: Mapping[str, Any]) -> str:
    """The command with what it takes by its place."""
    needed = tool["inputSchema"]["required"]
    places = {name: _place(command, name) for name in command.given}
    shown = (place if name in needed else f"[{place}]" for name, place in places.items())
    return " ".join(["bifrost", command.words, *shown])


def parser(command: Command, tool: Mapping[str, Any]) -> argparse.ArgumentParser:
    """Takes what the tool takes. What is no such thing ends the program with a sentence and 2."""
    made = _Parser(
        prog=f"bifrost {command.words}",
        description=_literal(tool["description"]),
        epilog=_BY_STDIN,
        allow_abbrev=False,
    )
    needed, taken = tool["inputSchema"]["required"], tool["inputSchema"]["properties"]
    for name in command.given:
        how: dict[str, Any] = {} if name in needed else {"nargs": "*" if _is_list(taken[name]) else "?"}
        made.add_argument(
            name, metavar=_place(command, name), **how, **_described(taken[name], name == command.file)
        )
    for name in (name for name in taken if name not in command.given):
        made.add_argument(
            f"--{name.replace('_', '-')}",
            required=name in needed,
            metavar="N" if _is_number(taken[name]) else name.rpartition("_")[2].upper(),
            **_described(taken[name]),
        )
    made.add_argument("--json", action="store_true", help="Answer in JSON, for programs.")
    return made


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sentence = f"{message[:1].upper()}{message[1:]}."
        self.exit(USAGE, f"{sentence} `{self.prog} --help` tells what it takes; put a text in quotes.\n")


def _place(command: Command, name: str) -> str:
    return "FILE" if name == command.file else name.rpartition("_")[2].upper()


def _described(schema: Mapping[str, Any], in_file: bool = False) -> dict[str, Any]:
    text = schema["description"]
    if "enum" in schema:
        text = f"{text} One of {', '.join(schema['enum'])}."
    if in_file:
        text = f"What holds it. {text}"
    return {"help": _literal(text), "type": _number if _is_number(schema) else str}


def _is_list(schema: Mapping[str, Any]) -> bool:
    return bool(schema["type"] == "array")


def _is_number(schema: Mapping[str, Any]) -> bool:
    return bool(schema["type"] == "integer")


def _number(word: str) -> int | str:
    """What is no number is refused by the bot, in its own words."""
    return int(word) if word.removeprefix("-").isdecimal() else word


def _literal(text: str) -> str:
    return text.replace("%", "%%")
