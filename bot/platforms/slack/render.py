"""How an announcement looks on Slack: blocks, and the short text that stands for them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.platforms.base import APPROVE, DENY, Action, Announcement, Fact, Link, Reaction, Tone
from bot.platforms.slack.text import ELLIPSIS, fit, fit_line, fit_markdown, length
from bot.platforms.text import fenced, in_words

Json = dict[str, Any]

ACTION = "job:"
"""What the action_id of our buttons begins with; the verb follows."""
ANSWER = "answer:"
"""The same of buttons that answer a question; what they say follows."""

_EMOJI = {
    Tone.WAITING: "⏳",
    Tone.SCHEDULED: "⏰",
    Tone.RUNNING: "🔵",
    Tone.GOOD: "✅",
    Tone.BAD: "❌",
    Tone.STOPPED: "⏹️",
}
_USER_ID = re.compile(r"[UW][A-Z0-9]{2,20}")
_URL = re.compile(r"https?://[!#-;=?-~]{1,2900}")

# Slack refuses the whole message for one field over its limit; these stay below with room for our own signs.
_TITLE = 2_000
_MARKDOWN = 11_000
_CODE = 9_000
"""Of what all Markdown of a message may have: the body gets the rest."""
_FACTS = 2_900
_PROGRESS = 300
_FALLBACK_TITLE = 1_000
_FALLBACK_REST = 1_900
_ACTION_ID = 255
_VALUE = 2_000
_LABEL = 75
_CONFIRM_TEXT = 300
_CONFIRM_LABEL = 30
_BUTTONS = 25
_ELEMENTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What chat.postMessage and chat.update take. `text` is for notifications and screen readers."""

    text: str
    blocks: list[Json]


def render(announcement: Announcement) -> Message:
    """Within every limit of Slack's, whatever the announcement holds."""
    return Message(text=_fallback(announcement), blocks=named(parts(announcement)))


def parts(announcement: Announcement) -> list[Json]:
    """The blocks of an announcement, at most seven, for `named` to name."""
    blocks = (
        _head(announcement),
        _quote(announcement),
        _code(announcement),
        _body(announcement),
        _progress(announcement),
        _context(announcement),
        _buttons(announcement),
    )
    return [block for block in blocks if block is not None]


def named(blocks: Iterable[Json]) -> list[Json]:
    """The blocks, each under an id of its own that changes with what it says."""
    return [_named(number, block) for number, block in enumerate(blocks)]


def _headline(announcement: Announcement, most: int) -> str:
    mention = f"<@{announcement.mention}> " if _USER_ID.fullmatch(announcement.mention) else ""
    return f"{mention}{_EMOJI[announcement.tone]} *{fit_line(announcement.title, most)}*"


def _head(announcement: Announcement) -> Json | None:
    if announcement.shape.bare:
        return None
    text = {"type": "mrkdwn", "text": _headline(announcement, _TITLE), "verbatim": True}
    return {"type": "section", "text": text}


def _quote(announcement: Announcement) -> Json | None:
    """Plain text, for in mrkdwn and Markdown a star or a tick of a person's would be markup."""
    text = fit(announcement.quote, _FACTS)
    return {"type": "section", "text": _literal(text)} if text.strip() else None


def _code(announcement: Announcement) -> Json | None:
    shown = fenced(fit(announcement.code, _CODE), announcement.syntax)
    return {"type": "markdown", "text": shown} if shown else None


def _body(announcement: Announcement) -> Json | None:
    text = announcement.body
    if announcement.shape.bare:
        text = text if text.strip() else announcement.title
    elif not text.strip():
        return None
    above = _code(announcement)
    room = _MARKDOWN - (length(above["text"]) if above else 0)
    return {"type": "markdown", "text": fit_markdown(text, room) or ELLIPSIS}


def _progress(announcement: Announcement) -> Json | None:
    if announcement.progress is None:
        return None
    return {"type": "section", "text": _literal(fit_line(in_words(announcement.progress), _PROGRESS))}


