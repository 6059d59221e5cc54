"""A program in a file of the workspace, named by its path in place of a prompt."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from executor.job_types.base import BadPayload
from executor.programs import MOST_STEPS, Program, parse
from executor.untrusted import read_under

_PATH = re.compile(r"[\w.@+-][\w./@+-]{0,199}\.(?:md|markdown|txt)")
_MOST = 64_000
"""Bytes of a file that are taken for a program."""


def program_of(prompt: str, workspace: Path) -> str:
    """The text of the program that `prompt` names, or is itself; nothing where it names none and has no list.

    It is read once, when it is asked for: what an agent does to the file changes nothing. Raises BadPayload.
    """
    named = prompt.strip()
    if not _PATH.fullmatch(named):
        return prompt
    data = read_under(workspace, *PurePosixPath(named).parts, most=_MOST + 1)
    if data is None:
        raise BadPayload(
            f"There is no file `{named}` in the workspace. Name one by its path in there (links are not "
            "followed), or write the steps themselves: a list, one item per step."
        )
    if len(data) > _MOST:
        raise BadPayload(f"`{named}` is too long for a program: at most {_MOST:,} bytes are taken.")
    text = data.decode(errors="replace").replace("\0", "")
    if not text.strip():
        raise BadPayload(f"`{named}` is empty: write the steps into it as a list.")
    return text


def checked(program: Program) -> Program:
    """The program, if it can be worked through. Raises BadPayload."""
    if not program.steps:
        raise BadPayload("Every step of this program is ticked off: there is nothing to do.")
    if len(program.steps) > MOST_STEPS:
        raise BadPayload(
            f"The program has {len(program.steps)} steps; at most {MOST_STEPS} are taken. Part it in two."
        )
    return program


def read(prompt: str, workspace: Path) -> tuple[str, Program]:
    """The text of a program, and the program. Raises BadPayload."""
    text = program_of(prompt, workspace)
    return text, checked(parse(text))
