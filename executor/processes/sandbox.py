"""What a job is walled in with: a PID namespace of its own where this machine allows that, by bwrap."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

_PROBE_S = 5.0
"""Seconds after which a bwrap that does nothing counts as broken."""
# The whole file system stays as it is: this wall is against processes that stay behind or reach for others.
_PIDNS = ("--unshare-pid", "--unshare-ipc", "--die-with-parent", "--dev-bind", "/", "/", "--proc", "/proc")


class Mode(StrEnum):
    """How a job is held."""

    PIDNS = "pidns"
    """In a PID namespace of its own: it sees and signals no process but its own."""
    REAPER = "reaper"
    """Under the reaper alone: nothing of it is left, unless it kills the reaper on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The wall that jobs get. `argv` goes before a command; it is empty in mode `reaper`."""

    mode: Mode
    argv: tuple[str, ...] = ()
    problem: str = ""
    """Why there is no namespace, in words for `bifrost doctor`; empty where there is one."""


REAPER_ALONE = Sandbox(mode=Mode.REAPER)


class SandboxMissing(Exception):
    """A sandbox is required here, and this machine makes none: `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Jobs cannot be sandboxed: {reason}")
        self.reason = reason


async def find_sandbox(*, required: bool = False, executable: str = "bwrap") -> Sandbox:
    """The best wall that works here, found out by trying it.

    What forbids namespaces (AppArmor, seccomp, a sysctl, a container) can be told by no file reliably. Raises
    SandboxMissing where one is `required` and there is none.
    """
    path = shutil.which(executable)
    if path is None:
        problem = f"{executable} is not installed (Debian and Ubuntu: apt install bubblewrap)."
    else:
        problem = await _probe((path, *_PIDNS))
    if path is not None and not problem:
        return Sandbox(mode=Mode.PIDNS, argv=(path, *_PIDNS))
    if required:
        raise SandboxMissing(problem)
    return Sandbox(mode=Mode.REAPER, problem=problem)


async def _probe(argv: tuple[str, ...]) -> str:
    """Runs a program that does nothing, the way jobs are run. Returns what is wrong."""
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            *("--json-status-fd", "1", "--", "true"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        return f"{argv[0]} cannot be started: {error.strerror}."
    try:
        async with asyncio.timeout(_PROBE_S):
            status, said = await process.communicate()
    except TimeoutError:
        return f"{argv[0]} does not come to an end within {_PROBE_S:g} s."
    finally:
        await _end(process)
    if process.returncode == 0 and b"exit-code" in status:
        return ""
    return said.decode(errors="replace").strip()[:300] or f"{argv[0]} ends with {process.returncode}."


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError, TimeoutError):
        process.kill()
        async with asyncio.timeout(1):  # what it has started may hold its pipes open
            await process.wait()
