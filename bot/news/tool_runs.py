"""Tool calls that follow each other, folded into one line. Pure."""

from __future__ import annotations

from collections import Counter

from bot.news.words import excerpt

RUN = "▸ "
"""What a folded line begins with."""
_APART = 2
"""Calls that have lines of their own; more in a row are folded."""
_NAMES, _NAME, _TROUBLE = 5, 40, 60
"""Names that a folded line tells, and characters of each and of why a call failed."""


def code(text: str, most: int = 160) -> str:
    """`text` as Markdown code on one line; nothing where it is empty."""
    flat = excerpt(text.replace("`", "'"), most)
    return f"`{flat}`" if flat else ""


class ToolRun:
    """Grows while the agent does nothing but call tools. `unfolds`: its calls lie below the folded line."""

    def __init__(self, *, unfolds: bool) -> None:
        self._unfolds = unfolds
        self._names: list[str] = []
        self._lines: list[str] = []
        self._failed = 0
        self._trouble = ""

    def call(self, name: str, detail: str) -> str:
        """One call more; returns its line."""
        self._names.append(excerpt(name, _NAME))
        return self._told(f"🔧 {code(name)} {code(detail)}".rstrip())

    def fail(self, detail: str) -> str:
        """A call has failed; returns the line that says so."""
        self._failed, self._trouble = self._failed + 1, detail
        return self._told(f"⚠️ failed: {code(detail)}" if detail else "⚠️ failed")

    def _told(self, line: str) -> str:
        self._lines.append(line)
        return line

    @property
    def text(self) -> str:
        """The run as items of a Markdown list."""
        if len(self._names) <= _APART:
            return "\n".join(f"- {line}" for line in self._lines)
        below = [f"  - {line}" for line in self._lines] if self._unfolds else []
        return "\n".join([f"- {self._folded()}", *below])

    def _folded(self) -> str:
        times = Counter(self._names)
        named = [f"{code(name)} ×{n}" if n > 1 else code(name) for name, n in times.most_common(_NAMES)]
        more = [f"{len(times) - _NAMES} more"] if len(times) > _NAMES else []
        said = f"{RUN}{len(self._names)} tool calls: {', '.join([*named, *more])}"
        if not self._failed:
            return said
        last = f" (last: {code(self._trouble, _TROUBLE)})" if self._trouble else ""
        return f"{said} · ⚠️ {self._failed} failed{last}"
