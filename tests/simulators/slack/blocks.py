"""Block Kit as Slack checks it: what is wrong with the blocks of a message or view, in Slack's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.simulators.slack.reading import Json

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
_ELEMENTS_OF = {"actions": 25, "context_actions": 5, "context": 10}
_CHOICES = {"overflow": 5, "checkboxes": 10, "radio_buttons": 10}
_SELECTS = ("static_select", "multi_static_select", "external_select", "multi_external_select")
_OTHER_ELEMENTS = (
    "users_select",
    "multi_users_select",
    "conversations_select",
    "multi_conversations_select",
    "channels_select",
    "multi_channels_select",
    "plain_text_input",
    "number_input",
    "email_text_input",
    "url_text_input",
    "rich_text_input",
    "file_input",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "feedback_buttons",
    "icon_button",
    "workflow_button",
    "image",
)
_UNCHECKED_BLOCKS = (
    "divider",
    "rich_text",
    "file",
    "video",
    "task_card",
    "plan",
    "alert",
    "card",
    "carousel",
    "container",
)


def problems(blocks: Any, *, at: str = "/blocks", most: int = MESSAGE_BLOCKS) -> list[str]:
    """Slack's complaints about these blocks, each with its JSON pointer; empty when they are fine."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return [f"must be an array of blocks [json-pointer:{at}]"]
    found: list[str] = []
    if len(blocks) > most:
        found.append(f"no more than {most} items allowed [json-pointer:{at}]")
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        found += _block(block, f"{at}/{number}")
        block_id = block.get("block_id")
        if block_id and block_id in seen:
            found.append(f"`block_id` {block_id!r} already exists [json-pointer:{at}/{number}/block_id]")
        seen.add(block_id or "")
    return found


def markdown_length(blocks: list[Json]) -> int:
    """The characters in all markdown blocks together, which Slack limits per payload."""
    return sum(len(str(block.get("text", ""))) for block in blocks if block.get("type") == "markdown")


def view_problems(view: Any, kinds: tuple[str, ...]) -> list[str]:
    """Slack's complaints about a modal or home view."""
    if not isinstance(view, dict) or view.get("type") not in kinds:
        return ["must be a view of an allowed type [json-pointer:/view/type]"]
    found = problems(view.get("blocks"), at="/view/blocks", most=VIEW_BLOCKS)
    found += _length(view.get("callback_id"), 255, "/view/callback_id")
    found += _length(view.get("private_metadata"), 3000, "/view/private_metadata")
    if view["type"] == "modal":
        found += _text(view.get("title"), 24, "/view/title", plain=True)
        for key in ("submit", "close"):
            if key in view:
                found += _text(view[key], 24, f"/view/{key}", plain=True)
        has_input = any(isinstance(b, dict) and b.get("type") == "input" for b in view.get("blocks") or [])
        if has_input and "submit" not in view:
            found.append("missing required field: submit [json-pointer:/view]")
    return found


def _block(block: Json, at: str) -> Iterator[str]:
    yield from _length(block.get("block_id"), 255, f"{at}/block_id")
    match block.get("type"):
        case "section":
            yield from _section(block, at)
        case "header":
            yield from _text(block.get("text"), 150, f"{at}/text", plain=True)
        case "actions" | "context_actions" | "context":
            yield from _row(block, at)
        case "input":
            yield from _text(block.get("label"), 2000, f"{at}/label", plain=True)
            if "hint" in block:
                yield from _text(block["hint"], 2000, f"{at}/hint", plain=True)
            yield from _element(block.get("element"), f"{at}/element")
        case "image":
            yield from _required(block, ("alt_text",), at)
            yield from _length(block.get("alt_text"), 2000, f"{at}/alt_text")
            yield from _length(block.get("image_url"), 3000, f"{at}/image_url")
        case "markdown":
            yield from _required(block, ("text",), at)
        case "table" | "data_table":
            yield from _table(block, at)
        case kind if kind not in _UNCHECKED_BLOCKS:
            yield f"unsupported type: {kind} [json-pointer:{at}/type]"


def _section(block: Json, at: str) -> Iterator[str]:
    if "text" not in block and not block.get("fields"):
        yield f"missing required field: text [json-pointer:{at}]"
    if "text" in block:
        yield from _text(block["text"], 3000, f"{at}/text")
    fields = block.get("fields") or []
    if len(fields) > 10:
        yield f"no more than 10 items allowed [json-pointer:{at}/fields]"
    for number, text in enumerate(fields):
        yield from _text(text, 2000, f"{at}/fields/{number}")
    if "accessory" in block:
        yield from _element(block["accessory"], f"{at}/accessory")


