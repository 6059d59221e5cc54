"""What a job is walled in with: a PID namespace of its own where this machine allows that, by bwrap."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from executor.backends.base import Command
from executor.processes.shims import Shims

_PROBE_S = 5.0
"""Seconds after which a bwrap that has nothing to do counts as broken."""
# The whole file system stays as it is: this wall is against processes that stay behind or reach for others.
_PIDNS = ("--unshare-pid", "--unshare-ipc", "--die-with-parent", "--dev-bind", "/", "/", "--proc", "/proc")


class Mode(StrEnum):
    """How a job is held."""

    PIDNS = "pidns"
    """In a PID namespace of its own: it sees and signals no process but its own."""
    REAPER = "reaper"
    """Under the reaper alone: nothing of it is left, unless it kills the reaper and then the bot dies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """The wall that jobs get. `argv` goes before a command; it is empty in mode `reaper`."""

    mode: Mode
    argv: tuple[str, ...] = ()
    problem: str = ""
    """Why there is no namespace, in words for `bifrost doctor`; empty where there is one."""


class SandboxMissing(Exception):
    """A sandbox is required, and this machine makes none: `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Jobs cannot be sandboxed: {reason}")
        self.reason = reason


async def find_sandbox(*, required: bool = False, executable: str = "bwrap") -> Sandbox:
    """The best wall that works here, found out by trying it.

    What forbids namespaces (AppArmor, seccomp, a sysctl, a container) no file tells reliably. Raises
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
    """Runs a program that does nothing, just as jobs are run. Returns what is wrong."""
    command = Command(argv=("true",), env={"PATH": os.defpath}, stdin=b"", cwd=Path("/"))
    try:
        async with Shims(argv, grace_s=0, warm=0) as shims, asyncio.timeout(_PROBE_S):
            job = await shims.spawn(command)
            said = await job.stderr.read()
            ended = await job.wait()
    except TimeoutError:
        return f"{argv[0]} does not come to an end within {_PROBE_S:g} s."
    except OSError as error:
        return f"{argv[0]} cannot be started: {error.strerror}."
    job.close()
    if ended.code == 0:
        return ""
    return said.decode(errors="replace").strip()[:300] or f"{argv[0]} ends with {ended.code}."
