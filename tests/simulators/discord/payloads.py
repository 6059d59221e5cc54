"""Discord's objects as JSON shows them."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.simulators.discord.errors import Json
from tests.simulators.discord.model import Channel, File, Interaction, Message, User
from tests.simulators.discord.state import Guild

_EPOCH_MS = 1_420_070_400_000
_PERMISSIONS = str((1 << 50) - 1)


def moment(snowflake: str) -> str:
    """When an id was given."""
    at_ms = (int(snowflake) >> 22) + _EPOCH_MS
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def user(id: str, name: str, *, bot: bool = False) -> Json:
    return {
        "id": id,
        "username": name.lower(),
        "global_name": name,
        "discriminator": "0",
        "avatar": None,
        "bot": bot,
        "flags": 0,
    }


def member(person: User) -> Json:
    return {
        "user": user(person.id, person.name),
        "roles": list(person.roles),
        "joined_at": moment(person.id),
        "deaf": False,
        "mute": False,
        "flags": 0,
        "nick": None,
        "permissions": _PERMISSIONS,
    }


def channel(guild: Guild, place: Channel) -> Json:
    body: Json = {
        "id": place.id,
        "type": 0 if place.parent is None else 11,
        "guild_id": guild.id,
        "name": place.name,
        "permissions": _PERMISSIONS,
    }
    if place.parent is None:
        return body | {"position": 0, "permission_overwrites": [], "parent_id": None, "nsfw": False}
    return body | {
        "parent_id": place.parent.id,
        "owner_id": guild.bot_id,
        "message_count": len(place.messages),
        "member_count": 1,
        "rate_limit_per_user": 0,
        "thread_metadata": {
            "archived": place.archived,
            "locked": place.locked,
            "auto_archive_duration": 1440,
            "archive_timestamp": moment(place.id),
        },
    }


def role(id: str, name: str) -> Json:
    return {
        "id": id,
        "name": name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": 0,
        "permissions": _PERMISSIONS,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


def guild_create(guild: Guild) -> Json:
    bot = member(User(id=guild.bot_id, name=guild.bot_name))
    return {
        "id": guild.id,
        "name": guild.name,
        "owner_id": guild.bot_id,
        "roles": [role(id, name) for id, name in guild.roles.items()],
        "emojis": [],
        "stickers": [],
        "features": [],
        "member_count": len(guild.users) + 1,
        "members": [bot | {"user": user(guild.bot_id, guild.bot_name, bot=True)}],
        "channels": [channel(guild, each) for each in guild.channels.values() if each.parent is None],
        "threads": [channel(guild, each) for each in guild.channels.values() if each.parent is not None],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "preferred_locale": "en-US",
        "afk_timeout": 300,
        "unavailable": False,
    }


def message_create(guild: Guild, shown: Message, *, readable: bool) -> Json:
    """MESSAGE_CREATE's body: only events say which member wrote it."""
    author = guild.users.get(shown.author)
    about = {name: value for name, value in member(author).items() if name != "user"} if author else {}
    body = message(guild, shown) | {"guild_id": guild.id} | ({"member": about} if about else {})
    return seen(guild, shown, body, readable=readable)


def seen(guild: Guild, shown: Message, body: Json, *, readable: bool) -> Json:
    """What a bot sees of a message: without the intent, what people say only where they mention it."""
    open_to_all = shown.author == guild.bot_id or f"<@{guild.bot_id}>" in shown.content
    return body if readable or open_to_all else body | {"content": "", "attachments": [], "components": []}


def message(guild: Guild, shown: Message, *, with_nonce: bool = True) -> Json:
    body: Json = {
        "id": shown.id,
        "channel_id": shown.channel.id,
        "author": user(shown.author, guild.names[shown.author], bot=shown.author == guild.bot_id),
        "content": shown.content,
        "components": shown.components,
        "timestamp": moment(shown.id),
        "edited_timestamp": datetime.now(UTC).isoformat() if len(shown.history) > 1 else None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [attachment(guild, file) for file in shown.files],
        "embeds": [],
        "pinned": False,
        "type": 19 if shown.reply_to else 0,
        "flags": shown.flags,
    }
    if shown.reactions:
        body["reactions"] = [
            {
                "emoji": {"id": None, "name": name},
                "count": 1,
                "count_details": {"burst": 0, "normal": 1},
                "me": True,
                "me_burst": False,
                "burst_colors": [],
            }
            for name in shown.reactions
        ]
    if shown.nonce is not None and with_nonce:
        body["nonce"] = shown.nonce
    if shown.reply_to:
        body["message_reference"] = {"message_id": shown.reply_to, "channel_id": shown.channel.id}
    return body


def attachment(guild: Guild, file: File) -> Json:
    url = file.url or f"{guild.origin}/attachments/{file.id}/{file.name}"
    return {
        "id": file.id,
        "filename": file.name,
        "size": len(file.content),
        "url": url,
        "proxy_url": url,
        "content_type": "application/octet-stream",
    }


def interaction(guild: Guild, done: Interaction, data: Json) -> Json:
    """INTERACTION_CREATE's body."""
    body: Json = {
        "id": done.id,
        "application_id": guild.app_id,
        "type": done.type,
        "token": done.token,
        "version": 1,
        "data": data,
        "guild_id": guild.id,
        "guild": {"id": guild.id, "locale": "en-US", "features": []},
        "channel_id": done.channel.id,
        "channel": channel(guild, done.channel),
        "member": member(done.user),
        "locale": "en-US",
        "guild_locale": "en-US",
        "app_permissions": _PERMISSIONS,
        "entitlements": [],
        "authorizing_integration_owners": {"0": guild.id},
        "context": 0,
        "attachment_size_limit": guild.rules.file_bytes,
    }
    if done.source is not None:
        body["message"] = message(guild, done.source)
    return body
