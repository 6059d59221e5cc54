"""Talks to a running Claude Code: what is written to its standard input, and what becomes of that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from executor.backends.base import Stage
from executor.backends.fields import word
from executor.events import Activity, ReplyBegun, ReplyTaken, TurnInterrupted

_ABORTED = ("aborted_streaming", "aborted_tools")
_NEVER = ("cancelled", "discarded", "refused")


def user_message(text: str, name: str) -> bytes:
    """A person's words, as a line. The CLI tells what becomes of them by `name`, a UUID."""
    # What is no character, half of an emoji for one, would make no UTF-8.
    content = [{"type": "text", "text": text.encode(errors="replace").decode()}]
    return _line({"type": "user", "message": {"role": "user", "content": content}, "uuid": name})


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


class ClaudeSession:
    """One process from its first turn to its last.

    What comes during a turn the CLI takes up between two tools, or else in a turn of its own after that one.
    """

    def __init__(self) -> None:
        self.stage = Stage.STARTING
        self.interrupting = False
        """Whether it was asked to break its turn off, and has not said that it did."""
        self._written: dict[str, int] = {}
        """Replies that no turn has taken up, by the names of their messages."""
        self._turn: list[int] = []
        """Replies that the turn of the moment is about."""

    def message(self, reply: int, text: str) -> bytes:
        name = str(uuid4())
        self._written[name] = reply
        if self.stage is Stage.IDLE:
            self.stage = Stage.BUSY
        return user_message(text, name)

    def interrupt(self) -> bytes:
        if self.interrupting or not self._written:
            return b""
        self.interrupting = True
        request = {"subtype": "interrupt"}
        return _line({"type": "control_request", "request_id": str(uuid4()), "request": request})

    def told(self, event: dict[str, Any]) -> Sequence[Activity]:
        """Reads what became of a message: an event of type `command_lifecycle`."""
        if self.stage is Stage.STARTING:
            self.stage = Stage.BUSY
        name, state = word(event.get("command_uuid")), event.get("state")
        if state in _NEVER and self._written.pop(name, None) is not None:
            self.stage = Stage.SPENT
        if state != "started":
            return ()
        if self.stage is Stage.IDLE:
            self.stage = Stage.BUSY
        reply = self._written.pop(name, None)
        if reply is None:
            return ()
        self._turn.append(reply)
        return (ReplyBegun(reply=reply),)

    def turn_ended(self, result: dict[str, Any]) -> Sequence[Activity]:
        """Reads the end of a turn. Replies that it was about are taken, unless it went wrong."""
        about, self._turn = self._turn, []
        # Where the reply was taken up just before the turn was broken off, nobody has answered it.
        aborted = self.interrupting and result.get("terminal_reason") in _ABORTED and bool(self._written)
        self.interrupting = False
        if self.stage is Stage.STARTING or (result.get("is_error") is not False and not aborted):
            self.stage = Stage.SPENT
            return ()
        if self.stage is not Stage.SPENT:
            self.stage = Stage.BUSY if self._written else Stage.IDLE
        taken = [ReplyTaken(reply=reply) for reply in about]
        return (*taken, TurnInterrupted()) if aborted else taken
