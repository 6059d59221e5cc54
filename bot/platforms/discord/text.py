"""Text into Discord: all that is shown disarmed and cut to size, counted in characters as Discord does."""

from __future__ import annotations

from discord.utils import escape_markdown, escape_mentions

from bot.platforms.text import ELLIPSIS, disarm_links, open_fence, signs, visible

_LONGEST_FENCE = 20


def fit_line(text: str, most: int) -> str:
    """`text` on one line, shown as it is and not as Markdown; never empty, for Discord refuses that."""
    shown = disarm_links(" ".join(visible(text).split()))
    whole = _escape(shown)
    if len(whole) <= most:
        return whole or ELLIPSIS
    room = most - 1
    while len(_escape(kept := _prefix(shown, room))) > most - 1:
        room -= 1 + len(_escape(kept)) - most
    return _escape(kept) + ELLIPSIS


def fit_plain(text: str, most: int) -> str:
    """As `fit_line`, for labels, which Discord shows without reading Markdown in them."""
    shown = " ".join(visible(text).split())
    return (shown if len(shown) <= most else _prefix(shown, most - 1) + ELLIPSIS) or ELLIPSIS


def fit_markdown(text: str, most: int) -> str:
    """Markdown in which no label hides where a link goes, never blank; a cut closes an open fence."""
    shown = escape_mentions(disarm_links(visible(text)))
    if len(shown) <= most:
        return shown if shown.strip() else ELLIPSIS
    kept = _prefix(shown, most - _LONGEST_FENCE - 3)
    fence = open_fence(kept)[:_LONGEST_FENCE]
    return "\n".join(part for part in (kept, fence, ELLIPSIS) if part)


def fit_code(code: str, syntax: str, most: int) -> str:
    """A block of code that nothing in it can end, for Discord knows no longer fences; nothing of no code."""
    if not code.strip():
        return ""
    shown = visible(code).replace("```", "`\u200b`\u200b`")
    room = most - len(f"```{syntax}\n\n```")
    kept = shown if len(shown) <= room else _prefix(shown, room - 1) + ELLIPSIS
    return f"```{syntax}\n{kept}\n```"


def _escape(text: str) -> str:
    # `<` begins channels, times and commands too.
    return escape_mentions(escape_markdown(text)).replace("<", "\\<")


def _prefix(text: str, room: int) -> str:
    """The longest beginning of at most `room` characters that cuts no sign in two."""
    end = 0
    for sign in signs(text):
        if end + len(sign) > room:
            break
        end += len(sign)
    return text[:end]
