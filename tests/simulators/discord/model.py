"""What exists in the simulated guild: channels, threads, messages, interactions, calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.discord import components as parts
from tests.simulators.discord.errors import Json

_MENTION = re.compile(r"<@!?(\d+)>")
_ESCAPED = re.compile(r"\\([\\*_~`|<>#\-\[\]()])")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attachment."""

    id: str
    name: str
    content: bytes
    url: str = ""
    """Where Discord says that it lies; by default on the simulator's own host."""

    @property
    def text(self) -> str:
        return self.content.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a message said from a moment (the simulator's clock, seconds) on."""

    at: float
    content: str
    components: list[Json]


@dataclass(slots=True, kw_only=True, eq=False)
class Message:
    """A message; `history` keeps every version. `only_for` is the one person who sees an ephemeral one."""

    id: str
    channel: Channel
    author: str
    history: list[Version]
    flags: int = 0
    nonce: str | None = None
    files: list[File] = field(default_factory=list)
    reply_to: str | None = None
    only_for: str = ""
    deleted: bool = False
    reactions: list[str] = field(default_factory=list)
    """The emoji that the bot has put on it."""
    old_edits: int = 0
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> str:
        return self.history[-1].content

    @property
    def components(self) -> list[Json]:
        return self.history[-1].components

    @property
    def is_v2(self) -> bool:
        return bool(self.flags & parts.V2_FLAG)

    @property
    def buttons(self) -> list[str]:
        """The labels of the buttons."""
        return [button.get("label", "") for button in parts.buttons(self.components)]

    @property
    def buttons_before(self) -> list[str]:
        """Those of its earlier versions."""
        before = (button for version in self.history[:-1] for button in parts.buttons(version.components))
        return [button.get("label", "") for button in before]

    @property
    def plain(self) -> str:
        """What a reader sees: the content, then all texts of its components."""
        return self.read(self.history[-1])

    def read(self, version: Version) -> str:
        """What a reader saw of one version."""
        text = "\n".join(filter(None, [version.content, *parts.texts(version.components)]))
        text = _MENTION.sub(lambda found: f"@{self.names.get(found[1], found[1])}", text)
        return _ESCAPED.sub(r"\1", text)

    @property
    def accent(self) -> int | None:
        """The colour of its container."""
        return next((each.get("accent_color") for each in self.components if each["type"] == 17), None)

    @property
    def thread(self) -> Channel | None:
        """The thread that was started from it."""
        return self.channel.threads.get(self.id)


@dataclass(slots=True, kw_only=True, eq=False)
class Channel:
    """A text channel, or a thread (`parent` is set)."""

    id: str
    name: str
    parent: Channel | None = None
    all_messages: dict[str, Message] = field(default_factory=dict)
    threads: dict[str, Channel] = field(default_factory=dict)
    archived: bool = False
    locked: bool = False
    denied: set[str] = field(default_factory=set)
    """What the bot may not do here: "view", "send", "thread", "attach"."""

    @property
    def messages(self) -> list[Message]:
        """What everybody sees here, oldest first."""
        return [each for each in self.all_messages.values() if not each.deleted and not each.only_for]


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """A person of the guild. `whispers` are the ephemeral messages that they see."""

    id: str
    name: str
    roles: list[str] = field(default_factory=list)
    whispers: list[Message] = field(default_factory=list)
    direct: Channel | None = None
    """Their direct messages with the bot, once there are any."""


@dataclass(slots=True, kw_only=True, eq=False)
class Interaction:
    """Something that a person did, and what came of it."""

    id: str
    token: str
    type: int
    user: User
    channel: Channel
    created_at: float
    payload: Json = field(default_factory=dict)
    source: Message | None = None
    """The message whose button was pressed."""
    acked_at: float | None = None
    response_type: int = 0
    original: Message | None = None
    loading: bool = False
    loading_flags: int = 0
    form: Json | None = None
    choices: list[Json] | None = None
    failed: bool = False
    """Whether the person read that the application did not respond."""
    followups: list[Message] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What the person reads as the direct answer."""
        if self.failed:
            return "The application did not respond"
        return self.original.plain if self.original is not None and not self.original.deleted else ""

    @property
    def is_private(self) -> bool:
        """Whether nobody else sees the direct answer."""
        return self.original is not None and bool(self.original.only_for)


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One REST call: `route` is the template with its method; `status` 0 is a dropped connection."""

    route: str
    path: str
    body: Any
    at: float
    status: int = 200
    code: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Somebody notified: a person's name, "everyone" or a role's id."""

    whom: str
    message: Message
