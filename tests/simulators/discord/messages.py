"""Messages and threads over REST."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.simulators.discord import payloads
from tests.simulators.discord.components import V2_FLAG, check_components
from tests.simulators.discord.errors import ApiError, Json, bad_form, check_length
from tests.simulators.discord.model import Channel, File, Message
from tests.simulators.discord.state import Guild

MOST_CONTENT = 2_000
OLD_S = 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call that has been read: path, query and body."""

    params: dict[str, str]
    query: dict[str, str]
    body: Json
    files: list[tuple[str, bytes]] = field(default_factory=list)


Answer = tuple[int, object]
Handler = Callable[[Guild, Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message's content, once Discord's rules hold of it."""

    content: str
    components: list[Json]
    flags: int
    files: list[File]


def read_draft(guild: Guild, request: Request, *, before: Message | None = None) -> Draft:
    """What is to be said; raises where Discord would refuse it. `before` is the message that is edited."""
    body = request.body
    flags = body.get("flags") or 0
    old_flags = before.flags if before else 0
    v2 = bool((flags | old_flags) & V2_FLAG)
    content = body["content"] if body.get("content") is not None else ""
    if before is not None and "content" not in body:
        content = before.content
    check_length("content", content, 0, MOST_CONTENT)
    _check_v2(body, v2=v2)
    _check_mentions(body.get("allowed_mentions"))
    components = before.components if before else []
    if body.get("components") is not None:
        components = check_components(body["components"], v2=v2)
    files = [_file(guild, name, content) for name, content in request.files]
    if len(files) > 10:
        raise ApiError(30015, text="Maximum number of attachments in a message reached (10)")
    kept = before.files if before else []
    if not (content.strip() or components or files or kept or body.get("embeds")):
        raise ApiError(50006)
    return Draft(content=content, components=components, flags=flags | old_flags, files=files)


def _check_v2(body: Json, *, v2: bool) -> None:
    if not v2:
        return
    for name in ("content", "embeds", "poll", "sticker_ids", "stickers"):
        if body.get(name):
            why = f"The '{name}' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            raise bad_form(name, why, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2")


def _check_mentions(allowed: Json | None) -> None:
    for name in ("users", "roles"):
        named = (allowed or {}).get(name) or []
        if len(named) > 100:
            raise bad_form(f"allowed_mentions.{name}", "Must be 100 or fewer in length.")
        if named and name in ((allowed or {}).get("parse") or []):
            why = f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.'
            raise bad_form("allowed_mentions", why, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE")


def _file(guild: Guild, name: str, content: bytes) -> File:
    if len(content) > guild.rules.file_bytes:
        raise ApiError(50045, text="File uploaded exceeds the maximum size")
    return File(id=guild.new_id(), name=name, content=content)


async def send(guild: Guild, request: Request) -> Answer:
    channel = guild.channel(request.params["channel"], need="send")
    body = request.body
    nonce = None if body.get("nonce") is None else str(body["nonce"])
    if nonce is not None:
        check_length("nonce", nonce, 0, 25)
        before = guild.sent_before(guild.bot_id, nonce) if body.get("enforce_nonce") else None
        if before is not None:
            return 200, payloads.message(guild, before)
    if request.files:
        guild.channel(channel.id, need="attach")
    draft = read_draft(guild, request)
    if channel.locked:
        raise ApiError(160005)
    reference = (body.get("message_reference") or {}).get("message_id")
    if reference is not None:
        guild.message(channel, str(reference))
    message = guild.post(
        channel,
        guild.bot_id,
        draft.content,
        components=draft.components,
        flags=draft.flags,
        nonce=nonce,
        files=draft.files,
        reply_to=None if reference is None else str(reference),
        allowed_mentions=body.get("allowed_mentions"),
    )
    return 200, payloads.message(guild, message)


async def edit(guild: Guild, request: Request) -> Answer:
    channel = guild.channel(request.params["channel"])
    message = guild.message(channel, request.params["message"])
    if message.author != guild.bot_id:
        raise ApiError(50005)
    if channel.archived:
        raise ApiError(50083)
    if guild.clock() - message.history[0].at > OLD_S:
        message.old_edits += 1
        if message.old_edits > guild.rules.old_edits:
            raise ApiError(30046, retry_s=60)
    draft = read_draft(guild, request, before=message)
    message.flags = draft.flags
    guild.edit(message, draft.content, draft.components)
    return 200, payloads.message(guild, message)


async def read(guild: Guild, request: Request) -> Answer:
    channel = guild.channel(request.params["channel"])
    message = guild.message(channel, request.params["message"])
    return 200, payloads.message(guild, message, with_nonce=guild.rules.nonce_in_history)


async def read_all(guild: Guild, request: Request) -> Answer:
    """Newest first, unless `after` is given."""
    channel = guild.channel(request.params["channel"])
    limit = int(request.query.get("limit", 50))
    if not 1 <= limit <= 100:
        raise bad_form("limit", "int value should be between 1 and 100.", "NUMBER_TYPE_MAX")
    before, after = int(request.query.get("before", 1 << 63)), int(request.query.get("after", 0))
    found = [each for each in channel.messages if after < int(each.id) < before]
    page = list(reversed(found[:limit] if after else found[-limit:]))
    shown = guild.rules.nonce_in_history
    bodies = [(each, payloads.message(guild, each, with_nonce=shown)) for each in page]
    return 200, [payloads.seen(guild, each, body, readable=guild.readable) for each, body in bodies]


async def delete(guild: Guild, request: Request) -> Answer:
    message = guild.message(guild.channel(request.params["channel"]), request.params["message"])
    message.deleted = True
    guild.changes.notify()
    return 204, None


async def start_thread(guild: Guild, request: Request) -> Answer:
    channel = guild.channel(request.params["channel"], need="thread")
    message = guild.message(channel, request.params["message"])
    check_length("name", request.body.get("name"), 1, 100)
    if request.body.get("auto_archive_duration") not in (None, 60, 1440, 4320, 10080):
        raise bad_form("auto_archive_duration", "Value must be one of {60, 1440, 4320, 10080}.")
    if message.thread is not None:
        raise ApiError(160004)
    if sum(not thread.archived for thread in _threads(guild)) >= guild.rules.active_threads:
        raise ApiError(160006)
    thread = guild.start_thread(channel, message, request.body["name"])
    body = payloads.channel(guild, thread)
    guild.publish("THREAD_CREATE", body | {"newly_created": True})
    return 201, body


async def change_channel(guild: Guild, request: Request) -> Answer:
    channel = guild.channel(request.params["channel"])
    if "archived" in request.body:
        if channel.locked:
            raise ApiError(50013)
        channel.archived = bool(request.body["archived"])
    if "name" in request.body:
        check_length("name", request.body["name"], 1, 100)
        channel.name = request.body["name"]
    guild.changes.notify()
    return 200, payloads.channel(guild, channel)


async def open_direct(guild: Guild, request: Request) -> Answer:
    """The direct messages between a person and the bot."""
    person = guild.users.get(str(request.body.get("recipient_id")))
    if person is None:
        raise ApiError(50033, text="Invalid Recipient(s)")
    if person.direct is None:
        person.direct = Channel(id=guild.new_id(), name=f"@{person.name}")
        guild.channels[person.direct.id] = person.direct
    recipient = payloads.user(person.id, person.name)
    return 200, {"id": person.direct.id, "type": 1, "last_message_id": None, "recipients": [recipient]}


async def react(guild: Guild, request: Request) -> Answer:
    message = guild.message(guild.channel(request.params["channel"]), request.params["message"])
    if message.channel.archived:
        raise ApiError(50083)
    message.reactions.append(request.params["emoji"])
    guild.changes.notify()
    return 204, None


async def read_member(guild: Guild, request: Request) -> Answer:
    if request.params["guild"] != guild.id:
        raise ApiError(10004, text="Unknown Guild", status=404)
    person = guild.users.get(request.params["user"])
    if person is None:
        raise ApiError(10007, text="Unknown Member", status=404)
    return 200, payloads.member(person)


async def read_channel(guild: Guild, request: Request) -> Answer:
    return 200, payloads.channel(guild, guild.channel(request.params["channel"]))


def _threads(guild: Guild) -> list[Channel]:
    return [channel for channel in guild.channels.values() if channel.parent is not None]
