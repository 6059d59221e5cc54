"""A job's output as Markdown, in pages that a platform can show. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.news.words import excerpt
from executor.events import Body, Noticed, TextWritten, ToolEnded, ToolStarted

MOST_PAGES = 5
"""Pages that stand in a thread at most; the last of them then shows the latest output."""
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_LEFT_OUT = "*… what stood here is in the whole output, attached at the end …*\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A stretch of output, and the number of the last event in it."""

    text: str
    seq: int


class Transcript:
    """Grows with the log. The same log always makes the same pages, so a restart finds them again."""

    def __init__(self, page_chars: int) -> None:
        self._limit = page_chars - len(_LEFT_OUT)
        self._full: list[Page] = []
        self._tail = ""
        self._seq = 0
        self._whole: list[str] = []
        self._tools = False
        self.step = ""
        """What the agent does just now."""

    def add(self, seq: int, body: Body) -> None:
        """Takes event number `seq` in."""
        text = self._text(body)
        if not text:
            return
        self._whole.append(text)
        *full, self._tail = split(self._tail + text, self._limit)
        self._full.extend(Page(text=part, seq=seq) for part in full)
        self._seq = seq

    @property
    def pages(self) -> list[Page]:
        """What the thread should show, page by page."""
        pages = [*self._full, *self._last()]
        if len(pages) <= MOST_PAGES:
            return pages
        latest = Page(text=_LEFT_OUT + pages[-1].text, seq=pages[-1].seq)
        return [*pages[: MOST_PAGES - 1], latest]

    @property
    def truncated(self) -> bool:
        """Whether the pages leave something out."""
        return len(self._full) + len(self._last()) > MOST_PAGES

    @property
    def whole(self) -> str:
        """All of it."""
        return "".join(self._whole).strip() + "\n"

    def _last(self) -> list[Page]:
        return [Page(text=self._tail, seq=self._seq)] if self._tail.strip() else []

    def _text(self, body: Body) -> str:
        match body:
            case TextWritten(text=text):
                paragraph = self._gap(2) + text.lstrip("\n") if self._tools else text
                self._tools = False
                return paragraph
            case ToolStarted(name=name, detail=detail):
                self.step = excerpt(f"{name} {detail}", 80)
                return self._line(f"🔧 {_code(name)} {_code(detail)}".rstrip())
            case ToolEnded(ok=False, detail=detail):
                return self._line(f"⚠️ failed: {_code(detail)}" if detail else "⚠️ failed")
            case Noticed(text=text):
                return self._line(f"⏳ {excerpt(text, 200)}")
            case _:
                return ""

    def _line(self, line: str) -> str:
        gap = self._gap(1 if self._tools else 2)
        self._tools = True
        return f"{gap}- {line}"

    def _gap(self, newlines: int) -> str:
        """What is missing of so many newlines at the end of what there is."""
        if not self._whole:
            return ""
        last = self._whole[-1]
        return "\n" * max(0, newlines - (len(last) - len(last.rstrip("\n"))))


def split(text: str, limit: int) -> list[str]:
    """Cuts Markdown into parts of at most `limit` characters.

    A code fence that a cut would leave open is closed before it and opened again after it.
    """
    parts = []
    while len(text) > limit:
        cut = _cut(text, limit)
        head, rest = text[:cut], text[cut:]
        fence = _open_fence(head)
        if fence is None:
            parts.append(head.rstrip("\n"))
            text = rest.lstrip("\n")
            continue
        opening, mark = fence
        if not head.endswith("\n"):
            head += "\n"
        parts.append(head + mark)
        text = f"{opening}\n{rest}"
    return [*parts, text]


def _cut(text: str, limit: int) -> int:
    """Where to cut: after a paragraph, a line, a word, or, where there is none late enough, anywhere."""
    room = limit - 90  # for closing a fence here; the opening of a longer one is not repeated
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, room // 2, room)
        if found > 0:
            return found + len(mark)
    return room


def _open_fence(text: str) -> tuple[str, str] | None:
    """The opening line and the mark of the fence that `text` leaves open."""
    opening: tuple[str, str] | None = None
    for found in _FENCE.finditer(text):
        mark, info = found[1], found[2].strip()
        if opening is None:
            opening = (mark[:40] + info[:40], mark[:40])
        elif mark[0] == opening[1][0] and len(mark) >= len(opening[1]) and not info:
            opening = None
    return opening


def _code(text: str) -> str:
    flat = excerpt(text.replace("`", "'"), 160)
    return f"`{flat}`" if flat else ""
