"""The rehearsal backend: our own small agent, for trying out a channel without an account or a cost."""

from __future__ import annotations

import platform
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from executor.backends.base import Checkup, Command, Launch
from executor.backends.environment import agent_environment
from executor.backends.failures import Cli, broken_off, failed
from executor.backends.fields import amount, count, parse
from executor.backends.todos import todos
from executor.events import Activity, Noticed, SessionOpened, TextWritten, ToolEnded, ToolStarted
from executor.model import Outcome, OutcomeKind, Usage
from executor.workspaces import Permissions

_AGENT = Path(__file__).with_name("rehearsal_agent.py")
_CLI = Cli(name="The rehearsal", key="")


class Rehearsal:
    """Runs the rehearsal agent. `step_seconds` slows its steps down, so that people can watch."""

    provider = "rehearsal"
    keeps = frozenset(Permissions)

    def __init__(self, step_seconds: float = 0.0) -> None:
        self._step_seconds = step_seconds

    def command(self, launch: Launch) -> Command:
        """The agent with the prompt on standard input; a paragraph `Topic: …` in it says what to look for."""
        session = f"--resume={launch.session_id}" if launch.session_id else f"--session={uuid.uuid4()}"
        return Command(
            argv=[
                *(sys.executable, "-I", str(_AGENT)),
                f"--workspace={launch.workspace}",
                f"--sessions={launch.home / 'sessions'}",
                session,
                f"--step-seconds={self._step_seconds}",
            ],
            env=agent_environment(launch, {}),
            stdin=_told(launch).encode(errors="replace"),
            cwd=launch.workspace,
        )

    def decoder(self, launch: Launch) -> RehearsalDecoder:
        """A fresh decoder for the attempt that does `launch`."""
        return RehearsalDecoder()

    async def checkup(self) -> Checkup:
        """Always ready: the agent is a part of Bifrost and runs on the Python that Bifrost runs on."""
        return Checkup(executable=sys.executable, version=platform.python_version())


class RehearsalDecoder:
    """Reads the rehearsal agent's lines. It ends by itself after its result, so no verdict is needed."""

    verdict: Outcome | None = None
    retrying = False
    session: None = None

    def __init__(self) -> None:
        self._outcome: Outcome | None = None
        self._complaints: list[str] = []

    def stdout(self, line: bytes) -> Sequence[Activity]:
        """What the line says happened; nothing, where it is not one of the agent's."""
        match parse(line) or {}:
            case {"type": "session", "session_id": str(session_id)}:
                return (SessionOpened(session_id=session_id, model="rehearsal"),)
            case {"type": "text", "text": str(text)}:
                return (TextWritten(text=text),)
            case {"type": "tool_started", "id": str(tool_id), "name": str(name), "detail": str(detail)}:
                return (ToolStarted(tool_id=tool_id, name=name, detail=detail),)
            case {"type": "tool_ended", "id": str(tool_id), "ok": bool(ok)}:
                return (ToolEnded(tool_id=tool_id, ok=ok),)
            case {"type": "todos", "items": items}:
                return todos(items)
            case {"type": "notice", "text": str(text)}:
                return (Noticed(text=text),)
            case {"type": "result", "ok": bool(ok), "text": str(text)} as result:
                self._outcome = _outcome(ok, text, result)
        return ()

    def stderr(self, line: bytes) -> Sequence[Activity]:
        """Keeps the line: the last one names the error, where the agent ends without a result."""
        self._complaints = [line.decode(errors="replace")] if line.strip() else self._complaints
        return ()

    def conclude(self, exit_code: int) -> Outcome:
        """What the agent's result said. Without one the attempt failed, whatever the exit code says."""
        return self._outcome or broken_off(_CLI, exit_code, self._complaints, Usage(cost_usd=0.0))


def _told(launch: Launch) -> str:
    """It starts no server of tools."""
    return f"{launch.prompt}\n\n{launch.tools.told}\n" if launch.tools else launch.prompt


def _outcome(ok: bool, text: str, result: Mapping[str, Any]) -> Outcome:
    usage = Usage(
        cost_usd=amount(result.get("cost_usd")),
        turns=count(result.get("turns")),
        duration_ms=count(result.get("duration_ms")),
    )
    if ok:
        return Outcome(kind=OutcomeKind.DONE, result=text, usage=usage)
    reason = "session_not_found" if result.get("reason") == "session_not_found" else "error"
    return failed(_CLI, reason, quote=text, usage=usage)
