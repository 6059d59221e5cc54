"""A job's output as Markdown, in pages that a platform can show. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from markdown_it import MarkdownIt

from bot.news.tool_runs import ToolRun
from bot.news.words import between_signs, excerpt
from executor.events import (
    Body,
    Noticed,
    RecordChanged,
    ReplyBegun,
    TextWritten,
    ToolEnded,
    ToolStarted,
    TurnInterrupted,
)

MOST_PAGES = 5
"""Pages that stand in a thread at most; the last of them then shows the latest output."""
_CLOSING = 90
"""Characters kept free at the end of a part, for closing a fence there."""
_LONGEST_FENCE = 40
_LEFT_OUT = "*… what stood here is in the whole output, attached at the end …*\n\n"
_MARKS = re.compile("```|~~~")
_BLOCKS = MarkdownIt("commonmark", {"html": False})
_BLOCKS.core.ruler.enableOnly(["normalize", "block"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A stretch of output, and the number of the last event in it."""

    text: str
    seq: int


class Transcript:
    """Grows with the log. The same log always makes the same pages, so a restart finds them again.

    `unfolds` says whether readers can unfold a run of tool calls; else it is one line and no more.
    """

    def __init__(self, page_chars: int, *, unfolds: bool = False) -> None:
        self._limit = page_chars - len(_LEFT_OUT) - _CLOSING
        self._unfolds = unfolds
        self._full: list[Page] = []
        self._tail = ""
        self._seq = 0
        self._whole: list[str] = []
        self._said: list[str] = []
        """The text since the last line about a tool."""
        self._before = (0, "")
        """Before that text: how many pages were full, and the page that was begun."""
        self._run: ToolRun | None = None
        """The tool calls since the last of anything else, which the tail does not hold yet."""
        self._run_gap = ""
        self._tools = False
        self.step = ""
        """What the agent does just now."""

    def add(self, seq: int, body: Body) -> None:
        """Takes event number `seq` in."""
        told = len(self._whole)
        self._read(seq, body)
        if len(self._whole) > told:
            self._seq = seq

    @property
    def pages(self) -> list[Page]:
        """What the thread should show, page by page."""
        return _shown([*self._full, *self._last(self._begun)])

    def without(self, answer: str) -> list[Page] | None:
        """The pages if it had ended before `answer`; None where it does not end with that."""
        said = "".join(self._said).rstrip()
        if not answer or not said.endswith(answer):
            return None
        full, tail = self._before
        *more, tail = split(tail + said.removesuffix(answer).rstrip(), self._limit)
        between = [Page(text=part, seq=self._seq) for part in more]
        return _shown([*self._full[:full], *between, *self._last(tail)])

    @property
    def truncated(self) -> bool:
        """Whether the pages leave something out."""
        return len(self._full) + len(self._last(self._begun)) > MOST_PAGES

    @property
    def whole(self) -> str:
        """All of it, and every call of a tool on a line of its own."""
        return "".join(self._whole).strip() + "\n"

    @property
    def _begun(self) -> str:
        """The page that is not full."""
        return self._with_run(self._run.text) if self._run else self._tail

    def _with_run(self, run: str) -> str:
        return f"{self._tail}{self._run_gap}{run}" if self._tail else run

    def _last(self, tail: str) -> list[Page]:
        return [Page(text=_closed(tail), seq=self._seq)] if tail.strip() else []

    def _read(self, seq: int, body: Body) -> None:
        match body:
            case TextWritten(text=text):
                self._words(seq, text.replace("\r\n", "\n").replace("\r", "\n"))
            case ToolStarted(name=name, detail=detail):
                shown = excerpt(detail, 60)
                self.step = f"{excerpt(name, 40)}({shown})" if shown else excerpt(name, 40)
                self._call(seq, lambda run: run.call(name, detail))
            case ToolEnded(ok=False, stopped=True):
                self._line(seq, "⏹️ stopped")
            case ToolEnded(ok=False, detail=detail):
                self._call(seq, lambda run: run.fail(detail))
            case ReplyBegun():
                self._line(seq, "💬 takes up a reply")
            case TurnInterrupted():
                self._line(seq, "⏹️ interrupted")
            case RecordChanged(text=text):
                self._line(seq, f"✍️ {excerpt(text, 200)}")
            case Noticed(text=text):
                self._line(seq, f"⏳ {excerpt(text, 200)}")

    def _words(self, seq: int, text: str) -> None:
        if self._tools:
            # Indented, it would become a part of the list that the tools' lines are.
            text = text.lstrip()
            if not text:
                return
            text = self._gap(2) + text
        if not text:
            return
        self._settle()
        if not self._said:
            self._before = (len(self._full), self._tail)
        self._tools = False
        self._said.append(text)
        self._whole.append(text)
        self._grow(seq, text)

    def _line(self, seq: int, line: str) -> None:
        self._settle()
        text = f"{self._break()}- {line}"
        self._whole.append(text)
        self._grow(seq, text)

    def _call(self, seq: int, tell: Callable[[ToolRun], str]) -> None:
        """A line of a run. A run that outgrows its page stays as it was, and another begins on the next."""
        gap = self._break()
        if self._run is None:
            self._tail, self._run_gap = self._tail + gap.rstrip("\n"), gap[len(gap.rstrip("\n")) :]
            self._run = ToolRun(unfolds=self._unfolds)
        before = self._begun
        self._whole.append(f"{gap}- {tell(self._run)}")
        if len(self._begun) <= self._limit:
            return
        self._run = ToolRun(unfolds=self._unfolds)
        tell(self._run)
        self._tail = ""
        if before.strip():
            self._full.append(Page(text=_closed(before.rstrip("\n")), seq=seq))

    def _settle(self) -> None:
        """The run is over: its text stands as it is."""
        self._tail, self._run = self._begun, None

    def _grow(self, seq: int, text: str) -> None:
        *full, self._tail = split(self._tail + text, self._limit)
        self._full.extend(Page(text=part, seq=seq) for part in full)

    def _break(self) -> str:
        """What a line needs before it; a fence that the agent left open must not take in what we write."""
        said = "".join(self._said)
        closing = _closed(said).removeprefix(said)
        gap = self._gap(1 if self._tools else 2, closing)
        self._tools, self._said = True, []
        return closing + gap

    def _gap(self, newlines: int, last: str = "") -> str:
        """What is missing of so many newlines at the end of what there is, or of `last`."""
        last = last or (self._whole[-1] if self._whole else "\n\n")
        return "\n" * max(0, newlines - (len(last) - len(last.rstrip("\n"))))


