"""The chat.* and reactions.* methods: posting, editing, deleting."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulators.slack.arguments import ApiError, Args, invalid
from tests.simulators.slack.blocks import markdown_length, problems
from tests.simulators.slack.conversations import find_channel, find_message, membership, page_url
from tests.simulators.slack.limits import Rules
from tests.simulators.slack.model import Channel, Message
from tests.simulators.slack.reading import Json
from tests.simulators.slack.state import Workspace

NO_TEXT = "This content can't be displayed."
_METADATA_BYTES = 16_000


def checked_blocks(rules: Rules, blocks: Any) -> list[Json]:
    """The blocks, when Slack would take them."""
    if blocks is None:
        return []
    complaints = problems(blocks)
    if complaints:
        raise invalid("invalid_blocks", complaints)
    if markdown_length(blocks) > rules.markdown_characters:
        raise ApiError("msg_blocks_too_long")
    return list(blocks)


def content(workspace: Workspace, args: Args) -> tuple[str, list[Json]]:
    """The text and blocks of a message to post, checked and cut as Slack does."""
    text = args.text("text")
    blocks = checked_blocks(workspace.rules, args.structure("blocks", "invalid_blocks_format"))
    if "markdown_text" in args:
        if text or blocks:
            raise ApiError("markdown_text_conflict")
        if len(args.text("markdown_text")) > workspace.rules.markdown_characters:
            raise ApiError("msg_too_long")
        blocks = [{"type": "markdown", "text": args.required("markdown_text")}]
    if not text.strip() and not blocks and "attachments" not in args:
        raise ApiError("no_text")
    return (text or NO_TEXT)[: workspace.rules.post_text_truncated_at], blocks


def checked_metadata(args: Args) -> Json | None:
    """The metadata argument: an event type with its payload, or {} to clear it."""
    metadata = args.structure("metadata", "invalid_metadata_format")
    if not metadata:
        return None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
        raise ApiError("invalid_metadata_format")
    if not isinstance(metadata.get("event_type"), str):
        raise ApiError("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > _METADATA_BYTES:
        raise ApiError("metadata_too_large")
    return metadata


def thread_of(channel: Channel, args: Args) -> str | None:
    """The thread_ts argument, which must be a parent's."""
    if "thread_ts" not in args:
        return None
    parent = channel.all_messages.get(args.text("thread_ts"))
    if parent is None:
        raise ApiError("thread_not_found")
    if not parent.is_top_level:
        raise ApiError("cannot_reply_to_message")
    return parent.ts


def post_message(workspace: Workspace, args: Args) -> Json:
    """chat.postMessage."""
    channel = find_channel(workspace, args.required("channel"), by_name=True)
    if not (channel.kind == "channel" and "chat:write.public" in workspace.scopes):
        membership(channel)
    if channel.archived:
        raise ApiError("is_archived")
    text, blocks = content(workspace, args)
    thread_ts, metadata = thread_of(channel, args), checked_metadata(args)
    most = workspace.rules.post_text_split_over
    parts = [text] if blocks or most is None else [text[i : i + most] for i in range(0, len(text), most)]
    posted = [
        workspace.post(
            channel,
            workspace.bot_user_id,
            workspace.version(part, blocks, metadata),
            thread_ts=thread_ts,
            broadcast=args.flag("reply_broadcast"),
            link_names=args.flag("link_names") or args.text("parse") == "full",
        )
        for part in parts
    ]
    return _answer(workspace, posted[0])


def _answer(workspace: Workspace, message: Message) -> Json:
    body = workspace.message_body(message)
    return {"channel": message.channel.id, "ts": message.ts, "message": body}


def update(workspace: Workspace, args: Args) -> Json:
    """chat.update: text without blocks removes the blocks, omitted metadata stays."""
    message = _own_message(workspace, args, args.required("ts"), "cant_update_message")
    if len(args.text("text")) > workspace.rules.update_text:
        raise ApiError("msg_too_long")
    text, blocks = content(workspace, args)
    _check_rich_text_stays(message.blocks, blocks)
    metadata = checked_metadata(args) if "metadata" in args else message.metadata
    if not args.text("text"):
        text = message.text
    workspace.edit(message, workspace.version(text, blocks, metadata), edited=not blocks)
    return _answer(workspace, message) | {"text": text}


def _check_rich_text_stays(before: list[Json], after: list[Json]) -> None:
    for old, new in zip(before, after, strict=False):
        if old["type"] == "rich_text" and new["type"] != "rich_text":
            raise ApiError("block_mismatch")


def _own_message(workspace: Workspace, args: Args, ts: str, refusal: str) -> Message:
    channel = find_channel(workspace, args.required("channel"))
    message = find_message(channel, ts)
    if message.author != workspace.bot_user_id:
        raise ApiError(refusal)
    return message


def delete(workspace: Workspace, args: Args) -> Json:
    """chat.delete."""
    message = _own_message(workspace, args, args.required("ts"), "cant_delete_message")
    workspace.delete(message)
    return {"channel": message.channel.id, "ts": message.ts}


def post_ephemeral(workspace: Workspace, args: Args) -> Json:
    """chat.postEphemeral; the ts it answers is no message id."""
    channel = find_channel(workspace, args.required("channel"))
    membership(channel)
    user = workspace.users.get(args.required("user"))
    if user is None or user.id not in channel.members:
        raise ApiError("user_not_in_channel")
    text, blocks = content(workspace, args)
    version = workspace.version(text, blocks)
    shown = workspace.whisper(user, channel, version, "post", thread_of(channel, args))
    return {"message_ts": shown.ts}


def get_permalink(workspace: Workspace, args: Args) -> Json:
    """chat.getPermalink."""
    channel = find_channel(workspace, args.required("channel"))
    message = find_message(channel, args.required("message_ts"))
    return {"channel": channel.id, "permalink": page_url(message)}


def add_reaction(workspace: Workspace, args: Args) -> Json:
    """reactions.add."""
    users = _reacted_to(workspace, args).reactions.setdefault(args.text("name"), [])
    if workspace.bot_user_id in users:
        raise ApiError("already_reacted")
    users.append(workspace.bot_user_id)
    workspace.changes.notify()
    return {}


def remove_reaction(workspace: Workspace, args: Args) -> Json:
    """reactions.remove."""
    message = _reacted_to(workspace, args)
    users = message.reactions.get(args.text("name"), [])
    if workspace.bot_user_id not in users:
        raise ApiError("no_reaction")
    users.remove(workspace.bot_user_id)
    if not users:
        del message.reactions[args.text("name")]
    workspace.changes.notify()
    return {}


def _reacted_to(workspace: Workspace, args: Args) -> Message:
    channel = find_channel(workspace, args.required("channel"))
    membership(channel)
    message = find_message(channel, args.required("timestamp"))
    name = args.required("name")
    if name.strip(":") != name:
        raise ApiError("invalid_name")
    return message


METHODS: Mapping[str, Callable[[Workspace, Args], Json]] = {
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.update": update,
    "reactions.add": add_reaction,
    "reactions.remove": remove_reaction,
}
