"""What every platform does to a text before it shows it: hidden signs made visible, traps disarmed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.platforms.base import Progress

ELLIPSIS = "…"

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_STACKED = re.compile(r"([\u0300-\u036f]{8})[\u0300-\u036f]+")
_JOINING = r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\u200d\U0001f3fb-\U0001f3ff]"
_CLUSTER = re.compile(rf"(?:[\U0001f1e6-\U0001f1ff]{{2}}|.)(?:{_JOINING}|(?<=\u200d).){{0,30}}", re.DOTALL)
"""What a reader sees as one sign, nearly: flags, accents and joined emoji are never cut in two."""

_LABELLED_LINK = re.compile(r"\](?=\(\s*<?\s*(?:[a-z][a-z0-9+.-]*:|//|www\.))", re.IGNORECASE)
_LINK_DEFINITION = re.compile(r"^([ \t>]*\[[^\]\n]+\]):", re.MULTILINE)
_TICKS = re.compile("(`{30})(?=`)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")


_CELLS = 10
"""Cells of a bar at most; a list that is no longer has one for each thing on it."""


def bar(progress: Progress) -> str:
    """How far it is as signs, `▰▰▰▱▱ 3/5`: a bar is full only when all is done."""
    cells = max(1, min(progress.total, _CELLS))
    full = cells * progress.done // max(1, progress.total)
    return f"{'▰' * full}{'▱' * (cells - full)} {progress.done}/{progress.total}"


def in_words(progress: Progress) -> str:
    """The bar, and what the agent is at: `▰▰▰▱▱ 3/5 · Writing tests`."""
    return f"{bar(progress)} · {progress.note}" if progress.note else bar(progress)


def fenced(code: str, syntax: str = "") -> str:
    """A block of code in Markdown that nothing in the code can end; nothing where there is no code."""
    if not code.strip():
        return ""
    code = _TICKS.sub("\\1\u200b", code)
    longest = max((len(ticks) for ticks in re.findall("`{3,}", code)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{syntax}\n{code}\n{fence}"


def visible(text: str) -> str:
    """`text` without control characters, and with signs that turn it around spelled out."""
    text = _SURROGATES.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _CONTROLS.sub("", text)
    text = _BIDI.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", text)
    return _STACKED.sub(r"\1", text)


def disarm_links(text: str) -> str:
    """Markdown in which no label hides where a link goes."""
    return _LINK_DEFINITION.sub(r"\1 :", _LABELLED_LINK.sub("] ", text))


def signs(text: str) -> Iterator[str]:
    """The signs of a text as a reader sees them."""
    for found in _CLUSTER.finditer(text):
        yield found[0]


def open_fence(text: str) -> str:
    """The code fence that is still open at the end of `text`, or nothing."""
    fence = ""
    for line in text.splitlines():
        found = _FENCE.match(line)
        if found is None:
            continue
        if not fence:
            fence = found[1]
        elif found[1].startswith(fence) and not found[2].strip():
            fence = ""
    return fence
