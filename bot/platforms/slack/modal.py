"""The form behind a bare `/job` and the shortcut, derived from the command table, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from json import dumps, loads
from typing import Any

from bot.desk.asks import Answer
from bot.desk.commands import FORM_OPTIONS, FORM_PROMPTS, JOB_COMMANDS, Command
from bot.desk.option_table import Option
from bot.platforms.slack.text import fit_field, fit_line, mrkdwn

Json = dict[str, Any]

CALLBACK = "job:compose"
PROMPT = "prompt"
MOST_FILES = 25
"""So many files of a message go with its form: what Slack keeps for a form is 3000 characters."""
CHANNEL = "channel"

_TYPE = "type"
_ENTRY = "entry"
_MOST_CHOICES = 100
_LABEL = 75
_HINT = 150
_PROMPT_HINT = 1_000
_ERROR = 300
_SECTION = 2_900
_FIELD = 3_000
"""Characters that Slack lets stand in a field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Where the form was asked for, and what it shall begin with."""

    channel: str = ""
    """Empty where the form has to ask for it."""
    thread: str | None = None
    prompt: str = ""
    files: Sequence[Sequence[str]] = ()
    """Ids and names of files that go with it."""

    @property
    def place(self) -> str:
        """Channel, thread and files, for Slack to keep with the form."""
        files = f" {dumps(self.files, ensure_ascii=False)}" if self.files else ""
        return f"{self.channel} {self.thread}{files}" if self.thread else self.channel

    @property
    def hint(self) -> str:
        """What goes with the prompt."""
        many = "The file of the message goes" if len(self.files) == 1 else "The files of the message go"
        return f"{many} with it." if self.files else ""


def form(asked: Asked, choices: Callable[[str], Sequence[str]]) -> Json:
    """The view to open. `choices` gives the values an option may take, the default first."""
    types = [_choice(command.verb, command.summary) for command in JOB_COMMANDS]
    kind = {"type": "static_select", "options": types, "initial_option": types[0]}
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": asked.place,
        "title": _plain("New job", 24),
        "submit": _plain("Start", 24),
        "close": _plain("Cancel", 24),
        "blocks": [
            *(() if asked.channel else (_channel(),)),
            _input(_TYPE, "What to do", kind),
            _prompt(asked),
            *(_optional(option, choices(option.name)) for option in FORM_OPTIONS),
        ],
    }


def notice(text: str) -> Json:
    """What somebody is told where no message of ours is seen."""
    said = {"type": "mrkdwn", "text": mrkdwn(text, _SECTION), "verbatim": True}
    return {
        "type": "modal",
        "title": _plain("Bifrost", 24),
        "close": _plain("Close", 24),
        "blocks": [{"type": "section", "text": said}],
    }


def place_of(view: Json) -> tuple[str, str | None, Sequence[Sequence[str]]]:
    """The channel that the form was asked for in, or asked for, its thread where there was one, its files."""
    channel, _, rest = view["private_metadata"].partition(" ")
    thread, _, files = rest.partition(" ")
    channel = channel or str(view["state"]["values"][CHANNEL][_ENTRY]["selected_conversation"])
    return channel, thread or None, loads(files) if files else ()


def verb_and_args(view: Json) -> tuple[str, Mapping[str, str]]:
    """The verb that was chosen and what was filled in; fields left alone are not among the args."""
    values = {name: _value(block[_ENTRY]) for name, block in view["state"]["values"].items()}
    args = {name: value for name, value in values.items() if value and name not in (_TYPE, CHANNEL)}
    return values[_TYPE], args


def errors(answer: Answer) -> dict[str, str]:
    """A refusal, put beside the field it is about: by block, as plain text."""
    fields = {option.name for option in FORM_OPTIONS} | {_TYPE, PROMPT, CHANNEL}
    field = answer.field if answer.field in fields else PROMPT
    return {field: fit_line(answer.text.partition("\n")[0], _ERROR)}


def _channel() -> Json:
    entry: Json = {
        "type": "conversations_select",
        "default_to_current_conversation": True,
        "filter": {"include": ["public", "private", "im"]},
    }
    block = _input(CHANNEL, "Where", entry)
    return block | {"hint": _plain("The channel that sees the job. I have to be in it.", _HINT)}


def _prompt(asked: Asked) -> Json:
    entry: Json = {
        "type": "plain_text_input",
        "multiline": True,
        "placeholder": _plain(_hint(JOB_COMMANDS[0]), _HINT),
    }
    kept = fit_field(asked.prompt, _FIELD)
    if kept:
        entry["initial_value"] = kept
    cut = "Only the beginning of the message fits in here." if kept != asked.prompt else ""
    hint = " ".join(filter(None, (cut, asked.hint, f"{FORM_PROMPTS}.")))
    # Not every type needs one; the desk says of which it is missed.
    return _input(PROMPT, "Prompt", entry) | {"optional": True, "hint": _plain(hint, _PROMPT_HINT)}


def _optional(option: Option, choices: Sequence[str]) -> Json:
    entry: Json = {"type": "plain_text_input"}
    if 0 < len(choices) <= _MOST_CHOICES:
        # Nothing is chosen beforehand: the default of one option depends on what is chosen in another.
        entry = {"type": "static_select", "options": [_choice(choice) for choice in choices]}
        entry["placeholder"] = _plain(f"{option.default or choices[0]}, unless you choose", _HINT)
    block = _input(option.name, option.name.capitalize(), entry)
    return block | {"optional": True, "hint": _plain(option.summary, _HINT)}


def _input(name: str, label: str, entry: Json) -> Json:
    element = entry | {"action_id": _ENTRY}
    return {"type": "input", "block_id": name, "label": _plain(label, _LABEL), "element": element}


def _choice(value: str, description: str = "") -> Json:
    choice: Json = {"text": _plain(value, _LABEL), "value": value}
    return choice | ({"description": _plain(description, _LABEL)} if description else {})


def _plain(text: str, most: int) -> Json:
    return {"type": "plain_text", "text": fit_line(text, most)}


def _hint(command: Command) -> str:
    return command.example.partition(" ")[2].partition(" ")[2]


def _value(entry: Json) -> str:
    chosen = entry.get("selected_option")
    return str((chosen or entry).get("value") or "")
