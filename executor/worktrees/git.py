"""Runs git as carefully as it can be run: what is in a repository, and how it is set, may be an agent's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from executor.backends.base import Command
from executor.backends.environment import passed_on
from executor.processes.shims import Shims
from executor.processes.supervised import Supervised

LEAST = (2, 38)
"""The first git that merges without a checkout."""
_PATIENCE_S = 120.0
"""Seconds that one command may take: the checkout of a large repository takes some."""
_MOST = 8 * 2**20
"""Bytes that are taken of what a command prints."""
_WORDS = 2_000
"""Bytes that are kept of what it complains of."""
_CHUNK = 64 * 1024
_AUTHOR = {"NAME": "Bifrost", "EMAIL": "bifrost@localhost"}
# Nothing that the repository names runs for a mere look at it, and nothing goes over the network. What git
# must run to read and write files as the repository keeps them (filters, merge drivers) has the rights of an
# agent: all of it runs within the agents' own wall, and has no more in its environment than they have.
_SETTINGS = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.quotePath": "false",
    "core.sshCommand": "false",
    "credential.helper": "",
    "diff.external": "",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "merge.autoStash": "false",
    "merge.verifySignatures": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
}
_ENVIRONMENT = {
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_EDITOR": "true",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _AUTHOR.items()},
}


class GitFailed(Exception):
    """A command did not do what was asked of it. The text is a sentence for people, with git's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a command printed; `cut` where there was more than was wanted."""

    code: int
    output: bytes
    complaint: str = ""
    cut: bool = False

    @property
    def text(self) -> str:
        return self.output.decode(errors="replace").strip()


class Program:
    """Starts `argv` under `shims`, as agents are: nothing of it is left when a call returns or the bot dies.

    `environment` is all that it gets; it works at the places that it `sees`, where jobs may not look.
    """

    def __init__(
        self, shims: Shims, argv: Sequence[str], environment: Mapping[str, str], sees: Sequence[Path]
    ) -> None:
        self._shims = shims
        self._argv = argv
        self._environment = environment
        self._sees = sees

    async def run(
        self,
        *words: str | Path,
        at: Path,
        codes: Sequence[int] = (0,),
        env: Mapping[str, str] | None = None,
        most: int = _MOST,
    ) -> Said:
        """Runs it with `words` in the directory `at`. Raises GitFailed where its exit is not in `codes`."""
        name = self._argv[0]
        command = Command(
            argv=[*self._argv, *map(str, words)],
            env={**self._environment, **(env or {})},
            stdin=b"",
            cwd=at,
            sees=self._sees,
        )
        try:
            async with asyncio.timeout(_PATIENCE_S):
                said = await self._do(command, most)
        except TimeoutError:
            raise GitFailed(f"{name} did not come to an end within {_PATIENCE_S:g} s.") from None
        except FileNotFoundError:
            raise GitFailed(f"{name} is not installed where the bot runs (`{name} --version`).") from None
        except OSError as error:
            raise GitFailed(f"{name} could not be started: {error.strerror}.") from None
        if said.code not in codes and not said.cut:
            why = said.complaint or said.text[-_WORDS:] or f"it ended with {said.code}"
            raise GitFailed(f"{name} says: {why}")
        return said

    async def _do(self, command: Command, most: int) -> Said:
        process = await self._shims.spawn(command)
        try:
            process.stdin.close()
            async with asyncio.TaskGroup() as group:
                complaining = group.create_task(_read(process.stderr, _WORDS))
                output, cut = await _take(process, most)
            ended = await process.wait()
            complaint = complaining.result().decode(errors="replace").strip()
            return Said(code=ended.code, output=output, complaint=complaint, cut=cut)
        finally:
            if process.running:
                await process.kill()
            process.close()


async def _take(process: Supervised, most: int) -> tuple[bytes, bool]:
    """What it prints, up to `most` bytes: one that prints more is not heard to the end."""
    output = bytearray()
    while chunk := await process.stdout.read(_CHUNK):
        output += chunk
        if len(output) > most:
            await process.kill()
            return bytes(output[:most]), True
    return bytes(output), False


async def _read(stream: asyncio.StreamReader, most: int) -> bytes:
    """The beginning of a stream, which is read to its end."""
    kept = bytearray()
    while chunk := await stream.read(_CHUNK):
        kept += chunk[: most - len(kept)]
    return bytes(kept)


def careful_git(shims: Shims, *sees: Path) -> Program:
    """git, for a repository that may be an agent's."""
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return Program(shims, ["git", *settings], {**passed_on(os.environ), **_ENVIRONMENT}, sees)


async def version() -> tuple[int, ...] | None:
    """The version of git; None where there is none."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git", "version", stdout=asyncio.subprocess.PIPE, env={"PATH": os.environ.get("PATH", "")}
        )
        async with asyncio.timeout(_PATIENCE_S):
            said, _ = await process.communicate()
    except OSError:
        return None
    words = said.decode(errors="replace").split()
    numbers = words[2].split(".") if len(words) > 2 else []
    return tuple(int(number) for number in numbers[:2] if number.isdigit()) or None