def _context(announcement: Announcement) -> Json | None:
    facts = _facts([fact for fact in announcement.facts if fact.at is None])
    elements: list[Json] = [_literal(fit(facts, _FACTS))] if facts else []
    dated = [_dated(fact.label, fact.value, fact.at) for fact in announcement.facts if fact.at]
    elements += [{"type": "mrkdwn", "text": text, "verbatim": True} for text in dated]
    return {"type": "context", "elements": elements[:_ELEMENTS]} if elements else None


def _dated(label: str, value: str, at: datetime) -> str:
    """On the clock of whoever reads it; old apps show the value."""
    shown = f"{{date_short_pretty}} {{time}}|{fit_line(value.replace('|', '/'), _LABEL)}"
    return f"{fit_line(label, _LABEL)}: <!date^{int(at.timestamp())}^{shown}>"


def _facts(facts: Sequence[Fact]) -> str:
    pairs = (f"{fact.label}: {fact.value}" if fact.label else fact.value for fact in facts)
    return " · ".join(" ".join(pair.split()) for pair in pairs)


def _buttons(announcement: Announcement) -> Json | None:
    buttons: dict[str, Json] = {}
    pressed = (*map(_reaction, announcement.reactions), *map(_button, announcement.actions))
    for button in (*pressed, *_link_buttons(announcement.links)):
        # Slack refuses a block that holds one action_id twice.
        buttons.setdefault(button["action_id"], button)
    elements = [*buttons.values()][:_BUTTONS]
    return {"type": "actions", "elements": elements} if elements else None


def _button(action: Action) -> Json:
    button: Json = {
        "type": "button",
        "action_id": fit(f"{ACTION}{action.verb}", _ACTION_ID),
        "text": _plain(action.label, _LABEL),
        "value": fit(action.job_id, _VALUE),
    }
    if action.danger:
        button["style"] = "danger"
    if action.confirm:
        button["confirm"] = _confirm(action)
    return button


def _reaction(reaction: Reaction) -> Json:
    styles = {APPROVE: "primary", DENY: "danger"}
    button: Json = {
        "type": "button",
        "action_id": fit(f"{ANSWER}{reaction.says}", _ACTION_ID),
        "text": _plain(reaction.label, _LABEL),
        "value": fit(f"{reaction.job_id}:{reaction.question}", _VALUE),
    }
    return button | ({"style": styles[reaction.says]} if reaction.says in styles else {})


def _confirm(action: Action) -> Json:
    dialog: Json = {
        "title": _plain("Are you sure?", _CONFIRM_LABEL),
        "text": _plain(action.confirm, _CONFIRM_TEXT),
        # A lone "Cancel" would read as the way out of the dialog.
        "confirm": _plain(f"Yes, {action.label.lower()}", _CONFIRM_LABEL),
        "deny": _plain("No", _CONFIRM_LABEL),
    }
    return dialog | ({"style": "danger"} if action.danger else {})


def _link_buttons(links: Iterable[Link]) -> Iterable[Json]:
    for number, link in enumerate(links):
        if _URL.fullmatch(link.url):
            text = _plain(link.label, _LABEL)
            yield {"type": "button", "action_id": f"link:{number}", "text": text, "url": link.url}


def _literal(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


def _plain(text: str, most: int) -> Json:
    return {"type": "plain_text", "text": fit_line(text, most), "emoji": True}


def _named(number: int, block: Json) -> Json:
    # A changed block under its old block_id may keep showing its old self.
    content = hashlib.sha256(json.dumps(block, sort_keys=True).encode()).hexdigest()
    return block | {"block_id": f"{number}-{content[:16]}"}


def _fallback(announcement: Announcement) -> str:
    paged = announcement.shape.bare
    head = "" if paged else _headline(announcement, _FALLBACK_TITLE)
    body = announcement.body.strip() or (announcement.title if paged else "")
    progress = in_words(announcement.progress) if announcement.progress else ""
    code = announcement.code.strip()
    said = (announcement.quote.strip(), code, body, progress, _facts(announcement.facts))
    rest = fit("\n".join(part for part in said if part), _FALLBACK_REST)
    return "\n".join(part for part in (head, rest) if part) or ELLIPSIS
