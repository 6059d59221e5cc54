"""The real CLIs, pointed at the model simulator, and single attempts of them without a bot around."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from executor.backends.base import Backend, Launch
from executor.backends.claude import Claude
from executor.backends.codex import Codex
from executor.backends.gemini import Gemini
from executor.events import Activity, Noticed, SessionOpened
from executor.model import Outcome
from tests.clis import cli
from tests.simulators.models import ModelSimulator

_END_S = 45.0
"""Seconds that a real CLI may take on a busy machine; a bound, not an expectation."""


class Agents:
    """The three backends, pointed at the simulator, each with a home of its own."""

    def __init__(self, place: Path, models: ModelSimulator) -> None:
        self.place, self.models = place, models

    def claude(self, *, oauth: bool = False) -> Claude:
        environment = self.models.claude_env(self.place, oauth=oauth)
        return Claude(str(cli("claude")), environment=environment, max_retries=1)

    def gemini(self) -> Gemini:
        return Gemini(str(cli("gemini")), environment=self.models.gemini_env(self.place))

    def codex(self) -> Codex:
        environment = self.models.codex_env(self.place)
        config = self.place / "home" / "config.toml"
        config.parent.mkdir(exist_ok=True)
        (self.place / ".codex" / "config.toml").replace(config)
        return Codex(str(cli("codex")), environment=environment)

    def backend(self, provider: str) -> Backend:
        """One of the three, by name."""
        backends: dict[str, Callable[[], Backend]] = {
            "claude": self.claude,
            "gemini": self.gemini,
            "codex": self.codex,
        }
        return backends[provider]()

    def asked_at(self) -> datetime:
        """When the model was asked last, to the second."""
        return datetime.fromtimestamp(int(self.models.requests[-1].at), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What an attempt did and how it ended."""

    activities: Sequence[Activity]
    outcome: Outcome
    exit_code: int

    @property
    def session_id(self) -> str:
        """The id of its conversation."""
        (opened,) = [each for each in self.activities if isinstance(each, SessionOpened)]
        return opened.session_id

    @property
    def notices(self) -> list[str]:
        """What people should know while it runs."""
        return [each.text for each in self.activities if isinstance(each, Noticed)]


def launch(place: Path, prompt: str, *, session_id: str | None = None, model: str = "") -> Launch:
    """What an attempt in directories under `place` asks of its CLI."""
    names = ("workspace", "home", "results", "temp")
    directories: dict[str, Any] = {name: place / name for name in names}
    for directory in directories.values():
        directory.mkdir(parents=True, exist_ok=True)
    return Launch(prompt=prompt, model=model, effort="low", session_id=session_id, **directories)


async def attempt(
    backend: Backend,
    asked: Launch,
    *,
    unheard: bytes | None = None,
    until: Callable[[Activity], bool] = lambda _: False,
) -> Attempt:
    """Runs it to its end, to its verdict, or to the first activity that `until` is true of.

    Lines of standard output that hold `unheard` never reach the decoder.
    """
    command, decoder = backend.command(asked), backend.decoder(asked)
    seen: list[Activity] = []
    process = await asyncio.create_subprocess_exec(
        *command.argv,
        cwd=command.cwd,
        env=dict(command.env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=2**24,
    )

    async def read(stream: asyncio.StreamReader, decode: Callable[[bytes], Sequence[Activity]]) -> None:
        async for line in stream:
            if unheard is None or unheard not in line:
                new = decode(line.removesuffix(b"\n"))
                seen.extend(new)
                if decoder.verdict is not None or any(map(until, new)):
                    _kill(process)

    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    try:
        async with asyncio.timeout(_END_S), asyncio.TaskGroup() as group:
            group.create_task(read(process.stdout, decoder.stdout))
            group.create_task(read(process.stderr, decoder.stderr))
            process.stdin.write(command.stdin)
            process.stdin.close()
    finally:
        _kill(process)
        async with asyncio.timeout(5):
            exit_code = await process.wait()
    return Attempt(activities=seen, outcome=decoder.conclude(exit_code), exit_code=exit_code)


def _kill(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