def _shown(pages: list[Page]) -> list[Page]:
    """As many of the pages as a thread may hold."""
    if len(pages) <= MOST_PAGES:
        return pages
    latest = Page(text=_LEFT_OUT + pages[-1].text, seq=pages[-1].seq)
    return [*pages[: MOST_PAGES - 1], latest]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fence:
    """An open code fence. Its line begins at `at`; `indent` is that of a quote or a list around it."""

    at: int
    indent: str
    mark: str
    info: str


def split(text: str, limit: int) -> list[str]:
    """Cuts Markdown into parts of at most `limit` characters.

    A code fence that a cut would leave open is closed before it and opened again after it.
    """
    parts = []
    while len(text) > limit:
        cut = _cut(text, limit)
        fence = _open_fence(text[:cut])
        if fence is not None and fence.at > limit // 4:
            cut, fence = fence.at, None
        head, rest = text[:cut], text[cut:]
        if fence is None:
            parts += [head.rstrip("\n")] if head.strip() else []
            text = rest.lstrip("\n")
            continue
        parts.append(_closed(head))
        indent = "" if head.endswith("\n") else fence.indent
        text = f"{fence.indent}{fence.mark}{fence.info}\n{indent}{rest}"
    return [*parts, text]


def _cut(text: str, limit: int) -> int:
    """Where to cut: after a paragraph, a line, a word, or, where there is none late enough, anywhere."""
    room = limit - _CLOSING
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, room // 2, room)
        if found > 0:
            return found + len(mark)
    return between_signs(text, room)


def _closed(text: str) -> str:
    """The text with its open fence closed."""
    fence = _open_fence(text)
    if fence is None:
        return text
    return f"{text}{'' if text.endswith(chr(10)) else chr(10)}{fence.indent}{fence.mark}"


@lru_cache(maxsize=8)
def _open_fence(text: str) -> _Fence | None:
    """The fence that `text` leaves open. Only a parser knows which ticks are one, and where."""
    fences = [token for token in _BLOCKS.parse(text) if token.type == "fence"] if _MARKS.search(text) else []
    if not fences or fences[-1].map is None:
        return None
    first, end = fences[-1].map
    lines = text.split("\n")
    content = fences[-1].content.removesuffix("\n")
    closed = end - first > (content.count("\n") + 1 if fences[-1].content else 0) + 1
    mark = fences[-1].markup
    indent, _, _ = lines[first].partition(mark)
    if closed or any(line.strip() for line in lines[end:]) or len(indent + mark) > _LONGEST_FENCE:
        return None
    return _Fence(
        at=sum(len(line) + 1 for line in lines[:first]),
        indent=re.sub(r"[^>\s]", " ", indent),  # a list's bullet opens an item, spaces go on with it
        mark=mark,
        info=fences[-1].info[:_LONGEST_FENCE],
    )
