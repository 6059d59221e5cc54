"""What a person in a terminal sees of a job and of #dev."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from bot.news.words import duration, money
from executor.events import Body, Moved, Noticed, ReportPublished, TextWritten, ToolEnded, ToolStarted
from executor.model import Job, JobStatus
from storage.hub import Message

EXIT_CODES: Mapping[JobStatus, int] = {JobStatus.DONE: 0, JobStatus.RATE_LIMITED: 75}
"""Exit status of `bifrost job run` by the job's status; any other is 1."""


class LiveView:
    """Prints a job's events as they come."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._in_line = False

    def show(self, body: Body) -> None:
        """One event more."""
        match body:
            case TextWritten(text=text):
                self._console.print(Text(text), end="")
                self._in_line = not text.endswith("\n")
            case ToolStarted(name=name, detail=detail):
                self._line(f"🔧 {name} {detail}".rstrip(), "cyan")
            case ToolEnded(ok=False, detail=detail):
                self._line(f"   failed: {detail}", "yellow")
            case Noticed(text=text):
                self._line(f"⏳ {text}", "yellow")
            case ReportPublished(title=title):
                self._line(f"📄 {title}", "bold")
            case Moved(status=status, message=message, reason=reason):
                why = f" ({reason})" if reason else ""
                self._line(f"── {status.value}{why} {message}".rstrip(), "dim")
            case _:
                pass

    def _line(self, text: str, style: str) -> None:
        if self._in_line:
            self._console.print()
            self._in_line = False
        self._console.print(Text(text, style=style))


class ChannelView:
    """Prints what changes in a channel of the page: a line per change, only what is new of a text."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[str, str] = {}

    def show(self, message: Message) -> None:
        """A new or changed message."""
        before, now = self._seen.get(message.id, ""), message.content
        self._seen[message.id] = now
        fresh = now.removeprefix(_common(before, now)).strip("\n")
        indent = "    │ " if message.thread else ""
        mark = "✎" if before else "+"
        lines = [line for line in fresh.splitlines() if line.strip()]
        for number, line in enumerate(lines):
            head = f"{indent}{mark} " if number == 0 else f"{indent}  "
            self._console.print(Text(head, style="dim") + Text(line))


def took(job: Job) -> str:
    """What the job took, on one line."""
    turns = "unknown" if job.usage.turns is None else str(job.usage.turns)
    return f"cost {money(job.usage.cost_usd)} · turns {turns} · duration {duration(job.usage.duration_ms)}"


def markdown(console: Console, text: str) -> None:
    """Prints an answer of the desk."""
    console.print(Markdown(text))


def _common(one: str, other: str) -> str:
    """What both begin with, up to the end of a line."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return one[:length] if length in (len(one), len(other)) else one[: one.rfind("\n", 0, length) + 1]
