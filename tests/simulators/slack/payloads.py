"""What Slack sends the app when a person does something: the payloads of commands and interactions."""

from __future__ import annotations

import re
import time
from typing import Any

from tests.simulators.slack.conversations import TEAM_DOMAIN
from tests.simulators.slack.forms import chosen, state_values
from tests.simulators.slack.model import Channel, Ephemeral, Message, User, View
from tests.simulators.slack.reading import Json
from tests.simulators.slack.state import Workspace
from tests.simulators.slack.views import view_body

_URL = re.compile(r"https?://[^\s<>|]+")
_NAME_SHOWN = {"channel": None, "private": "privategroup", "im": "directmessage"}


def escape_typed(workspace: Workspace, text: str, *, labels: bool, names: bool = True) -> str:
    """What Slack makes of typed text: entities, `<url>`, and `<@U…>` with a label where it gives one."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    if not names:
        return text
    text = _URL.sub(lambda match: f"<{match[0]}>", text)
    bot = (workspace.bot_user_id, workspace.bot_name, workspace.bot_name.lower())
    known = [(user.id, user.name, user.handle) for user in workspace.users.values()]
    for user_id, name, handle in sorted([*known, bot], key=lambda one: -len(one[1])):
        for typed in {name, handle}:
            token = f"<@{user_id}|{handle}>" if labels else f"<@{user_id}>"
            text = re.sub(rf"(?<![\w</])@{re.escape(typed)}\b", token, text)
    for channel in workspace.channels.values():
        if channel.kind != "im":
            token = f"<#{channel.id}|{channel.name}>"
            text = re.sub(rf"(?<![\w<&/])#{re.escape(channel.name)}(?![\w-])", token, text)
    return text


def slash_command(workspace: Workspace, user: User, channel: Channel, command: str, text: str) -> Json:
    """A slash command; there is no thread_ts, because commands cannot be used in threads."""
    return {
        "token": "verification",
        "team_id": workspace.team_id,
        "team_domain": TEAM_DOMAIN,
        "channel_id": channel.id,
        "channel_name": _NAME_SHOWN[channel.kind] or channel.name,
        "user_id": user.id,
        "user_name": user.handle,
        "command": command,
        "text": escape_typed(workspace, text.strip(), labels=True, names=workspace.rules.should_escape),
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": workspace.new_response_url(user, channel),
        "trigger_id": workspace.new_trigger(user),
    }


def _interaction(workspace: Workspace, user: User, kind: str) -> Json:
    return {
        "type": kind,
        "token": "verification",
        "user": _user(workspace, user),
        "team": {"id": workspace.team_id, "domain": TEAM_DOMAIN},
        "enterprise": None,
        "is_enterprise_install": False,
        "api_app_id": workspace.app_id,
        "trigger_id": workspace.new_trigger(user),
    }


def _user(workspace: Workspace, user: User) -> Json:
    return {"id": user.id, "username": user.handle, "name": user.handle, "team_id": workspace.team_id}


def block_actions(
    workspace: Workspace,
    user: User,
    surface: Message | Ephemeral | View,
    block: Json,
    element: Json,
    choice: Any,
) -> Json:
    """A click or choice in a message, an ephemeral message, a modal or a home tab."""
    action = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": f"{time.time():.6f}",
        **chosen(element, choice),
    }
    choices = {block["block_id"]: choice} if element["type"] not in ("button", "overflow") else {}
    values = state_values([b for b in surface.blocks if b["block_id"] not in choices], {})
    values |= state_values([block], choices)
    if isinstance(surface, View):
        body = _interaction(workspace, user, "block_actions")
        return body | {
            "container": {"type": "view", "view_id": surface.id},
            "view": view_body(workspace, surface, values),
            "actions": [action],
        }
    return (
        _interaction(workspace, user, "block_actions")
        | _where(workspace, surface)
        | {
            "state": {"values": values},
            "response_url": workspace.new_response_url(user, surface.channel, surface),
            "actions": [action],
        }
    )


def _where(workspace: Workspace, surface: Message | Ephemeral) -> Json:
    ephemeral = isinstance(surface, Ephemeral)
    container = {
        "type": "message",
        "message_ts": surface.ts,
        "channel_id": surface.channel.id,
        "is_ephemeral": ephemeral,
    }
    if surface.thread_ts:
        container["thread_ts"] = surface.thread_ts
    where: Json = {"container": container, "channel": _channel(surface.channel)}
    if isinstance(surface, Message):  # Slack does not keep ephemeral messages, so it cannot send them
        where["message"] = workspace.message_body(surface)
    return where


def _channel(channel: Channel) -> Json:
    return {"id": channel.id, "name": _NAME_SHOWN[channel.kind] or channel.name}


def view_submission(workspace: Workspace, user: User, view: View, choices: dict[str, Any]) -> Json:
    """A submitted modal with everything that stands in its fields."""
    values = state_values(view.blocks, choices)
    body = _interaction(workspace, user, "view_submission")
    return body | {"view": view_body(workspace, view, values), "response_urls": []}


def view_closed(workspace: Workspace, user: User, view: View) -> Json:
    """A modal closed by its person; only sent where the app asked for it."""
    body = _interaction(workspace, user, "view_closed")
    return body | {"view": view_body(workspace, view), "is_cleared": False}


def shortcut(workspace: Workspace, user: User, callback_id: str, message: Message | None) -> Json:
    """A global shortcut, or a message shortcut when there is a message."""
    kind = "shortcut" if message is None else "message_action"
    body = _interaction(workspace, user, kind)
    body |= {"callback_id": callback_id, "action_ts": f"{time.time():.6f}"}
    if message is not None:
        body |= {
            "channel": _channel(message.channel),
            "message_ts": message.ts,
            "message": workspace.message_body(message),
            "response_url": workspace.new_response_url(
                user, message.channel, message if message.by_bot else None
            ),
        }
    return body
