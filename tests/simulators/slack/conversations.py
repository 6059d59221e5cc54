"""What the bot may read about its workspace: auth.test, users.info and the conversations.* methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.simulators.slack.arguments import ApiError, Args
from tests.simulators.slack.model import Channel, Message, User
from tests.simulators.slack.reading import Json
from tests.simulators.slack.state import Workspace

TEAM_DOMAIN = "loopback"


def need_scope(workspace: Workspace, scope: str) -> None:
    """Refuse with missing_scope, naming what is needed, when the scope was not granted."""
    if scope not in workspace.scopes:
        provided = ",".join(sorted(workspace.scopes))
        raise ApiError("missing_scope", needed=scope, provided=provided)


def direct_channel(workspace: Workspace, user: User) -> Channel:
    """The direct messages between a person and the bot."""
    for channel in workspace.channels.values():
        if channel.kind == "im" and user.id in channel.members:
            return channel
    channel = Channel(
        id=workspace.new_id("D"),
        name="directmessage",
        kind="im",
        members={user.id},
        names=workspace.names,
    )
    workspace.channels[channel.id] = channel
    return channel


def find_channel(workspace: Workspace, wanted: str, *, by_name: bool = False) -> Channel:
    """A channel the bot may know of; posting also takes a name or a user's id."""
    channel = workspace.channels.get(wanted)
    if by_name and wanted in workspace.users:
        channel = direct_channel(workspace, workspace.users[wanted])
    if by_name and channel is None:
        named = [c for c in workspace.channels.values() if c.name == wanted.removeprefix("#")]
        channel = named[0] if named and named[0].kind != "im" else None
    # A private channel does not exist for those who are not in it.
    if channel is None or (channel.kind == "private" and not channel.bot_is_member):
        raise ApiError("channel_not_found")
    return channel


def membership(channel: Channel) -> None:
    """Refuse with not_in_channel where the bot was not invited."""
    if not channel.bot_is_member:
        raise ApiError("not_in_channel")


def find_message(channel: Channel, ts: str) -> Message:
    """The message with this id."""
    message = channel.all_messages.get(ts)
    if message is None or message.deleted:
        raise ApiError("message_not_found")
    return message


def page_url(message: Message) -> str:
    """The permalink of a message."""
    path = f"archives/{message.channel.id}/p{message.ts.replace('.', '')}"
    thread = f"?thread_ts={message.thread_ts}&cid={message.channel.id}" if message.thread_ts else ""
    return f"https://{TEAM_DOMAIN}.slack.com/{path}{thread}"


