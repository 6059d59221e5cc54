"""The form to answer a question of an agent with, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.desk.asks import ANSWER, CHOICES, QUESTION, SAYS, Answer
from bot.platforms.base import CHOOSE, DENY, WHY, WORDS
from bot.platforms.slack.text import fit_line
from executor.questions import Choice, Question

Json = dict[str, Any]

CALLBACK = "job:answer"
_TEXT = "prompt"
_ENTRY = "entry"
_MOST_CHOICES = 100
_TITLE = 24
_LABEL = 75
_ASKED = 2_900
_ERROR = 300
_TITLES = {WHY: "Deny", WORDS: "Answer", CHOOSE: "Answer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A form that came back."""

    job_id: str
    args: Mapping[str, str]
    channel: str
    thread: str | None


def form(question: Question, says: str, channel: str, thread: str | None) -> Json:
    """The view to open for a button that says so, in this channel and thread."""
    asked = question.asked
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": " ".join([question.job_id, str(question.number), says, channel, thread or ""]),
        "title": _plain(_TITLES[says], _TITLE),
        "submit": _plain("Deny" if says == WHY else "Answer", _TITLE),
        "close": _plain("Back", _TITLE),
        "blocks": [
            {"type": "section", "text": _plain(asked.text, _ASKED)},
            *((_choices(question),) if says == CHOOSE else ()),
            _words(says),
        ],
    }


def read(view: Json) -> Sent:
    """What a form says that was sent."""
    job_id, number, says, channel, thread = view["private_metadata"].split(" ")
    values = {name: block[_ENTRY] for name, block in view["state"]["values"].items()}
    chosen = values.get(CHOICES, {})
    options = chosen.get("selected_options") or [chosen.get("selected_option") or {}]
    args = {
        QUESTION: number,
        SAYS: DENY if says == WHY else ANSWER,
        CHOICES: ",".join(str(option.get("value", "")) for option in options),
        _TEXT: str(values[_TEXT].get("value") or ""),
    }
    return Sent(job_id=job_id, args=args, channel=channel, thread=thread or None)


def errors(view: Json, answer: Answer) -> dict[str, str]:
    """A refusal, put beside the field it is about: by block, as plain text."""
    field = answer.field if answer.field in view["state"]["values"] else _TEXT
    return {field: fit_line(answer.text.partition("\n")[0], _ERROR)}


def _choices(question: Question) -> Json:
    asked = question.asked
    options = [_option(number, choice) for number, choice in enumerate(asked.choices[:_MOST_CHOICES], 1)]
    element: Json = {
        "type": "multi_static_select" if asked.several else "static_select",
        "action_id": _ENTRY,
        "placeholder": _plain("One or more" if asked.several else "One of them", _LABEL),
        "options": options,
    }
    return _input(CHOICES, "Choose", element, optional=True)


def _words(says: str) -> Json:
    label = {WHY: "Why not, and what to do instead", CHOOSE: "In your own words"}.get(says, "Your answer")
    element = {"type": "plain_text_input", "action_id": _ENTRY, "multiline": True}
    return _input(_TEXT, label, element, optional=says != WORDS)


def _input(name: str, label: str, element: Json, *, optional: bool) -> Json:
    return {
        "type": "input",
        "block_id": name,
        "label": _plain(label, _LABEL),
        "element": element,
        "optional": optional,
    }


def _option(number: int, choice: Choice) -> Json:
    option: Json = {"text": _plain(choice.label, _LABEL), "value": str(number)}
    return option | ({"description": _plain(choice.description, _LABEL)} if choice.description else {})


def _plain(text: str, most: int) -> Json:
    return {"type": "plain_text", "text": fit_line(text, most)}
