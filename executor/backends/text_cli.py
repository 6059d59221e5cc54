"""Runs any CLI that takes a prompt on its standard input and prints text."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo

from executor.backends.base import Checkup, CliMissing, Command, Launch
from executor.backends.commandline import locate
from executor.backends.environment import agent_environment, agent_zone, passed_on
from executor.backends.failures import QUOTE, Cli, broken_off, limited
from executor.backends.fields import one_line, plain
from executor.catalog import PLACE
from executor.events import TextWritten
from executor.limits import resets_at
from executor.model import Outcome, OutcomeKind, Usage
from executor.ports import SystemClock
from executor.workspaces import Permissions

_MOST = 200_000
"""Characters of the text that are kept as the answer: its end."""
_WIDEST = 3
"""Line breaks in a row that are kept."""
_LAST = 5
"""Lines of a CLI's last words that tell why it failed."""
_ESSAY = 8000
"""Bytes of such a line that are read."""
_utc_now = SystemClock().now


class TextCli:
    """The backend of a CLI of which nothing else is known: it has no sessions, and tells no cost.

    `argv` is its command, `environment` what it alone needs. `limit` finds in the last words of one that
    failed whether its provider's usage limit was why.
    """

    keeps = frozenset({Permissions.BYPASS})

    def __init__(
        self,
        provider: str,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        limit: re.Pattern[str] | None = None,
    ) -> None:
        self.provider = provider
        self._argv = tuple(argv)
        self._own = dict(environment)
        self._limit = limit
        self._advice = f"Install it, or correct its `command` under [agents.others.{provider}]."

    def command(self, launch: Launch) -> Command:
        """The process that does `launch`. Raises CliMissing where the executable cannot be found."""
        env = agent_environment(launch, self._own)
        executable, *arguments = (word.replace(PLACE, launch.model) for word in self._argv)
        return Command(
            argv=[locate(self.provider, executable, env["PATH"], self._advice), *arguments],
            env=env,
            stdin=launch.prompt.encode(errors="replace"),
            cwd=launch.workspace,
        )

    def decoder(self, launch: Launch) -> TextDecoder:
        """A fresh decoder for the attempt that does `launch`."""
        return TextDecoder(self.provider, limit=self._limit, zone=agent_zone(self._own))

    async def checkup(self) -> Checkup:
        """Looks for the executable. It is not run: nobody knows what it would do without a prompt."""
        path = {**passed_on(os.environ), **self._own}["PATH"]
        try:
            found = locate(self.provider, self._argv[0], path, self._advice)
        except CliMissing as missing:
            return Checkup(executable=self._argv[0], version="", problem=missing.advice)
        return Checkup(executable=found, version="")


class TextDecoder:
    """The decoder of one attempt: what is printed is the answer."""

    verdict: Outcome | None = None
    retrying = False
    session: None = None

    def __init__(
        self,
        provider: str,
        *,
        limit: re.Pattern[str] | None = None,
        zone: tzinfo = UTC,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._cli = Cli(name=provider, key="")
        self._limit = limit
        self._zone = zone
        self._now = now
        self._pieces: deque[str] = deque()
        self._size = 0
        self._gap = ""
        self._complaints: deque[str] = deque(maxlen=_LAST)

    def stdout(self, line: bytes) -> Sequence[TextWritten]:
        """The line as text. Blank ones wait for the next that is none: there are none around an answer."""
        text = plain(line.decode(errors="replace")).rstrip()
        if not text:
            self._gap = f"{self._gap}\n"[:_WIDEST] if self._pieces else ""
            return ()
        piece, self._gap = self._gap + text, "\n"
        self._pieces.append(piece)
        self._size += len(piece)
        while self._size > _MOST and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft())
        return (TextWritten(text=piece),)

    def stderr(self, line: bytes) -> Sequence[TextWritten]:
        """Keeps the line: the last ones tell why it failed, where it does."""
        if complaint := one_line(line[:_ESSAY].decode(errors="replace"), QUOTE):
            self._complaints.append(complaint)
        return ()

    def conclude(self, exit_code: int) -> Outcome:
        """Done where it printed something and ended with 0."""
        if exit_code == 0 and self._pieces:
            return Outcome(kind=OutcomeKind.DONE, result="".join(self._pieces).strip())
        printed = [one_line(piece, QUOTE) for piece in [*self._pieces][-_LAST:]]
        notice = self._notice([*printed, *self._complaints]) if exit_code > 0 else ""
        if notice:
            until = resets_at(notice, now=self._now(), zone=self._zone)
            return limited(self._cli, until, quote=notice, usage=Usage())
        return broken_off(self._cli, exit_code, [_end([*self._complaints] or printed)], Usage())

    def _notice(self, lines: Sequence[str]) -> str:
        """The last of the lines that tells of a usage limit; empty where none does."""
        found = (line for line in reversed(lines) if self._limit and self._limit.search(line))
        return next(found, "")


def _end(lines: Sequence[str]) -> str:
    """The last of the lines, as many as can be quoted."""
    quote = ""
    for line in reversed(lines):
        if quote and len(line) + 1 + len(quote) > QUOTE:
            break
        quote = f"{line} {quote}".rstrip()
    return quote
