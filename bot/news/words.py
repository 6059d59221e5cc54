"""Figures and texts as people read them. Pure."""

from __future__ import annotations

import re

UNKNOWN = "unknown"


def money(usd: float | None) -> str:
    """`$0.42`; small sums keep the digits that matter."""
    if usd is None:
        return UNKNOWN
    return f"${usd:.4f}" if 0 < usd < 0.01 else f"${usd:.2f}"


def duration(milliseconds: float | None) -> str:
    """`0.8s`, `42s`, `2m 13s`, `1h 05m`."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 9_950:
        return f"{milliseconds / 1000:.1f}s"
    seconds = round(milliseconds / 1000)
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}m {seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m"


def excerpt(text: str, length: int) -> str:
    """The text on one line, cut at a word where that is near."""
    flat = re.sub(r"\s+", " ", text).strip()
    if len(flat) <= length:
        return flat
    cut = flat[: length - 1]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > length // 2 else cut) + "…"
