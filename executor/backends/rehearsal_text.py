"""What the rehearsal agent writes, as Markdown that means nothing but itself."""

from __future__ import annotations

import re


def code(text: str) -> str:
    """`text` as Markdown code that nothing in it can end."""
    text = visible(text)
    ticks = "`" * (1 + longest_ticks(text))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def escape(text: str) -> str:
    """`text` as Markdown that means nothing but itself."""
    return re.sub(r"([\\`*_\[\]<>#|~&!])", r"\\\1", visible(text))


def visible(text: str) -> str:
    """`text` on one line, without control characters and without what is not valid Unicode."""
    text = text.replace("\t", "    ").encode(errors="replace").decode()
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "", text)


def longest_ticks(text: str) -> int:
    """How many backticks stand together in it: a fence around it needs more."""
    return max(map(len, re.findall("`+", text)), default=0)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"


def count(number: int, noun: str) -> str:
    """So many of them, such as `1 file`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
