"""The workspace as readable text, and waiting for something to appear in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from tests.simulators.slack.model import Channel, Ephemeral, Message
from tests.simulators.slack.socket_mode import SocketMode
from tests.simulators.slack.state import Workspace

T = TypeVar("T")


def transcript(workspace: Workspace, channel: Channel) -> str:
    """A channel as its readers see it: threads indented, buttons in brackets, ephemerals marked."""
    whispers: list[Ephemeral] = [
        shown for user in workspace.users.values() for shown in user.ephemerals if shown.channel is channel
    ]
    said: list[Message | Ephemeral] = [*channel.messages, *(w for w in whispers if not w.thread_ts)]
    lines = [f"#{channel.name}"]
    for message in sorted(said, key=lambda one: one.ts):
        lines += _lines(workspace, message, "")
        if isinstance(message, Message) and message.is_top_level:
            inside: list[Message | Ephemeral] = [
                *message.thread,
                *(w for w in whispers if w.thread_ts == message.ts),
            ]
            for reply in sorted(inside, key=lambda one: one.ts):
                lines += _lines(workspace, reply, "    ")
    return "\n".join(lines)


def _lines(workspace: Workspace, message: Message | Ephemeral, indent: str) -> Iterator[str]:
    at = datetime.fromtimestamp(float(message.ts), UTC).strftime("%H:%M:%S")
    if isinstance(message, Message):
        who = message.author_name + (" (edited)" if message.edited else "")
    else:
        who = f"(only {workspace.names[message.user]}{', gone' if message.deleted else ''})"
    first, *rest = message.plain.splitlines() or [""]
    yield f"{indent}{at} {who}: {first}"
    yield from (f"{indent}         {line}" for line in rest)
    for file in message.files if isinstance(message, Message) else ():
        yield f"{indent}         <file {file.name}, {len(file.content)} bytes>"


def report(workspace: Workspace, socket: SocketMode) -> str:
    """Everything a failed wait should show: all channels, open views, last calls, deliveries."""
    parts = [transcript(workspace, channel) for channel in workspace.channels.values()]
    for user in workspace.users.values():
        parts += [f"view of {user.name}: {view.plain}" for view in user.views]
    parts.append("last calls:")
    parts += [
        f"  {call.method} {call.status} {call.error or 'ok'} {str(call.args)[:200]}"
        for call in workspace.calls[-12:]
    ]
    parts.append(f"connections: {len(socket.active)}; last deliveries:")
    parts += [
        f"  {one.kind} {one.event_type} acked={one.acked} attempts={len(one.attempts)}"
        for one in socket.deliveries[-12:]
    ]
    return "\n".join(parts)


async def wait_until(
    workspace: Workspace, socket: SocketMode, condition: Callable[[], T], *, timeout_s: float, what: str
) -> T:
    """Wait for a condition on the workspace; AssertionError with a report when it does not come true."""
    try:
        async with asyncio.timeout(timeout_s):
            return await workspace.changes.until(condition)
    except TimeoutError:
        waited = f"waited {timeout_s} s for {what or 'a condition'}"
        raise AssertionError(f"{waited}\n{report(workspace, socket)}") from None
