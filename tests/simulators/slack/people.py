"""A scripted person: types commands, mentions the bot, presses buttons, fills in forms, sees answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulators.slack import payloads
from tests.simulators.slack.arguments import ApiError, Args
from tests.simulators.slack.chat import content
from tests.simulators.slack.conversations import direct_channel
from tests.simulators.slack.forms import refusals, state_values
from tests.simulators.slack.model import Channel, Ephemeral, Message, Reply, SharedFile, User, View
from tests.simulators.slack.reading import Json, elements, read_message
from tests.simulators.slack.socket_mode import Delivery, SocketMode
from tests.simulators.slack.state import Workspace
from tests.simulators.slack.transcript import wait_until
from tests.simulators.slack.views import TROUBLE, apply_submission, close_views

Surface = Message | Ephemeral | View


class Person(User):
    """A user who acts; every action is refused with AssertionError when Slack would not offer it."""

    __slots__ = ("_socket", "_workspace")

    def __init__(
        self, workspace: Workspace, socket: SocketMode, *, id: str, name: str, tz: str, is_admin: bool
    ) -> None:
        super().__init__(id=id, name=name, handle=name.lower().replace(" ", "."), tz=tz, is_admin=is_admin)
        self._workspace = workspace
        self._socket = socket

    async def command(self, command: str, text: str = "", *, channel: Channel) -> Reply:
        """Type a slash command; the reply is the ack as this person sees it."""
        self._must_be_in(channel)
        if "commands" not in self._workspace.scopes:
            return self._failure(channel, f"{command} is not a valid command", "invalid_command")
        payload = payloads.slash_command(self._workspace, self, channel, command, text)
        delivery = await self._socket.deliver("slash_commands", payload)
        if not delivery.acked:
            code = _failure_code(delivery)
            return self._failure(channel, f'{command} failed with the error "{code}"', code)
        return self._show(channel, f"{command} {text}".strip(), delivery)

    async def mention(
        self, channel: Channel, text: str, *, thread: Message | None = None, files: Sequence[SharedFile] = ()
    ) -> Message:
        """Write `@bot text` in a channel or thread."""
        return await self.say(channel, f"@{self._workspace.bot_name} {text}", thread=thread, files=files)

    async def say(
        self, channel: Channel, text: str, *, thread: Message | None = None, files: Sequence[SharedFile] = ()
    ) -> Message:
        """Write a message, with files; the app hears of it as far as it is subscribed."""
        self._must_be_in(channel)
        typed = payloads.escape_typed(self._workspace, text, labels=False)
        parent = None if thread is None else thread.thread_ts or thread.ts
        version = self._workspace.version(typed, [])
        return self._workspace.post(channel, self.id, version, thread_ts=parent, files=[*files])

    async def delete(self, message: Message) -> None:
        """Delete a message, as its author or an admin can."""
        assert self.is_admin or message.author == self.id, f"{self.name} may not delete that message"
        self._workspace.delete(message)

    async def click(
        self, surface: Surface, action: str, *, value: str | None = None, stale: bool = False
    ) -> Reply:
        """Press a button, or choose `value` in a select, found by action_id or by label.

        `value` also tells buttons with the same action_id apart. With `stale` the element is taken from
        an earlier version of the message, as somebody presses who has not seen the edit yet.
        """
        block, element = self._find(surface, action, value, stale)
        payload = payloads.block_actions(self._workspace, self, surface, block, element, value)
        return self._answered(await self._socket.deliver("interactive", payload))

    async def shortcut(self, callback_id: str, message: Message | None = None) -> Reply:
        """Use a global shortcut, or a message shortcut on a message."""
        declared = callback_id in self._workspace.shortcuts and "commands" in self._workspace.scopes
        assert declared, f"Slack offers no shortcut {callback_id!r}"
        if message is not None:
            self._must_be_in(message.channel)
        payload = payloads.shortcut(self._workspace, self, callback_id, message)
        return self._answered(await self._socket.deliver("interactive", payload))

    async def wait_view(self, timeout_s: float = 5.0) -> View:
        """The topmost open modal, as soon as there is one."""
        views = await wait_until(
            self._workspace,
            self._socket,
            lambda: self.views,
            timeout_s=timeout_s,
            what=f"a modal for {self.name}",
        )
        return views[-1]

    async def submit(self, view: View, values: Mapping[str, Any]) -> dict[str, str] | None:
        """Fill in fields by block_id and submit; the errors shown, by block_id ("" for the whole view)."""
        assert view.open and view.user == self.id, f"{self.name} has no such view open"
        fields = state_values(view.blocks, {})
        unknown = set(values) - set(fields)
        assert not unknown, f"no fields {sorted(unknown)}; there are {sorted(fields)}"
        refused = refusals(view.blocks, state_values(view.blocks, dict(values)))
        if refused:
            view.errors = refused
            return refused
        payload = payloads.view_submission(self._workspace, self, view, dict(values))
        delivery = await self._socket.deliver("interactive", payload)
        if not delivery.acked:
            view.errors = {"": TROUBLE}
            return view.errors
        return apply_submission(self._workspace, view, delivery.ack_payload)

    async def close(self, view: View) -> None:
        """Close a modal; the app hears of it where the view says notify_on_close."""
        close_views(self._workspace, self, view)
        if view.body.get("notify_on_close"):
            payload = payloads.view_closed(self._workspace, self, view)
            await self._socket.deliver("interactive", payload)

    async def home(self) -> View | None:
        """Open the app's home tab; what it shows at this moment, None before it was ever published."""
        workspace = self._workspace
        if "app_home_opened" in workspace.events:
            event: Json = {
                "type": "app_home_opened",
                "user": self.id,
                "channel": direct_channel(workspace, self).id,
                "tab": "home",
                "event_ts": workspace.new_ts(),
            }
            workspace.publish(event)
        return self.home_view

    def _must_be_in(self, channel: Channel) -> None:
        assert self.id in channel.members, f"{self.name} is not in #{channel.name}"

    def _find(self, surface: Surface, action: str, value: str | None, stale: bool) -> tuple[Json, Json]:
        there = surface.open if isinstance(surface, View) else not surface.deleted
        assert there, f"{self.name} no longer sees that"
        shown = [surface.blocks]
        if stale:
            assert not isinstance(surface, View), "a view has no earlier versions"
            shown = [version.blocks for version in reversed(surface.history[:-1])]
        for blocks in shown:
            for block, element in elements(blocks):
                if _is_meant(element, action, value):
                    return block, element
        raise AssertionError(f"{self.name} sees no {action!r} in:\n{surface.plain}")

    def _answered(self, delivery: Delivery) -> Reply:
        if delivery.acked:
            return Reply(latency_s=delivery.latency_s, payload=delivery.ack_payload)
        code = _failure_code(delivery)
        text = "This app did not respond. Try again?"
        return Reply(text=text, plain=text, timed_out=delivery.timed_out, error=code)

    def _failure(self, channel: Channel, text: str, code: str) -> Reply:
        shown = self._workspace.whisper(self, channel, self._workspace.version(text, []), "slack")
        return Reply(text=text, plain=text, timed_out=code == "operation_timeout", error=code, shown=shown)

    def _show(self, channel: Channel, typed: str, delivery: Delivery) -> Reply:
        payload, workspace = delivery.ack_payload, self._workspace
        if not payload or not (payload.get("text") or payload.get("blocks")):
            return Reply(latency_s=delivery.latency_s, payload=payload)
        try:
            text, blocks = content(workspace, Args(payload))
        except ApiError as error:
            return self._failure(channel, f'{typed} failed with the error "{error.code}"', error.code)
        shown: Message | Ephemeral
        version = workspace.version(text, blocks)
        if payload.get("response_type") == "in_channel":
            # An in_channel answer also shows what was typed; an ephemeral one hides it.
            escaped = payloads.escape_typed(workspace, typed, labels=False)
            workspace.post(channel, self.id, workspace.version(escaped, []))
            shown = workspace.post(channel, workspace.bot_user_id, version)
        else:
            shown = workspace.whisper(self, channel, version, "ack")
        return Reply(
            text=text,
            blocks=blocks,
            plain=read_message(text, blocks, workspace.names),
            latency_s=delivery.latency_s,
            payload=payload,
            shown=shown,
        )


def _is_meant(element: Json, action: str, value: str | None) -> bool:
    label = element["text"]["text"] if element["type"] == "button" else None
    if action not in (element["action_id"], label):
        return False
    return element["type"] != "button" or value is None or element.get("value") == value


def _failure_code(delivery: Delivery) -> str:
    return "operation_timeout" if delivery.timed_out else "dispatch_failed"