def _row(block: Json, at: str) -> Iterator[str]:
    most = _ELEMENTS_OF[block["type"]]
    row = block.get("elements")
    if not isinstance(row, list) or not row:
        yield f"no fewer than 1 items allowed [json-pointer:{at}/elements]"
        return
    if len(row) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}/elements]"
    seen: set[str] = set()
    for number, element in enumerate(row):
        here = f"{at}/elements/{number}"
        if block["type"] == "context" and isinstance(element, dict) and element.get("type") != "image":
            yield from _text(element, 3000, here)
            continue
        yield from _element(element, here)
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if action_id and action_id in seen:
            yield f"`action_id` {action_id!r} already exists [json-pointer:{here}/action_id]"
        seen.add(action_id or "")


def _table(block: Json, at: str) -> Iterator[str]:
    rows = block.get("rows") or []
    most = 101 if block["type"] == "data_table" else 100
    if not rows:
        yield f"no fewer than 1 items allowed [json-pointer:{at}/rows]"
    if len(rows) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}/rows]"
    if any(len(row) > 20 for row in rows):
        yield f"no more than 20 items allowed [json-pointer:{at}/rows]"
    if block["type"] == "data_table":
        yield from _required(block, ("caption",), at)


def _element(element: Any, at: str) -> Iterator[str]:
    if not isinstance(element, dict):
        yield f"must be an object [json-pointer:{at}]"
        return
    yield from _length(element.get("action_id"), 255, f"{at}/action_id")
    if "placeholder" in element:
        yield from _text(element["placeholder"], 150, f"{at}/placeholder", plain=True)
    if "confirm" in element:
        yield from _confirm(element["confirm"], f"{at}/confirm")
    match element.get("type"):
        case "button":
            yield from _button(element, at)
        case "plain_text_input":
            yield from _field(element, at)
        case kind if kind in _SELECTS or kind in _CHOICES:
            yield from _choices(element, at)
        case kind if kind not in _OTHER_ELEMENTS:
            yield f"unsupported type: {kind} [json-pointer:{at}/type]"


def _button(element: Json, at: str) -> Iterator[str]:
    yield from _text(element.get("text"), 75, f"{at}/text", plain=True)
    yield from _length(element.get("value"), 2000, f"{at}/value")
    yield from _length(element.get("url"), 3000, f"{at}/url")
    if element.get("style", "primary") not in ("primary", "danger"):
        yield f"must be one of: primary, danger [json-pointer:{at}/style]"


def _field(element: Json, at: str) -> Iterator[str]:
    """Slack counts as JavaScript does, in UTF-16 units."""
    most = element.get("max_length", 3000)
    if len(str(element.get("initial_value", "")).encode("utf-16-le")) // 2 > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}/initial_value]"


def _choices(element: Json, at: str) -> Iterator[str]:
    if "external" in element["type"]:
        return
    most = _CHOICES.get(element["type"], 100)
    groups = [group.get("options") or [] for group in element.get("option_groups") or []]
    for options in groups or [element.get("options") or []]:
        if not options:
            yield f"no fewer than 1 items allowed [json-pointer:{at}/options]"
        if len(options) > most:
            yield f"no more than {most} items allowed [json-pointer:{at}/options]"
        for number, option in enumerate(options):
            yield from _text(option.get("text"), 75, f"{at}/options/{number}/text")
            yield from _length(option.get("value"), 150, f"{at}/options/{number}/value")
    known = [option for options in groups or [element.get("options") or []] for option in options]
    initial = element.get("initial_options") or [
        element[key] for key in ("initial_option",) if key in element
    ]
    if any(option not in known for option in initial):
        yield f"must match one of the options [json-pointer:{at}/initial_option]"


def _confirm(confirm: Json, at: str) -> Iterator[str]:
    for key, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        if key in confirm:
            yield from _text(confirm[key], most, f"{at}/{key}")


def _text(text: Any, most: int, at: str, *, plain: bool = False) -> Iterator[str]:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        yield f"missing required field: text [json-pointer:{at}]"
        return
    if text.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
        yield f"unsupported type: {text.get('type')} [json-pointer:{at}/type]"
    if not text["text"]:
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    yield from _length(text["text"], most, f"{at}/text")


def _length(value: Any, most: int, at: str) -> Iterator[str]:
    if isinstance(value, str) and len(value) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}]"


def _required(block: Json, keys: tuple[str, ...], at: str) -> Iterator[str]:
    for key in keys:
        if not block.get(key):
            yield f"missing required field: {key} [json-pointer:{at}]"
