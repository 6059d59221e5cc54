"""A job's log as blocks for eyes: text as one, a tool call with how it ended, notices, turns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.news.words import answered, state
from executor.events import (
    CancelAsked,
    Event,
    InterruptAsked,
    Moved,
    Noticed,
    ProgressTold,
    QuestionAsked,
    QuestionClosed,
    RecordChanged,
    ReplyBegun,
    ReplyHanded,
    ReplyKept,
    ReplyRefused,
    ReportPublished,
    SessionOpened,
    TextWritten,
    ToolEnded,
    ToolStarted,
    TurnInterrupted,
    UpdatePosted,
    WorkDecided,
    WorkLeft,
)

CHUNK = 200
"""Events that are shown together: no block reaches beyond its chunk, so that it is the same block wherever a
reader came in."""
_FULL = 4_000
"""Characters from which on a text's next piece begins a block of its own."""
_MOST = 50_000
"""Characters of one block that are shown; the rest is in the download."""


@dataclass(slots=True, kw_only=True)
class Block:
    """What is shown as one. `seq` is its first event and `last` the newest one that has changed it."""

    seq: int
    last: int
    at: datetime
    sort: str
    texts: list[str] = field(default_factory=list)
    name: str = ""
    tool_id: str = ""
    ok: bool | None = None
    """How the tool call ended; None while it goes on, and for what is none."""
    stopped: bool = False
    """Whether the call was cut off, by us or by the end of its attempt."""

    @property
    def text(self) -> str:
        """All that it says, as far as it is shown."""
        return "".join(self.texts)[:_MOST]

    @property
    def missing(self) -> int:
        """Characters that are not shown."""
        return max(0, sum(map(len, self.texts)) - _MOST)


def chunk_before(seq: int) -> int:
    """The event behind which the chunk begins that has the event after `seq`."""
    return max(0, seq) // CHUNK * CHUNK


def blocks_of(events: Iterable[Event]) -> Sequence[Block]:
    """The events, which begin at a chunk's first, as blocks in their order."""
    blocks: list[Block] = []
    for event in events:
        before = (
            blocks[-1] if blocks and chunk_before(blocks[-1].seq - 1) == chunk_before(event.seq - 1) else None
        )
        if isinstance(event.body, Moved):
            _cut_off(event, blocks)
        if not _joined(event, before, blocks):
            blocks.append(_block(event))
    return [block for block in blocks if block.sort != "turn" or block.text]


def _cut_off(event: Event, blocks: Sequence[Block]) -> None:
    """No call outlives the attempt that made it."""
    for block in blocks:
        same_chunk = chunk_before(block.seq - 1) == chunk_before(event.seq - 1)
        if same_chunk and block.sort == "tool" and block.ok is None:
            block.ok, block.stopped, block.last = False, True, event.seq


def _joined(event: Event, before: Block | None, blocks: Sequence[Block]) -> bool:
    """Whether the event belongs to a block that there is, and is in it now."""
    match event.body:
        case TextWritten(text=text) if (
            before and before.sort == "text" and sum(map(len, before.texts)) < _FULL
        ):
            before.texts.append(text)
            before.last = event.seq
            return True
        case ToolEnded(tool_id=tool_id, ok=ok, detail=detail, stopped=stopped):
            for block in reversed(blocks):
                if chunk_before(block.seq - 1) != chunk_before(event.seq - 1):
                    return False
                if block.sort == "tool" and block.tool_id == tool_id and block.ok is None:
                    block.ok, block.stopped, block.last = ok, stopped, event.seq
                    block.texts += [f"\n{detail}"] if detail else []
                    return True
    return False


def _block(event: Event) -> Block:
    sort, texts, name, tool_id, ok = _content(event)
    return Block(
        seq=event.seq, last=event.seq, at=event.at, sort=sort, texts=texts, name=name, tool_id=tool_id, ok=ok
    )


def _content(event: Event) -> tuple[str, list[str], str, str, bool | None]:
    match event.body:
        case TextWritten(text=text):
            return "text", [text], "", "", None
        case ToolStarted(tool_id=tool_id, name=name, detail=detail):
            return "tool", [detail], name, tool_id, None
        case ToolEnded(ok=ok, detail=detail):
            return "tool", [detail], "tool", "", ok
        case Noticed(text=text):
            return "notice", [text], "", "", None
        case _:
            return "turn", [sentence(event)], "", "", None


def sentence(event: Event) -> str:
    """What happened to the job, in words."""
    match event.body:
        case Moved(status=status, attempt=attempt, by=by):
            more = f" (attempt {attempt})" if status == "running" and attempt > 1 else ""
            return f"{state(status).capitalize()}{more}{f' by {by}' if by else ''}"
        case CancelAsked(by=by):
            return f"{by} asked to cancel it"
        case ReplyKept(by=by):
            return f"{by} replied"
        case ReplyHanded(by=by):
            return f"The reply of {by} was handed to the running session"
        case ReplyBegun():
            return "It takes up a reply"
        case ReplyRefused(by=by, why=why):
            return f"The reply of {by} is not gone on with: {why}"
        case InterruptAsked(by=by):
            return f"{by} asked to interrupt it"
        case TurnInterrupted():
            return "Interrupted"
        case ReportPublished(title=title):
            return f"Report published: {title}"
        case WorkLeft(branch=branch, commits=commits, files=files):
            return f"{commits} commits and {files} changed files are left on {branch}"
        case WorkDecided(branch=branch, state=decided, by=by):
            return f"{branch} was {decided}{f' by {by}' if by else ''}"
        case ProgressTold(done=done, total=total, note=note):
            return f"{done} of {total} done{f': {note}' if note else ''}"
        case RecordChanged(text=text):
            return f"The agent {text}"
        case UpdatePosted(text=text):
            return f"Update: {text}"
        case QuestionAsked(number=number, text=text):
            return f"Question {number}: {text}"
        case QuestionClosed() as closed:
            return f"Question {closed.number}: {answered(closed)}"
        case SessionOpened(session_id=session_id, model=model):
            return f"Session {session_id}{f' of {model}' if model else ''}"
        case _:
            return ""
