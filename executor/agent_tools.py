"""The bot's own tools, as the agent of an attempt is handed them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from executor.model import Job

NAME = "bifrost"
"""What a CLI knows the tools by."""
SOCKET, TOKEN = "BIFROST_SOCKET", "BIFROST_JOB_TOKEN"
JOB_ID = "BIFROST_JOB_ID"
"""Which job it is, for whatever the agent writes or runs: no secret, and good for nothing by itself."""
LONGEST_CALL_S = 8 * 86_400
"""How long a CLI lets a call of a tool take: longer than anybody is waited for. It could only give up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTools:
    """A server of the Model Context Protocol for the CLI to start, and what lets it in."""

    argv: Sequence[str]
    """Talks on its standard input and output."""
    env: Mapping[str, str] = field(repr=False)
    """Goes into the environment of the whole attempt: whatever the agent runs may call, too."""
    commands: Sequence[str]
    """The same tools for its shell: a program that takes words."""
    told: str
    """What an agent is told of those commands whose CLI starts no servers of tools."""
    places: Sequence[Path] = ()
    """Where it is reached, and what it is made of."""


def shelf(temp: Path) -> Path:
    """Where the commands lie among the temporary files of an attempt."""
    return temp / "bin"


def lay_out(tools: AgentTools, temp: Path) -> None:
    """Puts the commands where the attempt alone has them: what one agent leaves there no other ever runs."""
    place = shelf(temp)
    place.mkdir(mode=0o700, exist_ok=True)
    program = place / NAME
    program.write_text(f'#!/bin/sh\nexec {shlex.join(tools.commands)} "$@"\n')
    program.chmod(0o700)


class ToolRoom(Protocol):
    """Lets the agents of running attempts call the bot."""

    def admit(self, job: Job) -> AgentTools:
        """From now on the running attempt of `job` is let in."""

    def dismiss(self, job: Job) -> None:
        """That attempt has ended: nobody is let in on its behalf any more."""
