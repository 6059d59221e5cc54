"""What exists in the simulated workspace: channels, users, messages, views, calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from mimetypes import guess_type
from typing import Any
from urllib.parse import quote

from tests.simulators.slack.reading import Json, button_labels, read_block, read_message


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What a message said from a moment (the simulator's clock, seconds) on."""

    at: float
    text: str
    blocks: list[Json]
    metadata: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFile:
    """A file that was shared in a channel."""

    id: str
    name: str
    title: str
    content: bytes
    alt_text: str = ""
    snippet_type: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    """What Slack says of it otherwise than usual: `mode`, `is_external`, `url_private` …"""
    moved_to: str = ""
    """Where its address sends on to."""

    def described(self, origin: str, *, whole: bool = False) -> Json:
        """The file object, as in events; with `whole` as files.info shows it."""
        if self.facts.get("file_access") == "check_file_info" and not whole:
            return {"id": self.id, "file_access": "check_file_info", "mode": "file_access"}
        url = f"{origin}/files-pri/{self.id}/download/{quote(self.name)}"
        body: Json = {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "mimetype": guess_type(self.name)[0] or "application/octet-stream",
            "size": len(self.content),
            "mode": "hosted",
            "is_external": False,
            "url_private": url,
            "url_private_download": url,
        }
        return body | self.facts | {"file_access": "visible"}

    @property
    def text(self) -> str:
        """The content as UTF-8 text."""
        return self.content.decode()


@dataclass(slots=True, kw_only=True, eq=False)
class Channel:
    """A channel or a direct message; `members` are the people in it, by id."""

    id: str
    name: str
    kind: str  # "channel", "private" or "im"
    members: set[str]
    names: Mapping[str, str]
    bot_is_member: bool = True
    archived: bool = False
    all_messages: dict[str, Message] = field(default_factory=dict)
    replies: dict[str, list[Message]] = field(default_factory=dict)  # by the parent's ts

    @property
    def messages(self) -> list[Message]:
        """What the channel itself shows, oldest first: no thread replies unless broadcast."""
        return [m for m in self.all_messages.values() if not m.deleted and (m.is_top_level or m.broadcast)]

    @property
    def scope_prefix(self) -> str:
        """The family of scopes that covers this kind of channel."""
        return {"channel": "channels", "private": "groups", "im": "im"}[self.kind]


class _Readable:
    """What messages and ephemeral messages have in common: versions that can be read."""

    __slots__ = ()
    history: list[Version]

    @property
    def text(self) -> str:
        """The current top-level text."""
        return self.history[-1].text

    @property
    def blocks(self) -> list[Json]:
        """The current blocks."""
        return self.history[-1].blocks

    @property
    def buttons(self) -> list[str]:
        """The labels of the current buttons."""
        return button_labels(self.blocks)

    @property
    def buttons_before(self) -> list[str]:
        """Those of its earlier versions."""
        return [label for version in self.history[:-1] for label in button_labels(version.blocks)]


@dataclass(slots=True, kw_only=True, eq=False)
class Message(_Readable):
    """A message in a channel; `history` keeps every version, the last one is current."""

    ts: str
    channel: Channel
    author: str  # a user id
    by_bot: bool
    history: list[Version]
    thread_ts: str | None = None
    broadcast: bool = False
    edited: bool = False
    deleted: bool = False
    files: list[SharedFile] = field(default_factory=list)
    reactions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def metadata(self) -> Json | None:
        """The metadata as last sent."""
        return self.history[-1].metadata

    @property
    def is_top_level(self) -> bool:
        """Whether it stands in the channel and not in a thread."""
        return self.thread_ts is None

    @property
    def thread(self) -> list[Message]:
        """The replies to this message, oldest first."""
        return [reply for reply in self.channel.replies.get(self.ts, ()) if not reply.deleted]

    @property
    def author_name(self) -> str:
        """The name a reader sees."""
        return self.channel.names[self.author]

    @property
    def plain(self) -> str:
        """What a reader sees: all blocks, or the text when there are none, without Slack's escapes."""
        return read_message(self.text, self.blocks, self.channel.names)


@dataclass(slots=True, kw_only=True, eq=False)
class Ephemeral(_Readable):
    """A message only one person sees; `source` is "post", "ack", "response_url" or "slack" (an error)."""

    ts: str
    channel: Channel
    user: str
    source: str
    history: list[Version]
    thread_ts: str | None = None
    deleted: bool = False

    @property
    def plain(self) -> str:
        """What its reader sees."""
        return read_message(self.text, self.blocks, self.channel.names)


@dataclass(slots=True, kw_only=True, eq=False)
class View:
    """A modal or a home tab as one person sees it; `errors` are those shown at its fields."""

    id: str
    user: str
    body: Json
    hash: str
    names: Mapping[str, str]
    root_id: str = ""
    previous_id: str | None = None
    open: bool = True
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def callback_id(self) -> str:
        """The callback_id the app gave it."""
        return str(self.body.get("callback_id", ""))

    @property
    def title(self) -> str:
        """The title bar's text."""
        return str(self.body.get("title", {}).get("text", ""))

    @property
    def blocks(self) -> list[Json]:
        """The current blocks."""
        return list(self.body.get("blocks", []))

    @property
    def buttons(self) -> list[str]:
        """The labels of the buttons inside the view."""
        return button_labels(self.blocks)

    @property
    def plain(self) -> str:
        """What its reader sees, the title first."""
        return "\n".join(filter(None, [self.title, *self._lines()]))

    def _lines(self) -> Iterator[str]:
        for block in self.blocks:
            yield read_block(block, self.names)


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """A person of the workspace and what only they see."""

    id: str
    name: str
    handle: str
    tz: str
    is_admin: bool = False
    ephemerals: list[Ephemeral] = field(default_factory=list)
    views: list[View] = field(default_factory=list)  # open modals, the topmost last
    home_view: View | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """One Web API call: `at` is the simulator's clock, `status` 0 is a dropped connection."""

    method: str
    args: Json
    at: float
    status: int = 200
    answer: Json = field(default_factory=dict)

    @property
    def error(self) -> str | None:
        """Slack's error code, None when the call went well."""
        return self.answer.get("error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Somebody notified: `whom` is "channel", "here", "everyone", "subteam" or a person's name."""

    whom: str
    message: Message


@dataclass(slots=True, kw_only=True, eq=False)
class Trigger:
    """A trigger_id: single use, valid for a few seconds after `at` (the simulator's clock)."""

    user: str
    at: float
    used: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class ResponseUrl:
    """Where an app may answer an interaction; `original` is the message that was clicked, if any."""

    user: str
    channel: Channel
    at: float
    original: Message | Ephemeral | None = None
    thread_ts: str | None = None
    uses: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Upload:
    """A file on its way: asked for, then uploaded, then shared."""

    id: str
    name: str
    length: int
    alt_text: str
    snippet_type: str
    content: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a person sees as the direct answer to a command, click or shortcut.

    `latency_s` is the time from envelope to ack; None when none came in time, and then `text` is
    Slack's own failure and `error` its code.
    """

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    plain: str = ""
    latency_s: float | None = None
    timed_out: bool = False
    error: str | None = None
    payload: Any = None
    shown: Message | Ephemeral | None = None
