"""Asks an installed CLI for its version, within a bound of time."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from contextlib import suppress
from pathlib import Path

from executor.backends.base import Checkup, CliMissing
from executor.backends.commandline import locate
from executor.backends.environment import homes, passed_on

_TIMEOUT_S = 20.0
"""A cold claude takes 1.5 s, and some seconds more where others start at the same time."""


async def check(
    provider: str, executable: str, *, advice: str, problem: str = "", timeout_s: float = _TIMEOUT_S
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
            why = str(failure) or f"no answer within {timeout_s:g} s"
            return Checkup(executable=path, version="", problem=f"`{path} --version` failed: {why}. {advice}")
    if not version:
        return Checkup(executable=path, version="", problem=f"`{path} --version` says nothing. {advice}")
    return Checkup(executable=path, version=version, problem=problem)


async def _version(path: str, environment: dict[str, str], timeout_s: float) -> str:
    """The version that `--version` prints; empty where it fails. Raises OSError and TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        path,
        "--version",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        cwd=environment["HOME"],
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 (a pipe was asked for)
    try:
        async with asyncio.timeout(timeout_s):
            printed = await _head(process.stdout)
            await process.wait()
    finally:
        if process.returncode is None:
            # The whole group, as a launcher's child would go on and hold the pipe open.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await _head(process.stdout)
            await process.wait()
    words = printed.decode(errors="replace").split()
    # Some say their name first: "codex-cli 0.169.0".
    version = next((word for word in words if word[0].isdigit()), "")
    return version if process.returncode == 0 else ""


async def _head(stream: asyncio.StreamReader, size: int = 1000) -> bytes:
    """The first `size` bytes; what follows is read away, so that the pipe can close."""
    head = b""
    while chunk := await stream.read(64 * 1024):
        head += chunk[: size - len(head)]
    return head
