"""What a person reads: blocks as plain text, their buttons, and who a text would notify."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]

_TOKEN = re.compile(r"<([^<>\n]*)>")
_RICH_LINES = ("rich_text_section", "rich_text_preformatted", "rich_text_quote")
_BROADCASTS = ("channel", "here", "everyone")
_NAMED = re.compile(r"(?<!\w)@(channel|here|everyone)\b")


def unescape(text: str) -> str:
    """Turn Slack's three entities back into characters, once."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def read_mrkdwn(text: str, names: Mapping[str, str]) -> str:
    """Resolve `<…>` tokens to what Slack shows; formatting marks such as `*` stay as they are."""
    return unescape(_TOKEN.sub(lambda match: _read_token(match[1], names), text))


def _read_token(token: str, names: Mapping[str, str]) -> str:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return "@" + names.get(target[1:], label or target[1:])
    if target.startswith("#"):
        return "#" + names.get(target[1:], label or target[1:])
    if target.startswith("!"):
        return label or "@" + target[1:]
    return label or target


def read_message(text: str, blocks: list[Json], names: Mapping[str, str]) -> str:
    """The whole message as a reader sees it: the blocks when there are any, else the text."""
    if not blocks:
        return read_mrkdwn(text, names)
    return "\n".join(line for line in (read_block(block, names) for block in blocks) if line)


def read_block(block: Json, names: Mapping[str, str]) -> str:
    """One block, or one element or text object inside it, as plain text."""
    match block.get("type"):
        case "divider":
            return "---"
        case "actions" | "context_actions":
            return " ".join(_read_all(block.get("elements"), names))
        case "context":
            return "  ".join(_read_all(block.get("elements"), names))
        case "image":
            return f"[image: {block.get('alt_text', '')}]"
        case "button" | "overflow":
            return f"[{_label(block)}]"
        case "table" | "data_table":
            return "\n".join(" | ".join(_read_all(row, names)) for row in block.get("rows", []))
        case "mrkdwn" | "markdown" | "raw_text":
            return read_mrkdwn(str(block.get("text", "")), names)
        case "plain_text":
            return unescape(str(block.get("text", "")))
        case kind if kind is not None and kind.startswith("rich_text"):
            separator = "" if kind in _RICH_LINES else "\n"
            return separator.join(_read_all(block.get("elements"), names))
        case _:
            return "\n".join(_read_parts(block, names))


def _read_parts(block: Json, names: Mapping[str, str]) -> Iterator[str]:
    match block.get("type"):  # the elements of rich text, which have no text object
        case "text" | "link":
            yield str(block.get("text") or block.get("url", ""))
            return
        case "user":
            yield "@" + names.get(block.get("user_id", ""), str(block.get("user_id")))
            return
        case "broadcast":
            yield "@" + str(block.get("range"))
            return
        case "emoji":
            yield f":{block.get('name')}:"
            return
    for key in ("title", "label", "text", "hint"):
        if isinstance(block.get(key), dict):
            yield read_block(block[key], names)
    yield from _read_all(block.get("fields"), names)
    if isinstance(block.get("element"), dict):
        yield read_block(block["element"], names)
    if isinstance(block.get("accessory"), dict):
        yield read_block(block["accessory"], names)
    for option in block.get("options") or []:
        yield f"( {read_block(option['text'], names)} )"


def _read_all(parts: Any, names: Mapping[str, str]) -> list[str]:
    return [text for text in (read_block(part, names) for part in parts or []) if text]


def _label(element: Json) -> str:
    text = element.get("text")
    return unescape(text["text"]) if isinstance(text, dict) else "…"


def elements(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with the block it stands in."""
    for block in blocks:
        found = (
            list(block.get("elements") or []) if block.get("type") in ("actions", "context_actions") else []
        )
        found += [block[key] for key in ("element", "accessory") if isinstance(block.get(key), dict)]
        for element in found:
            if "action_id" in element:
                yield block, element


def button_labels(blocks: list[Json]) -> list[str]:
    """The labels of the buttons a reader can press now, in order."""
    return [_label(element) for _, element in elements(blocks) if element.get("type") == "button"]


def mentions(text: str, blocks: list[Json], *, markdown: bool, link_names: bool = False) -> list[str]:
    """Who an unescaped text would notify: "channel", "here", "everyone", "subteam" or a user id."""
    found: list[str] = []
    for part in (text, *_notifying_texts(blocks, markdown)):
        found += [who for who in map(_mentioned, _TOKEN.findall(part)) if who]
        if link_names:
            found += _NAMED.findall(part)
    found += [str(part.get("range") or part.get("user_id")) for part in _rich_mentions(blocks)]
    return list(dict.fromkeys(found))


def _mentioned(token: str) -> str | None:
    target = token.partition("|")[0]
    if target.startswith("@"):
        return target[1:]
    word = target.lstrip("!").partition("^")[0]
    return word if target.startswith("!") and word in (*_BROADCASTS, "subteam") else None


def _notifying_texts(node: Any, markdown: bool) -> Iterator[str]:
    kinds = ("mrkdwn", "markdown") if markdown else ("mrkdwn",)
    for part in _walk(node):
        if part.get("type") in kinds and isinstance(part.get("text"), str):
            yield part["text"]


def _rich_mentions(node: Any) -> Iterator[Json]:
    return (part for part in _walk(node) if part.get("type") in ("user", "broadcast"))


def _walk(node: Any) -> Iterator[Json]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _walk(child)
