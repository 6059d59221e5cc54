"""What somebody is asked back: a button per name, or a list where those are too many, seen by them alone."""

from __future__ import annotations

from typing import Any

from bot.desk.asks import CHOOSE, Answer, Choice
from bot.platforms.slack.text import fit_line, mrkdwn

Json = dict[str, Any]

_BUTTONS = 25
_OPTIONS = 100
_LABEL = 75
_TEXT = 2_900


def blocks_of(answer: Answer) -> list[Json] | None:
    """How an answer looks that asks something back; None of others, which are text alone."""
    if answer.choice is None:
        return None
    said = {"type": "mrkdwn", "text": mrkdwn(answer.text, _TEXT), "verbatim": True}
    choice = answer.choice
    many = len(choice.names) > _BUTTONS
    elements = [_select(choice)] if many else [_button(choice, number) for number in range(len(choice.names))]
    return [{"type": "section", "text": said}, {"type": "actions", "elements": elements}]


def _button(choice: Choice, number: int) -> Json:
    return {
        "type": "button",
        "action_id": f"{CHOOSE}:{number}",
        "text": _plain(choice.names[number]),
        "value": f"{choice.draft_id} {number}",
    }


def _select(choice: Choice) -> Json:
    named = list(enumerate(choice.names))[:_OPTIONS]
    return {
        "type": "static_select",
        "action_id": f"{CHOOSE}:any",
        "placeholder": _plain("Choose one"),
        "options": [{"text": _plain(name), "value": f"{choice.draft_id} {number}"} for number, name in named],
    }


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": fit_line(text, _LABEL)}
