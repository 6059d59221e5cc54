"""The simulated workspace: what was said, who saw it, and a signal at every change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from uuid import NAMESPACE_OID, uuid4, uuid5

from tests.simulators.changes import Changes
from tests.simulators.slack.limits import Rules
from tests.simulators.slack.model import (
    Call,
    Channel,
    Ephemeral,
    Message,
    Ping,
    ResponseUrl,
    SharedFile,
    Trigger,
    Upload,
    User,
    Version,
    View,
)
from tests.simulators.slack.reading import Json, mentions


class Workspace:
    """The state behind the API; every method that changes something gives the signal."""

    def __init__(
        self,
        *,
        rules: Rules,
        scopes: Iterable[str],
        events: Iterable[str],
        shortcuts: Iterable[str],
        clock: Callable[[], float],
        bot_name: str,
    ) -> None:
        self.rules = rules
        self.scopes = set(scopes)
        self.events = set(events)
        self.shortcuts = set(shortcuts)
        self.clock = clock
        self.changes = Changes()
        self.publish: Callable[[Json], None] = lambda event: None
        self._last_id = 0
        self._last_ts = 0
        self.team_id = self.new_id("T")
        self.app_id = self.new_id("A")
        self.bot_id = self.new_id("B")
        self.bot_user_id = self.new_id("U")
        self.bot_name = bot_name
        self.names: dict[str, str] = {self.bot_user_id: bot_name}
        self.channels: dict[str, Channel] = {}
        self.users: dict[str, User] = {}
        self.views: dict[str, View] = {}
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.uploads: dict[str, Upload] = {}
        self.attached: dict[str, SharedFile] = {}
        """Files of people, by id."""
        self.downloads: list[str] = []
        self.origin = ""  # the server's own address, known once it listens
        self.calls: list[Call] = []
        self.pings: list[Ping] = []
        self.silent_mentions: list[Ping] = []

    def new_id(self, prefix: str) -> str:
        """An id of Slack's shape."""
        self._last_id += 1
        return f"{prefix}{self._last_id:010d}"

    def new_ts(self) -> str:
        """The next message id: seconds and microseconds, never twice."""
        self._last_ts = max(self._last_ts + 1, time.time_ns() // 1000)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_trigger(self, user: User) -> str:
        """A trigger_id, whose few seconds start now."""
        trigger_id = f"{self.new_id('')}.{uuid4().hex}"
        self.triggers[trigger_id] = Trigger(user=user.id, at=self.clock())
        return trigger_id

    def new_response_url(
        self, user: User, channel: Channel, original: Message | Ephemeral | None = None
    ) -> str:
        """Where the app may answer this interaction a few times."""
        token = uuid4().hex
        thread_ts = original.thread_ts if original else None
        self.response_urls[token] = ResponseUrl(
            user=user.id, channel=channel, at=self.clock(), original=original, thread_ts=thread_ts
        )
        return f"{self.origin}/response/{token}"

    def version(self, text: str, blocks: list[Json], metadata: Json | None = None) -> Version:
        """A version as of now; blocks and elements without an id get one, as on Slack."""
        for block in blocks:
            block.setdefault("block_id", uuid4().hex[:5])
        for element in self._nameless(blocks):
            element.setdefault("action_id", uuid4().hex[:5])
        return Version(at=self.clock(), text=text, blocks=blocks, metadata=metadata)

    @staticmethod
    def _nameless(blocks: list[Json]) -> Iterable[Json]:
        for block in blocks:
            if block.get("type") in ("actions", "context_actions"):
                yield from block.get("elements", [])
            yield from (block[key] for key in ("accessory", "element") if isinstance(block.get(key), dict))

    def post(
        self,
        channel: Channel,
        author: str,
        version: Version,
        *,
        thread_ts: str | None = None,
        broadcast: bool = False,
        link_names: bool = False,
        files: list[SharedFile] | None = None,
    ) -> Message:
        """Put a message into the channel, notify whom it mentions and send its events."""
        message = Message(
            ts=self.new_ts(),
            channel=channel,
            author=author,
            by_bot=author == self.bot_user_id,
            history=[version],
            thread_ts=thread_ts,
            broadcast=broadcast,
            files=files or [],
        )
        channel.all_messages[message.ts] = message
        if thread_ts is not None:
            channel.replies.setdefault(thread_ts, []).append(message)
        self.pings += self._mentioned(message, link_names)
        self._send_message_event(message)
        self._send_mention_event(message)
        self.changes.notify()
        return message

    def edit(self, message: Message, version: Version, *, edited: bool) -> None:
        """Give a message a new version; edits never notify anyone."""
        previous = self.message_body(message)
        message.history.append(version)
        message.edited = message.edited or edited
        self.silent_mentions += self._mentioned(message, False)
        change = {"message": self.message_body(message), "previous_message": previous}
        self._send_changed_event(message.channel, "message_changed", change)
        self.changes.notify()

    def delete(self, message: Message) -> None:
        """Take a message out of the channel."""
        previous = self.message_body(message)
        message.deleted = True
        change = {"deleted_ts": message.ts, "previous_message": previous}
        self._send_changed_event(message.channel, "message_deleted", change)
        self.changes.notify()

    def whisper(
        self, user: User, channel: Channel, version: Version, source: str, thread_ts: str | None = None
    ) -> Ephemeral:
        """Show a message to one person only."""
        shown = Ephemeral(
            ts=self.new_ts(),
            channel=channel,
            user=user.id,
            source=source,
            history=[version],
            thread_ts=thread_ts,
        )
        user.ephemerals.append(shown)
        self.changes.notify()
        return shown

    def _mentioned(self, message: Message, link_names: bool) -> list[Ping]:
        found = mentions(
            message.text, message.blocks, markdown=self.rules.markdown_pings, link_names=link_names
        )
        return [
            Ping(whom=self.names.get(who, who), message=message) for who in found if who != self.bot_user_id
        ]

    def message_body(self, message: Message, *, with_metadata: bool = True) -> Json:
        """The message as the API and the events show it."""
        body: Json = {
            "type": "message",
            "user": message.author,
            "text": message.text,
            "ts": message.ts,
            "team": self.team_id,
        }
        if message.by_bot:
            body |= {"bot_id": self.bot_id, "app_id": self.app_id}
        else:
            body["client_msg_id"] = str(uuid5(NAMESPACE_OID, f"{message.channel.id}:{message.ts}"))
        thread = message.thread
        if message.thread_ts or thread:
            body["thread_ts"] = message.thread_ts or message.ts
        if thread:
            body |= {"reply_count": len(thread), "latest_reply": thread[-1].ts}
        if message.blocks:
            body["blocks"] = message.blocks
        if message.edited:
            body["edited"] = {"user": message.author, "ts": message.ts}
        if message.metadata and with_metadata:
            body["metadata"] = message.metadata
        if message.files:
            body["files"] = [file.described(self.origin) for file in message.files]
        if message.reactions:
            body["reactions"] = [
                {"name": name, "users": users, "count": len(users)}
                for name, users in message.reactions.items()
            ]
        if message.deleted:
            body |= {"subtype": "tombstone", "text": "This message was deleted."}
        return body

    def _may_hear(self, event: str, scope: str, channel: Channel) -> bool:
        return event in self.events and scope in self.scopes and channel.bot_is_member

    def _hears_messages(self, channel: Channel) -> bool:
        prefix = channel.scope_prefix
        return self._may_hear(f"message.{prefix}", f"{prefix}:history", channel)

    def _send_message_event(self, message: Message) -> None:
        if self._hears_messages(message.channel):
            body = self.message_body(message) | self._place(message.channel)
            shared = {"subtype": "file_share"} if message.files and not message.by_bot else {}
            self.publish(body | shared | {"event_ts": message.ts})

    def _send_mention_event(self, message: Message) -> None:
        channel = message.channel
        mentioned = f"<@{self.bot_user_id}>" in message.text and not message.by_bot
        # A direct message is never an app_mention; it only arrives as message.im.
        if mentioned and channel.kind != "im" and self._may_hear("app_mention", "app_mentions:read", channel):
            body = self.message_body(message)
            self.publish(body | {"type": "app_mention", "channel": channel.id, "event_ts": message.ts})

    def _send_changed_event(self, channel: Channel, subtype: str, change: Json) -> None:
        if self._hears_messages(channel):
            ts = self.new_ts()
            body: Json = {"type": "message", "subtype": subtype, "hidden": True, "ts": ts, "event_ts": ts}
            self.publish(body | self._place(channel) | change)

    @staticmethod
    def _place(channel: Channel) -> Json:
        kinds = {"channel": "channel", "private": "group", "im": "im"}
        return {"channel": channel.id, "channel_type": kinds[channel.kind]}
