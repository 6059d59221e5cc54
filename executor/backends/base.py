"""What the executor needs of a backend: how to start its CLI and how to read what it prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from executor.agent_tools import AgentTools
from executor.events import Activity
from executor.model import Outcome
from executor.questions import Asked, Decision
from executor.workspaces import Permissions


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What one attempt asks of its CLI."""

    prompt: str
    model: str
    """The id that the CLI is given; empty leaves the choice to the CLI."""
    effort: str
    session_id: str | None
    """The conversation to go on with."""
    workspace: Path
    """The directory to work in."""
    home: Path
    """The CLI's own configuration directory, of this workspace alone; sessions live here, so it outlasts the
    attempt."""
    results: Path
    """Where the agent leaves files for people; `report.md` here is the report."""
    temp: Path
    """The attempt's own temporary directory."""
    budget_usd: float | None = None
    """What it may cost, where its CLI can be told; None: nothing is said of that."""
    permissions: Permissions = Permissions.BYPASS
    """What it may do without asking."""
    received: Sequence[Path] = ()
    """Directories with files that people sent for it."""
    tools: AgentTools | None = None
    """The bot's own tools for it. No other server of tools is to be started, whoever names one."""

    @property
    def places(self) -> Sequence[Path]:
        """Where it reads and writes beside its workspace."""
        return (
            self.home,
            self.results,
            self.temp,
            *self.received,
            *(self.tools.places if self.tools else ()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A process to start. `env` is the whole environment, not an addition to ours.

    `stdin` is how its input begins, and all of it where its decoder has no session.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    stdin: bytes
    cwd: Path
    sees: Sequence[Path] = ()
    """What it may reach of a place that is veiled from jobs; its working directory is always one of these."""


class Stage(StrEnum):
    """How far a live session is."""

    STARTING = "starting"
    """It has not said yet that it takes more words, and may never do so."""
    BUSY = "busy"
    IDLE = "idle"
    """Its turn has ended, nothing that was written waits for one, and nobody works for it elsewhere."""
    SPENT = "spent"
    """Nothing more should be said to it: a turn went wrong, or it does not tell what it takes up."""


class Session(Protocol):
    """The other side of a CLI that takes more words while it works, on its standard input.

    Pure: it says what to write there, and learns from what its decoder reads.
    """

    @property
    def stage(self) -> Stage:
        """As of all that was read and written so far."""

    def message(self, reply: int, text: str) -> bytes:
        """What to write for a person's words; `reply` names them in the activities that tell of them."""

    def interrupt(self) -> bytes:
        """What to write so that it breaks off what it is at; nothing where no message waits for that."""

    @property
    def pending(self) -> Sequence[str]:
        """Its requests that wait for a person, the oldest first, by names of its own."""

    def asked(self, request: str) -> Sequence[Asked]:
        """What a request asks people; nothing where it waits no more. Reads files: not for the loop."""

    def answer(self, request: str, decisions: Sequence[Decision]) -> bytes:
        """What to write for a request, with a decision for each thing that it asks: it is pending no more.

        Nothing where it waits no more.
        """


class Decoder(Protocol):
    """Reads the output of one attempt. Pure: lines in, facts out; bad input never raises."""

    @property
    def verdict(self) -> Outcome | None:
        """How the attempt ends, as soon as that is known though the process runs on (it is then stopped)."""

    @property
    def retrying(self) -> bool:
        """Whether it only waits for its provider: what it says on standard error meanwhile is no progress."""

    @property
    def session(self) -> Session | None:
        """How to say more to it while it runs; None where its input ends with the prompt."""

    def stdout(self, line: bytes) -> Sequence[Activity]:
        """What a line of standard output (without its newline) says happened."""

    def stderr(self, line: bytes) -> Sequence[Activity]:
        """The same for a line of standard error."""

    def conclude(self, exit_code: int) -> Outcome:
        """How the attempt ended, once all output is read. A negative code is the signal that ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What `bifrost doctor` says of a CLI: `problem` is empty where it is ready to work."""

    executable: str
    version: str
    problem: str = ""
    tried: str = ""
    """The version that our backend was tried out with."""
    install: str = ""
    """How to get that."""


class Backend(Protocol):
    """Knows one CLI."""

    @property
    def provider(self) -> str:
        """The vendor name that people pick."""

    @property
    def keeps(self) -> frozenset[Permissions]:
        """The modes that its CLI can be held to."""

    def command(self, launch: Launch) -> Command:
        """The process that does `launch`. Raises CliMissing where the executable cannot be found."""

    def decoder(self, launch: Launch) -> Decoder:
        """A fresh decoder for the attempt that does `launch`."""

    async def checkup(self) -> Checkup:
        """Looks for the executable, its version and its login. Bounded in time."""


class CliMissing(Exception):
    """The CLI of a provider is not installed where it was looked for."""

    def __init__(self, provider: str, advice: str) -> None:
        super().__init__(advice)
        self.provider = provider
        self.advice = advice
