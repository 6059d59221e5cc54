"""Asks an installed CLI for its version, within a bound of time, and leaves nothing of it behind."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from executor.backends.base import Checkup, CliMissing, Command
from executor.backends.commandline import locate
from executor.backends.environment import homes, passed_on
from executor.processes.process import spawn
from executor.processes.shims import Shims

_TIMEOUT_S = 20.0
"""A cold claude takes 1.5 s, and some seconds more where others start at the same time."""
_WORDS = 1000
"""Bytes that a version may be said in."""


async def check(
    provider: str,
    executable: str,
    *,
    advice: str,
    tried: str = "",
    problem: str = "",
    timeout_s: float = _TIMEOUT_S,
) -> Checkup:
    """The checkup of one CLI. `problem` is what its backend found wrong already; no CLI at all goes first."""
    environment = passed_on(os.environ)
    try:
        path = locate(provider, executable, environment["PATH"], advice)
    except CliMissing as missing:
        return Checkup(executable=executable, version="", problem=missing.advice)
    with tempfile.TemporaryDirectory(prefix="bifrost-checkup-") as home:
        environment |= homes(Path(home), Path(home))
        try:
            version = await _version(path, environment, timeout_s)
        except (OSError, TimeoutError) as failure:
            why = getattr(failure, "strerror", None) or f"no answer within {timeout_s:g} s"
            return Checkup(executable=path, version="", problem=f"`{path} --version` failed: {why}. {advice}")
    if not version:
        return Checkup(executable=path, version="", problem=f"`{path} --version` says nothing. {advice}")
    return Checkup(executable=path, version=version, problem=problem, tried=tried, install=advice)


async def _version(path: str, environment: Mapping[str, str], timeout_s: float) -> str:
    """The version that `--version` prints; empty where it fails. Raises OSError and TimeoutError."""
    printed = bytearray()

    async def hear(lines: Sequence[bytes]) -> None:
        if len(printed) < _WORDS:
            printed.extend(b"\n".join(lines)[:_WORDS])

    async def overhear(_: Sequence[bytes]) -> None:
        pass

    command = Command(argv=(path, "--version"), env=environment, stdin=b"", cwd=Path(environment["HOME"]))
    # Under a reaper as jobs are: whatever it has started is gone when the block ends.
    async with Shims((), grace_s=0, warm=0) as shims, asyncio.timeout(timeout_s):
        code = await (await spawn(shims, command)).read(b"", hear, overhear)
    words = printed.decode(errors="replace").split()
    # Some say their name first, some a letter: "codex-cli 0.169.0", "v22.1.0".
    version = next((word for word in words if word.removeprefix("v")[:1].isdigit()), "")
    return version if code == 0 else ""
