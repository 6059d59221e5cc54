"""Small real programs that tests run as the processes of jobs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from executor.backends.base import Checkup, CliMissing, Command, Launch
from executor.events import Activity, Noticed, SessionOpened, TextWritten, ToolEnded
from executor.model import Outcome, OutcomeKind, Usage
from executor.workspaces import Permissions


def shell(script: str, stdin: bytes = b"") -> Command:
    """`script` run by sh."""
    return run(["sh", "-c", script], stdin)


def python(script: str, stdin: bytes = b"") -> Command:
    """`script` run by Python, which starts without its site packages."""
    return run([sys.executable, "-I", "-S", "-u", "-c", script], stdin)


def run(argv: Sequence[str], stdin: bytes = b"", cwd: Path = Path("/")) -> Command:
    """`argv` with nothing but a PATH."""
    return Command(argv=argv, env={"PATH": os.environ["PATH"]}, stdin=stdin, cwd=cwd)


def is_alive(pid: int) -> bool:
    """Whether the process runs; what is dead and only waits to be buried does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def alive_with(token: str) -> list[int]:
    """The pids of all living processes that have `token` on their command line."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if process.info["status"] != psutil.STATUS_ZOMBIE and any(token in word for word in words):
            found.append(process.pid)
    return found


class Scripted:
    """A backend whose CLI is a shell script that says in plain words what an agent would do.

    It finds the prompt on standard input, and in its environment RESULTS, TMPDIR, SESSION and `credentials`.
    `script` may be changed between attempts.
    """

    provider = "rehearsal"
    keeps = frozenset(Permissions)

    def __init__(self, script: str = "echo done All is tidy.", missing: str = "") -> None:
        self.script = script
        self.missing = missing
        self.credentials: dict[str, str] = {}
        self.launches: list[Launch] = []

    def command(self, launch: Launch) -> Command:
        self.launches.append(launch)
        if self.missing:
            raise CliMissing(self.provider, self.missing)
        own = {
            "RESULTS": str(launch.results),
            "TMPDIR": str(launch.temp),
            "SESSION": launch.session_id or "",
            **self.credentials,
        }
        script = shell(self.script, stdin=launch.prompt.encode())
        return replace(script, env={**script.env, **own}, cwd=launch.workspace)

    def decoder(self, launch: Launch) -> Spoken:
        return Spoken()

    async def checkup(self) -> Checkup:
        return Checkup(executable="sh", version="")


class Spoken:
    """Reads lines such as `say hello`, `done It is tidy.`, `limited 30` or `verdict auth`."""

    session: None = None

    def __init__(self) -> None:
        self.verdict: Outcome | None = None
        self.retrying = False
        self._outcome: Outcome | None = None

    def stdout(self, line: bytes) -> Sequence[Activity]:
        word, _, rest = line.decode(errors="replace").partition(" ")
        match word:
            case "session":
                return [SessionOpened(session_id=rest)]
            case "say":
                return [TextWritten(text=rest)]
            case "notice":
                return [Noticed(text=rest)]
            case "failed":
                return [ToolEnded(tool_id="1", ok=False, detail=rest)]
            case "done":
                usage = Usage(cost_usd=0.5, turns=2)
                self._outcome = Outcome(kind=OutcomeKind.DONE, result=rest, usage=usage)
            case "limited":
                resets_at = datetime.now(UTC) + timedelta(seconds=float(rest)) if rest else None
                self._outcome = Outcome(
                    kind=OutcomeKind.LIMITED, reason="rate_limit", message="No more.", resets_at=resets_at
                )
            case "verdict":
                self.verdict = Outcome(kind=OutcomeKind.FAILED, reason=rest, message="It cannot be.")
            case "lost":
                self._outcome = Outcome(kind=OutcomeKind.FAILED, reason="session_not_found", message="Gone.")
            case "crash":
                raise ZeroDivisionError(rest)
        return []

    def stderr(self, line: bytes) -> Sequence[Activity]:
        self.retrying = line == b"retrying"
        return [Noticed(text="It is retrying.")] if self.retrying else []

    def conclude(self, exit_code: int) -> Outcome:
        if self._outcome is not None and (exit_code == 0 or self._outcome.kind is OutcomeKind.LIMITED):
            return self._outcome
        return Outcome(kind=OutcomeKind.FAILED, reason="exit", message=f"It ended with {exit_code}.")
