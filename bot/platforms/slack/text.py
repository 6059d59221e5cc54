"""Text into and out of Slack: typed words decoded once, all that is shown disarmed and cut to size."""

from __future__ import annotations

import re

from bot.platforms.text import ELLIPSIS, disarm_links, open_fence, signs, visible

__all__ = [
    "ELLIPSIS",
    "decode",
    "fit",
    "fit_field",
    "fit_line",
    "fit_markdown",
    "length",
    "mrkdwn",
    "without_mention",
]

_TYPED = re.compile(r"<((?:[@#!]|[A-Za-z][A-Za-z0-9+.-]*:)[^<>]+)>|&(?:lt|gt|amp);")
_ENTITY = re.compile(r"&(?:lt|gt|amp);")
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_ADDRESS = re.compile(r"&lt;(https?://[^\s|]+?)&gt;")
_EVERYBODY = ("channel", "everyone", "here")

_LONGEST_FENCE = 20


def decode(text: str) -> str:
    """What a person typed: entities decoded exactly once, mentions and links spelled out."""
    return _TYPED.sub(lambda found: _spelled(found[1]) if found[1] else _ENTITIES[found[0]], text)


def without_mention(text: str, user_id: str) -> str:
    """The raw text of a mention without the `<@user>` it begins with."""
    return re.sub(rf"^\s*<@{re.escape(user_id)}(?:\|[^<>]*)?>\s*", "", text)


def fit(text: str, most: int) -> str:
    """`text` made visible and escaped, in at most `most` UTF-16 units; a cut shows as an ellipsis."""
    shown = visible(text)
    whole = _escape(shown)
    if length(whole) <= most:
        return whole
    return _escape(_prefix(shown, most - 1)) + ELLIPSIS


def fit_field(text: str, most: int) -> str:
    """The beginning of `text`, untouched but for its length: what stands in a field is not shown but sent."""
    return text if length(text) <= most else _prefix(text, most - 1) + ELLIPSIS


def fit_line(text: str, most: int) -> str:
    """As `fit`, on one line, and never empty: Slack refuses a whole message for one empty text."""
    return fit(" ".join(text.split()), most) or ELLIPSIS


def fit_markdown(text: str, most: int) -> str:
    """As `fit`, for a markdown block: no label hides where a link goes, and a cut closes an open fence."""
    shown = disarm_links(visible(text))
    whole = _escape(shown)
    if length(whole) <= most:
        return whole
    kept = _prefix(shown, most - _LONGEST_FENCE - 3)
    fence = open_fence(kept)[:_LONGEST_FENCE]
    return "\n".join(part for part in (_escape(kept), fence, ELLIPSIS) if part)


def mrkdwn(text: str, most: int) -> str:
    """As `fit`, with Markdown's bold and `<address>` in Slack's own dialect, as messages are read in it."""
    return _ADDRESS.sub(r"<\1>", re.sub(r"\*\*([^*\n]+)\*\*", r"*\1*", fit(text, most)))


def _spelled(reference: str) -> str:
    """What stands between `<` and `>`, in words."""
    target, _, label = _ENTITY.sub(lambda found: _ENTITIES[found[0]], reference).partition("|")
    sign, name = target[:1], target[1:]
    if sign in ("@", "#"):
        return sign + (label or name)
    if sign == "!":
        return f"@{name}" if name in _EVERYBODY else label or f"<{target}>"
    # Slack links whatever looks like a domain, README.md too: there the label is what was typed.
    return label if target in (f"http://{label}", f"mailto:{label}") else target


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def length(text: str) -> int:
    """How long Slack may take it to be."""
    # Nobody says whether Slack counts characters or UTF-16 units; the larger number is safe for both.
    return len(text.encode("utf-16-le")) // 2


def _prefix(text: str, room: int) -> str:
    """The longest beginning that takes no more than `room` once it is escaped."""
    end = 0
    for sign in signs(text):
        room -= length(_escape(sign))
        if room < 0:
            break
        end += len(sign)
    return text[:end]
