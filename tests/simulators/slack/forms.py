"""What a person's choice looks like on the wire: action fields and a view's state.values."""

from __future__ import annotations

from typing import Any

from tests.simulators.slack.reading import Json, elements

# Which field of an action or of the state carries the choice, by element type.
_SINGLE = {
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}
_MULTIPLE = {
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
}
_ONE_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
_MANY_OPTIONS = ("multi_static_select", "multi_external_select", "checkboxes")
_STATELESS = ("button", "overflow", "image", "feedback_buttons", "icon_button", "workflow_button")
REQUIRED = "Please complete this required field."


def chosen(element: Json, choice: Any) -> Json:
    """The element's fields after a person chose: option values or labels, text, ids; None means nothing."""
    kind = element["type"]
    if kind == "button":
        return {key: element[key] for key in ("text", "value", "style", "url") if key in element}
    if kind in _ONE_OPTION:
        return {"selected_option": None if choice is None else _option(element, choice)}
    if kind in _MANY_OPTIONS:
        return {"selected_options": [_option(element, one) for one in choice or []]}
    if kind in _MULTIPLE:
        return {_MULTIPLE[kind]: list(choice or [])}
    return {_SINGLE.get(kind, "value"): choice}


def _option(element: Json, choice: str) -> Json:
    if "external" in element["type"]:
        return {"text": {"type": "plain_text", "text": choice}, "value": choice}
    for option in options_of(element):
        if choice in (option.get("value"), option["text"]["text"]):
            return option
    raise AssertionError(f"no option {choice!r}; there are {[o.get('value') for o in options_of(element)]}")


def options_of(element: Json) -> list[Json]:
    """The options a person can choose from."""
    groups = [group["options"] for group in element.get("option_groups") or []]
    return [option for options in groups or [element.get("options") or []] for option in options]


def _untouched(element: Json) -> Json:
    kind = element["type"]
    if kind in _ONE_OPTION:
        return {"selected_option": element.get("initial_option")}
    if kind in _MANY_OPTIONS:
        return {"selected_options": element.get("initial_options", [])}
    field = _SINGLE.get(kind) or _MULTIPLE.get(kind, "value")
    initial = "initial_" + (field if field == "value" else field.removeprefix("selected_"))
    return {field: element.get(initial, [] if kind in _MULTIPLE else None)}


def state_values(blocks: list[Json], choices: dict[str, Any]) -> Json:
    """state.values: every input by block_id and action_id; the untouched ones are there with null."""
    values: Json = {}
    for block, element in elements(blocks):
        if element["type"] in _STATELESS:
            continue
        block_id = block["block_id"]
        fields = chosen(element, choices[block_id]) if block_id in choices else _untouched(element)
        values.setdefault(block_id, {})[element["action_id"]] = {"type": element["type"], **fields}
    return values


def refusals(blocks: list[Json], values: Json) -> dict[str, str]:
    """What Slack's own form refuses before the app hears of it, by block_id."""
    refused: dict[str, str] = {}
    for block, element in elements(blocks):
        if block.get("type") != "input":
            continue
        state = values[block["block_id"]][element["action_id"]]
        choice = next(value for key, value in state.items() if key != "type")
        if not choice and not block.get("optional", False):
            refused[block["block_id"]] = REQUIRED
        elif isinstance(choice, str) and len(choice) > element.get("max_length", 3000):
            refused[block["block_id"]] = f"Please enter at most {element.get('max_length', 3000)} characters."
        elif isinstance(choice, str) and len(choice) < element.get("min_length", 0) and choice:
            refused[block["block_id"]] = f"Please enter at least {element['min_length']} characters."
    return refused
