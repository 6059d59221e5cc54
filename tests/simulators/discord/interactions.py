"""Answers to interactions: the first one within three seconds, all others within fifteen minutes."""

from __future__ import annotations

from tests.simulators.discord import payloads
from tests.simulators.discord.components import check_form
from tests.simulators.discord.errors import ApiError, Json, bad_form, check_length
from tests.simulators.discord.messages import Answer, Request, read_draft
from tests.simulators.discord.model import Interaction, Message
from tests.simulators.discord.state import EPHEMERAL, Guild

COMMAND, COMPONENT, AUTOCOMPLETE, FORM = 2, 3, 4, 5
SAY, DEFER, DEFER_UPDATE, UPDATE, CHOICES, OPEN_FORM = 4, 5, 6, 7, 8, 9
_FITTING = {
    COMMAND: {SAY, DEFER, OPEN_FORM},
    COMPONENT: {SAY, DEFER, DEFER_UPDATE, UPDATE, OPEN_FORM},
    AUTOCOMPLETE: {CHOICES},
    FORM: {SAY, DEFER, DEFER_UPDATE, UPDATE},
}


async def respond(guild: Guild, request: Request) -> Answer:
    """The first answer."""
    interaction = guild.interactions.get(request.params["token"])
    if interaction is None or interaction.id != request.params["interaction"]:
        raise ApiError(10062)
    if interaction.acked_at is not None:
        raise ApiError(40060)
    if interaction.failed or guild.clock() - interaction.created_at > guild.rules.ack_s:
        interaction.failed = True
        guild.changes.notify()
        raise ApiError(10062)
    kind = request.body.get("type")
    if kind not in _FITTING[interaction.type]:
        raise bad_form("type", f"Value must be one of {_FITTING[interaction.type]}.", "BASE_TYPE_CHOICES")
    data = request.body.get("data") or {}
    message = _apply(guild, interaction, kind, Request(params={}, query={}, body=data, files=request.files))
    interaction.response_type = kind
    interaction.acked_at = guild.clock()
    guild.changes.notify()
    return 200, _callback(guild, interaction, kind, message)


def _apply(guild: Guild, interaction: Interaction, kind: int, request: Request) -> Message | None:
    data = request.body
    match kind:
        case 4:
            interaction.original = _post(guild, interaction, request, data.get("flags") or 0)
            return interaction.original
        case 5:
            if (data.get("flags") or 0) & ~EPHEMERAL:
                raise bad_form("data.flags", "Only EPHEMERAL can be set when deferring.")
            interaction.loading, interaction.loading_flags = True, data.get("flags") or 0
        case 6:
            interaction.original = interaction.source
        case 7:
            interaction.original = interaction.source
            if interaction.source is not None:
                _edit(guild, interaction.source, request)
            return interaction.source
        case 8:
            _check_choices(data.get("choices"))
            interaction.choices = data["choices"]
        case 9:
            check_form(data)
            interaction.form = data
    return None


def _check_choices(choices: object) -> None:
    if not isinstance(choices, list) or len(choices) > 25:
        raise bad_form("data.choices", "Must be 25 or fewer in length.")
    for number, choice in enumerate(choices):
        check_length(f"data.choices.{number}.name", choice.get("name"), 1, 100)
        check_length(f"data.choices.{number}.value", choice.get("value"), 1, 100)


def _callback(guild: Guild, interaction: Interaction, kind: int, message: Message | None) -> Json:
    body: Json = {"interaction": {"id": interaction.id, "type": interaction.type}}
    if interaction.loading:
        body["interaction"] |= {
            "response_message_loading": True,
            "response_message_ephemeral": bool(interaction.loading_flags & EPHEMERAL),
        }
    if message is not None:
        body["interaction"]["response_message_id"] = message.id
        body["interaction"]["response_message_ephemeral"] = bool(message.only_for)
        body["resource"] = {"type": kind, "message": payloads.message(guild, message)}
    return body


def _post(guild: Guild, interaction: Interaction, request: Request, flags: int) -> Message:
    draft = read_draft(guild, request)
    return guild.post(
        interaction.channel,
        guild.bot_id,
        draft.content,
        components=draft.components,
        flags=draft.flags | flags,
        files=draft.files,
        only_for=interaction.user.id if flags & EPHEMERAL else "",
        allowed_mentions=request.body.get("allowed_mentions"),
    )


def _edit(guild: Guild, message: Message, request: Request) -> None:
    draft = read_draft(guild, request, before=message)
    message.flags = draft.flags
    guild.edit(message, draft.content, draft.components)


def _alive(guild: Guild, request: Request) -> Interaction:
    interaction = guild.interactions.get(request.params["token"])
    if interaction is None or request.params["app"] != guild.app_id or interaction.acked_at is None:
        raise ApiError(10015)
    if guild.clock() - interaction.created_at > guild.rules.token_s:
        raise ApiError(50027)
    return interaction


async def follow_up(guild: Guild, request: Request) -> Answer:
    """A further message; the first after a deferral takes the place of "thinking"."""
    interaction = _alive(guild, request)
    if interaction.loading:
        return _fill(guild, interaction, request)
    message = _post(guild, interaction, request, request.body.get("flags") or 0)
    interaction.followups.append(message)
    guild.changes.notify()
    return 200, payloads.message(guild, message)


async def edit_original(guild: Guild, request: Request) -> Answer:
    interaction = _alive(guild, request)
    if interaction.loading:
        return _fill(guild, interaction, request)
    if interaction.original is None or interaction.original.deleted:
        raise ApiError(10008)
    _edit(guild, interaction.original, request)
    return 200, payloads.message(guild, interaction.original)


def _fill(guild: Guild, interaction: Interaction, request: Request) -> Answer:
    interaction.original = _post(guild, interaction, request, interaction.loading_flags)
    interaction.loading = False
    guild.changes.notify()
    return 200, payloads.message(guild, interaction.original)


async def read_original(guild: Guild, request: Request) -> Answer:
    interaction = _alive(guild, request)
    if interaction.original is None or interaction.original.deleted:
        raise ApiError(10008)
    return 200, payloads.message(guild, interaction.original)


async def delete_original(guild: Guild, request: Request) -> Answer:
    interaction = _alive(guild, request)
    if interaction.original is None or interaction.original.deleted:
        raise ApiError(10008)
    interaction.original.deleted = True
    guild.changes.notify()
    return 204, None