def auth_test(workspace: Workspace, args: Args) -> Json:
    """auth.test."""
    return {
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": TEAM_DOMAIN,
        "user": workspace.bot_name.lower(),
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user_id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def user_info(workspace: Workspace, args: Args) -> Json:
    """users.info, for people and for the bot itself."""
    need_scope(workspace, "users:read")
    wanted = args.required("user")
    if wanted not in workspace.names or wanted in workspace.channels:
        raise ApiError("user_not_found")
    user = workspace.users.get(wanted)
    name = workspace.names[wanted]
    body = {
        "id": wanted,
        "team_id": workspace.team_id,
        "name": user.handle if user else name.lower(),
        "real_name": name,
        "deleted": False,
        "is_bot": user is None,
        "is_admin": bool(user and user.is_admin),
        "profile": {"real_name": name, "display_name": name},
    }
    if user is not None:
        now = datetime.now(ZoneInfo(user.tz))
        offset = now.utcoffset()
        body |= {
            "tz": user.tz,
            "tz_label": now.tzname(),
            "tz_offset": int(offset.total_seconds()) if offset else 0,
        }
    return {"user": body}


def info(workspace: Workspace, args: Args) -> Json:
    """conversations.info."""
    channel = find_channel(workspace, args.required("channel"))
    need_scope(workspace, f"{channel.scope_prefix}:read")
    if channel.kind == "im":
        user = next(iter(channel.members))
        return {"channel": {"id": channel.id, "is_im": True, "user": user, "is_archived": False}}
    body = {
        "id": channel.id,
        "name": channel.name,
        "is_channel": channel.kind == "channel",
        "is_group": channel.kind == "private",
        "is_private": channel.kind == "private",
        "is_im": False,
        "is_archived": channel.archived,
        "is_member": channel.bot_is_member,
        "context_team_id": workspace.team_id,
    }
    if args.flag("include_num_members"):
        body["num_members"] = len(_members(workspace, channel))
    return {"channel": body}


def _members(workspace: Workspace, channel: Channel) -> list[str]:
    return sorted(channel.members) + ([workspace.bot_user_id] if channel.bot_is_member else [])


def members(workspace: Workspace, args: Args) -> Json:
    """conversations.members."""
    channel = find_channel(workspace, args.required("channel"))
    need_scope(workspace, f"{channel.scope_prefix}:read")
    start, limit = _start(args), args.number("limit", 100)
    everyone = _members(workspace, channel)
    return {"members": everyone[start : start + limit], **_next_page(start + limit, len(everyone))}


def open_direct(workspace: Workspace, args: Args) -> Json:
    """conversations.open, for the direct messages with one person."""
    need_scope(workspace, "im:write")
    user = workspace.users.get(args.required("users"))
    if user is None:
        raise ApiError("user_not_found")
    return {"channel": {"id": direct_channel(workspace, user).id}}


def history(workspace: Workspace, args: Args) -> Json:
    """conversations.history: newest first, without the replies in threads."""
    channel = _readable(workspace, args)
    shown = [
        message
        for message in channel.all_messages.values()
        if (message.is_top_level or message.broadcast) and (not message.deleted or message.thread)
    ]
    return _page(workspace, args, [m for m in reversed(shown) if _in_window(m, args)], default=100)


def replies(workspace: Workspace, args: Args) -> Json:
    """conversations.replies: the parent, then its replies, oldest first."""
    channel = _readable(workspace, args)
    parent = channel.all_messages.get(args.required("ts"))
    if parent is None:
        raise ApiError("thread_not_found")
    shown = [parent, *(reply for reply in parent.thread if _in_window(reply, args))]
    return _page(workspace, args, shown, default=1000)


def _readable(workspace: Workspace, args: Args) -> Channel:
    channel = find_channel(workspace, args.required("channel"))
    need_scope(workspace, f"{channel.scope_prefix}:history")
    membership(channel)
    return channel


def _in_window(message: Message, args: Args) -> bool:
    inclusive = args.flag("inclusive")
    oldest, latest = args.text("oldest") or "0", args.text("latest") or "inf"
    ts = float(message.ts)
    return (float(oldest) < ts < float(latest)) or (inclusive and message.ts in (oldest, latest))


def _page(workspace: Workspace, args: Args, shown: list[Message], *, default: int) -> Json:
    start, limit = _start(args), min(args.number("limit", default), 999)
    with_metadata = args.flag("include_all_metadata")
    return {
        "messages": [
            workspace.message_body(message, with_metadata=with_metadata)
            for message in shown[start : start + limit]
        ],
        "has_more": len(shown) > start + limit,
        **_next_page(start + limit, len(shown)),
    }


def _start(args: Args) -> int:
    cursor = args.text("cursor")
    if cursor and not cursor.removeprefix("next:").isdigit():
        raise ApiError("invalid_cursor")
    return int(cursor.removeprefix("next:") or 0)


def _next_page(start: int, count: int) -> Json:
    return {"response_metadata": {"next_cursor": f"next:{start}" if start < count else ""}}


METHODS: Mapping[str, Callable[[Workspace, Args], Json]] = {
    "auth.test": auth_test,
    "conversations.history": history,
    "conversations.info": info,
    "conversations.members": members,
    "conversations.open": open_direct,
    "conversations.replies": replies,
    "users.info": user_info,
}
