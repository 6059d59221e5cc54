"""The simulated guild: who and what is there, who saw what, and a signal at every change."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from uuid import uuid4

from tests.simulators.changes import Changes
from tests.simulators.discord.components import texts
from tests.simulators.discord.errors import ApiError, Json
from tests.simulators.discord.model import (
    Call,
    Channel,
    File,
    Interaction,
    Message,
    Ping,
    User,
    Version,
)
from tests.simulators.discord.rates import Rules

_EPOCH_MS = 1_420_070_400_000
_PINGS = re.compile(r"<@!?(\d+)>|<@&(\d+)>|@(everyone|here)")
EPHEMERAL = 64


class Guild:
    """The state behind REST and gateway; every method that changes something gives the signal."""

    def __init__(self, *, rules: Rules, clock: Callable[[], float], bot_name: str, name: str) -> None:
        self.rules = rules
        self.clock = clock
        self.name = name
        self.changes = Changes()
        self.publish: Callable[[str, Json], None] = lambda event, data: None
        self.tell: Callable[[Message], None] = lambda message: None
        """Sends the event of a new message."""
        self._last_id = 0
        self.id = self.new_id()
        self.app_id = self.new_id()
        self.bot_id = self.app_id  # as for every bot made today
        self.bot_name = bot_name
        self.origin = ""  # the server's own address, known once it listens
        self.names: dict[str, str] = {self.bot_id: bot_name}
        self.users: dict[str, User] = {}
        self.roles: dict[str, str] = {self.id: "@everyone"}
        """Names by id."""
        self.channels: dict[str, Channel] = {}
        self.attached: dict[str, File] = {}
        """Channels and threads."""
        self.interactions: dict[str, Interaction] = {}
        """By token."""
        self.commands: dict[str, list[Json]] = {}
        """By scope: the guild's id, or nothing for the global ones."""
        self.readable = False
        """Whether the bot may read what people write."""
        self.calls: list[Call] = []
        self.pings: list[Ping] = []
        self._nonces: dict[tuple[str, str], tuple[float, Message]] = {}

    def new_id(self) -> str:
        """A snowflake, never twice, growing with time."""
        self._last_id = max(self._last_id + 1, (time.time_ns() // 1_000_000 - _EPOCH_MS) << 22)
        return str(self._last_id)

    def channel(self, channel_id: str, *, need: str = "view") -> Channel:
        """The channel, if the bot may do there what it needs to."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise ApiError(10003)
        denied = channel.denied | (channel.parent.denied if channel.parent else set())
        if "view" in denied:
            raise ApiError(50001)
        if need in denied:
            raise ApiError(50013)
        return channel

    def message(self, channel: Channel, message_id: str) -> Message:
        """A message that everybody sees there."""
        message = channel.all_messages.get(message_id)
        if message is None or message.deleted or message.only_for:
            raise ApiError(10008)
        return message

    def sent_before(self, author: str, nonce: str) -> Message | None:
        """The message that this author sent with this nonce within the last few minutes."""
        at, message = self._nonces.get((author, nonce), (0.0, None))
        return message if message is not None and self.clock() - at <= self.rules.nonce_s else None

    def post(
        self,
        channel: Channel,
        author: str,
        content: str,
        *,
        components: list[Json] | None = None,
        flags: int = 0,
        nonce: str | None = None,
        files: list[File] | None = None,
        reply_to: str | None = None,
        only_for: str = "",
        allowed_mentions: Json | None = None,
    ) -> Message:
        """Puts a message into the channel and notifies whom it may."""
        version = Version(at=self.clock(), content=content, components=components or [])
        message = Message(
            id=self.new_id(),
            channel=channel,
            author=author,
            history=[version],
            flags=flags,
            nonce=nonce,
            files=files or [],
            reply_to=reply_to,
            only_for=only_for,
            names=self.names,
        )
        channel.archived = False
        channel.all_messages[message.id] = message
        if not only_for:
            self.tell(message)
        if nonce is not None:
            self._nonces[author, nonce] = (self.clock(), message)
        if only_for:
            self.users[only_for].whispers.append(message)
        else:
            self.pings += self._pinged(message, allowed_mentions)
        self.changes.notify()
        return message

    def edit(self, message: Message, content: str, components: list[Json]) -> None:
        """Gives a message a new version; edits notify nobody."""
        message.history.append(Version(at=self.clock(), content=content, components=components))
        self.changes.notify()

    def start_thread(self, channel: Channel, message: Message, name: str) -> Channel:
        """A thread from a message; it has the message's id."""
        thread = Channel(id=message.id, name=name, parent=channel)
        channel.threads[message.id] = self.channels[message.id] = thread
        self.changes.notify()
        return thread

    def begin(self, type: int, user: User, channel: Channel, source: Message | None = None) -> Interaction:
        """An interaction, whose seconds start now."""
        interaction = Interaction(
            id=self.new_id(),
            token=uuid4().hex,
            type=type,
            user=user,
            channel=channel,
            created_at=self.clock(),
            source=source,
        )
        self.interactions[interaction.token] = interaction
        return interaction

    def _pinged(self, message: Message, allowed: Json | None) -> list[Ping]:
        shown = "\n".join([message.content, *texts(message.components)])
        parse = ["users", "roles", "everyone"] if allowed is None else allowed.get("parse") or []
        named = {kind: list(map(str, (allowed or {}).get(kind) or [])) for kind in ("users", "roles")}
        found = []
        for user, role, all_of_them in _PINGS.findall(shown):
            if user and ("users" in parse or user in named["users"]):
                found.append(self.names.get(user, user))
            elif role and ("roles" in parse or role in named["roles"]):
                found.append(role)
            elif all_of_them and "everyone" in parse:
                found.append(all_of_them)
        return [Ping(whom=whom, message=message) for whom in dict.fromkeys(found)]
