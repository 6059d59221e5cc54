"""Talks to a running Claude Code: what is written to its standard input, and what becomes of that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from executor.backends import claude_requests
from executor.backends.base import Stage
from executor.backends.fields import mapping, word
from executor.events import Activity, ReplyBegun, ReplyTaken, TurnInterrupted
from executor.questions import Asked, Decision

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
    `workspace` is where it works.
    """

    def __init__(self, workspace: str = "") -> None:
        self.stage = Stage.STARTING
        self.denied: set[str] = set()
        """The uses of tools that people have denied."""
        self._workspace = workspace
        self._requests: dict[str, Mapping[str, Any]] = {}
        """What it asks before it goes on, by the ids of the requests."""
        self._delegates = False
        """Whether agents of its own are at work, which a turn does not wait for."""
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

    @property
    def pending(self) -> Sequence[str]:
        return tuple(self._requests)

    def asked(self, request: str) -> Sequence[Asked]:
        known = self._requests.get(request)
        return () if known is None else claude_requests.asked(known, self._workspace)

    def answer(self, request: str, decisions: Sequence[Decision]) -> bytes:
        known = self._requests.pop(request, None)
        if known is None:
            return b""
        said = claude_requests.answer(known, decisions)
        if said["behavior"] == "deny":
            self.denied.add(word(known.get("tool_use_id")))
        response = {"subtype": "success", "request_id": request, "response": said}
        return _line({"type": "control_response", "response": response})

    def requested(self, event: dict[str, Any]) -> None:
        """Reads an event of type `control_request`: it waits until that is answered."""
        request, name = mapping(event.get("request")), word(event.get("request_id"))
        if name and request.get("subtype") == "can_use_tool":
            self._requests[name] = request

    def given_up(self, event: dict[str, Any]) -> None:
        """Reads an event of type `control_cancel_request`."""
        self._requests.pop(word(event.get("request_id")), None)

    def delegated(self, tasks: object) -> None:
        """Reads which tasks run in the background. When an agent has ended, a turn takes that up."""
        listed = tasks if isinstance(tasks, list) else []
        self._delegates = any(mapping(task).get("task_type") == "local_agent" for task in listed)

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
            self.stage = Stage.BUSY if self._written or self._delegates else Stage.IDLE
        taken = [ReplyTaken(reply=reply) for reply in about]
        return (*taken, TurnInterrupted()) if aborted else taken
