"""What a person in a terminal sees of a job and of #dev."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.text import Text

from bot.news.announcements import TONES
from bot.news.progress import progress_of
from bot.news.words import answered, state
from bot.platforms.base import Announcement, Progress, Shape, Tone
from bot.platforms.text import in_words
from bot.web.pages.messages import view_of
from executor.events import (
    Body,
    CancelAsked,
    Moved,
    Noticed,
    ProgressTold,
    QuestionAsked,
    QuestionClosed,
    RecordChanged,
    ReplyKept,
    ReportPublished,
    TextWritten,
    TodosChanged,
    ToolEnded,
    ToolStarted,
    UpdatePosted,
)
from executor.model import JobStatus
from storage.hub import Message

EXIT_CODES: Mapping[JobStatus, int] = {JobStatus.DONE: 0, JobStatus.RATE_LIMITED: 75}
"""Exit status of `bifrost job run` by the job's status; any other is 1."""

_STYLES: Mapping[Tone, str] = {
    Tone.WAITING: "yellow",
    Tone.SCHEDULED: "yellow",
    Tone.RUNNING: "cyan",
    Tone.GOOD: "green",
    Tone.BAD: "red",
    Tone.STOPPED: "magenta",
}
_SIGNS: Mapping[Tone, str] = {
    Tone.WAITING: "…",
    Tone.SCHEDULED: "◷",
    Tone.RUNNING: "▶",
    Tone.GOOD: "✔",
    Tone.BAD: "✘",
    Tone.STOPPED: "■",
}
_SEQUENCES = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_MARKED = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|<(https?://[^>]+)>")
_CHAT_COMMAND = re.compile(r"(?<=[`*])/job ")
_LEAST_ROOM = 30
_HOW_TO_ANSWER = "   bifrost job show ID shows all of it; bifrost job answer ID … answers it"


def open_console(*, stderr: bool = False) -> Console:
    """Prints texts as they are: nothing in them is markup, and no line is broken but for a reader's eyes."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True, stderr=stderr)


def say(console: Console, answer: str) -> None:
    """Prints an answer of the desk, whose commands are typed otherwise here than in chat."""
    for line in _CHAT_COMMAND.sub("bifrost job ", answer).splitlines():
        if not line.startswith("```"):
            console.print(_styled(line))


class LiveView:
    """Prints a job's events as they come, each beside the time since the first one."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._first: datetime | None = None
        self._elapsed = timedelta()
        self._in_line = False

    def show(self, body: Body, at: datetime | None = None) -> None:
        """One event more, of now or of when it was."""
        at = at or datetime.now(UTC)
        self._first = self._first or at
        self._elapsed = max(timedelta(), at - self._first)
        match body:
            case TextWritten(text=text):
                self._console.print(Text(_harmless(text)), end="")
                self._in_line = not text.endswith("\n")
            case ToolStarted(name=name, detail=detail):
                self._line(f"🔧 {name} {detail}", "dim")
            case ToolEnded(ok=False, detail=detail):
                self._line(f"⚠️  failed {detail}", "yellow")
            case TodosChanged(items=items):
                if (progress := progress_of(items)) is not None:
                    self._line(in_words(progress), "dim")
            case ProgressTold(done=done, total=total, note=note):
                self._line(in_words(Progress(done=done, total=total, note=note)), "dim")
            case UpdatePosted(text=text):
                self._line(f"📣 {text}", "bold")
            case QuestionAsked(number=number, text=text):
                self._line(f"❓ question {number}: {text}", "bold yellow")
                self._line(_HOW_TO_ANSWER, "dim")
            case QuestionClosed() as closed:
                self._line(f"↳ question {closed.number}: {answered(closed)}", "dim")
            case RecordChanged(text=text):
                self._line(f"✍️  {text}", "dim")
            case Noticed(text=text):
                self._line(f"⏳ {text}", "yellow")
            case ReportPublished(title=title):
                self._line(f"📄 {title}", "bold")
            case CancelAsked(by=by):
                self._line(f"■ stopping, as {by} wishes", _STYLES[Tone.STOPPED])
            case ReplyKept(by=by):
                self._line(f"↩ {by} has replied; that waits for the end", "dim")
            case Moved() as moved:
                self._moved(moved)
            case _:
                pass

    def _moved(self, moved: Moved) -> None:
        if moved.attempt == 0 and not moved.status.final:
            return  # what the desk has just said
        tone = TONES[moved.status]
        attempt = f", attempt {moved.attempt}" if moved.attempt > 1 else ""
        reason = f" ({moved.reason})" if moved.reason and moved.status is JobStatus.FAILED else ""
        message = f": {moved.message}" if moved.message else ""
        self._line(f"{_SIGNS[tone]} {state(moved.status)}{attempt}{reason}{message}", f"bold {_STYLES[tone]}")

    def _line(self, text: str, style: str) -> None:
        if self._in_line:
            self._console.print()
            self._in_line = False
        minutes, seconds = divmod(int(self._elapsed.total_seconds()), 60)
        stamp = f"{minutes:>3}:{seconds:02d}  "
        self._console.print(Text.assemble((stamp, "dim"), (_harmless(text).strip(), style)))


class ChannelView:
    """Prints what changes in a channel of the page: of a text that grows, only what is new."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: dict[str, Announcement] = {}

    def show(self, message: Message) -> None:
        """A new or changed message."""
        says, before = view_of(message).announcement, self._seen.get(message.id)
        if says is not None:
            self._seen[message.id] = says
            if before is not None and before.title == says.title and says.shape is not Shape.PAGE:
                return  # only its clock moved on
        stamp, margin = f"{message.updated_at.astimezone():%H:%M:%S}  ", "│ " if message.thread else ""
        for line in [_styled(message.content)] if says is None else _news(says, before):
            for part in self._broken(line, len(stamp + margin)):
                self._console.print(Text.assemble((stamp + margin, "dim"), part))
                stamp = " " * len(stamp)

    def _broken(self, line: Text, indent: int) -> Sequence[Text]:
        """A line that is too long for the terminal, in parts that fit. An address stays whole."""
        room = self._console.width - indent
        if not self._console.is_terminal or room < _LEAST_ROOM or "://" in line.plain:
            return [line]
        parts = line.wrap(self._console, room)
        for part in parts:
            part.rstrip()
        return list(parts)


def _news(says: Announcement, before: Announcement | None) -> Iterator[Text]:
    """What an announcement says that it has not said before, line by line."""
    if not says.shape.bare:
        yield Text(f"{_SIGNS[says.tone]} {says.title}", style=f"bold {_STYLES[says.tone]}")
    if says.shape is Shape.QUESTION and before is None:
        yield from (Text(_harmless(line)) for part in (says.quote, says.code) for line in part.splitlines())
    body, known = says.body, before.body if before else ""
    if body != known:
        fresh = body.removeprefix(_common(known, body)) if says.shape is Shape.PAGE else body
        yield from (_styled(line) for line in fresh.splitlines() if line.strip())
    if says.facts:
        yield Text(" · ".join(f"{fact.label} {_harmless(fact.value)}" for fact in says.facts), style="dim")
    yield from (Text(f"{link.label}: {link.url}", style="dim") for link in says.links)


def _styled(line: str) -> Text:
    """A line of Markdown with its code, its bold words and its addresses in colour instead of signs."""
    line, text, end = _harmless(line), Text(), 0
    for found in _MARKED.finditer(line):
        text.append(line[end : found.start()])
        text.append(
            found[found.lastindex or 0], style=("cyan", "bold", "underline")[(found.lastindex or 1) - 1]
        )
        end = found.end()
    return text.append(line[end:])


def _harmless(text: str) -> str:
    """Nothing that moves the cursor, colours the screen or turns the reading direction around."""
    return _CONTROLS.sub("", _SEQUENCES.sub("", text))


def _common(one: str, other: str) -> str:
    """What both begin with, up to the end of a line."""
    length = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        length += 1
    return one[:length] if length in (len(one), len(other)) else one[: one.rfind("\n", 0, length) + 1]
