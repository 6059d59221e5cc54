"""A program: a Markdown list whose items are the steps that an agent takes one after the other. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

MOST_STEPS = 100
_ITEM = re.compile(
    r"(?P<indent> {0,3})(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[(?P<ticked>[ xX])\][ \t]+)?(?P<text>\S.*)"
)
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*")
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")
_NAMED = re.compile(r"(?:\*\*|__)(.+?)(?:\*\*|__)|([^:.`]{1,80}):(?:\s|$)")
_MARKUP = re.compile(r"[*_`#]+")
_NAME = 80
"""Characters of a step's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done, as it was written."""

    text: str

    @property
    def name(self) -> str:
        """What people see of it: the words before its colon, or how it begins."""
        first = self.text.partition("\n")[0]
        named = _NAMED.match(first)
        words = " ".join(_MARKUP.sub("", (named[1] or named[2]) if named else first).split())
        return words if len(words) <= _NAME else words[: _NAME - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`text` is all that was written; the steps are what is not ticked off, in order."""

    text: str
    steps: Sequence[Step]


@dataclass(slots=True)
class _Reader:
    """Goes through the lines. What is ticked off is no step any more."""

    items: list[tuple[bool, list[str]]] = field(default_factory=list)
    fence: str = ""
    indent: int | None = None
    """Of the first item; what stands further in belongs to the item before it."""
    open: bool = False
    blank: bool = False

    def take(self, line: str) -> None:
        fence = _FENCE.match(line)
        item = None if self.fence or _RULE.fullmatch(line) else _ITEM.fullmatch(line)
        if item is not None and not self._is_nested(item):
            self.indent = len(item["indent"]) if self.indent is None else self.indent
            self.items.append(((item["ticked"] or " ") != " ", [item["text"]]))
            self.open = True
        elif self.open and (self.fence or line[:1] in (" ", "\t") or not (self.blank or line[:1] == "#")):
            self.items[-1][1].append(line)
        elif line.strip():
            self.open = False
        self.blank = not line.strip()
        if fence and (not self.fence or fence[1].startswith(self.fence)):
            self.fence = "" if self.fence else fence[1]

    def _is_nested(self, item: re.Match[str]) -> bool:
        return self.open and self.indent is not None and len(item["indent"]) > self.indent + 1


@lru_cache(maxsize=64)
def parse(text: str) -> Program:
    """The program that `text` is. A text without a list is a program of one step: all of it."""
    reader = _Reader()
    for line in text.splitlines():
        reader.take(line)
    steps = [
        Step(text=_joined(lines)) for ticked, lines in reader.items if not ticked and _joined(lines).strip()
    ]
    if not reader.items and text.strip():
        steps = [Step(text=text.strip())]
    return Program(text=text.strip(), steps=tuple(steps))


def _joined(lines: Sequence[str]) -> str:
    """The lines of an item, without the indent that they share below its first one."""
    first, *rest = lines
    indents = [len(line) - len(line.lstrip()) for line in rest if line.strip()]
    cut = min(indents, default=0)
    return "\n".join([first, *(line[cut:] for line in rest)]).strip()
