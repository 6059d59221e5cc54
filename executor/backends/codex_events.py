"""Reads what Codex prints with `exec --json`."""

from __future__ import annotations

import re
import shlex
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from executor.backends.codex_endings import CODEX, cause, unsuccessful, without_turn
from executor.backends.failures import QUOTE, broken_off
from executor.backends.fields import count, first_line, mapping, one_line, parse, telling, within, word
from executor.backends.prose import Prose
from executor.backends.todos import todos
from executor.events import Activity, Noticed, SessionOpened, ToolEnded, ToolStarted
from executor.model import Outcome, OutcomeKind, Usage
from executor.ports import SystemClock

_RECONNECTING = re.compile(r"Reconnecting\.\.\. (\d{1,9})/(\d{1,9})")
_NAMES = {"command_execution": "shell", "file_change": "edit", "web_search": "web search"}
_ESSAY = 8000
"""Characters of a command, and bytes of a complaint's line, that are read."""
_utc_now = SystemClock().now


class CodexDecoder:
    """The decoder of one attempt. It ends by itself whatever happens, so no verdict is needed.

    `workspace` is what paths are shown from, `zone` that of the times it names, which it does without one.
    """

    verdict: Outcome | None = None
    retrying = False
    session: None = None

    def __init__(
        self, *, workspace: str = "", zone: tzinfo = UTC, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._workspace = workspace
        self._zone = zone
        self._now = now
        self._prose = Prose()
        self._answer = ""
        self._tools: set[str] = set()
        self._turns = 0
        self._completed = False
        self._failure = ""
        self._complaints: deque[str] = deque(maxlen=5)

    def stdout(self, line: bytes) -> Sequence[Activity]:
        match parse(line):
            case {"type": "thread.started", "thread_id": str(thread_id)}:
                return (SessionOpened(session_id=thread_id),)
            case {"type": "turn.started"}:
                self._completed, self._failure = False, ""
            case {"type": "turn.completed"}:
                self._completed = True
                self._turns += 1
            case {"type": "turn.failed", **rest}:
                self._completed = False
                self._failure = word(mapping(rest.get("error")).get("message")) or self._failure
            case {"type": "error", "message": str(message)}:
                return self._troubled(message)
            case {"item": {"type": "todo_list", "items": listed}}:
                return todos(listed)
            case {
                "type": "item.started" | "item.completed" as step,
                "item": {"id": str(), "type": str()} as item,
            }:
                return self._item(item, ended=step == "item.completed")
        return ()

    def stderr(self, line: bytes) -> Sequence[Activity]:
        if complaint := one_line(line[:_ESSAY].decode(errors="replace"), QUOTE):
            self._complaints.append(complaint)
        return ()

    def conclude(self, exit_code: int) -> Outcome:
        usage = Usage(turns=self._turns or None)
        if not self._completed and self._failure:
            return unsuccessful(self._failure, usage, now=self._now(), zone=self._zone)
        if not self._completed:
            return without_turn(exit_code, self._complaints, usage, now=self._now(), zone=self._zone)
        if exit_code != 0:
            return broken_off(CODEX, exit_code, self._complaints, usage)
        return Outcome(kind=OutcomeKind.DONE, result=self._answer, usage=usage)

    def _troubled(self, message: str) -> Sequence[Activity]:
        retry = _RECONNECTING.match(message)
        if retry is None:
            self._failure = message
            return ()
        status, reason = cause(message)
        why = " ".join(filter(None, (str(status or ""), reason.replace("_", " ")))) or "no answer"
        return (Noticed(text=f"codex is retrying ({why}, attempt {retry[1]} of {retry[2]})"),)

    def _item(self, item: dict[str, Any], *, ended: bool) -> Sequence[Activity]:
        match item:
            case {"type": "agent_message"}:
                return self._said(word(item.get("text"))) if ended else ()
            case {"type": "error"}:
                # A warning: what ends a turn is an event of its own.
                said = first_line(word(item.get("message")), QUOTE)
                return (Noticed(text=f"codex says: {said}"),) if said else ()
            case {"type": "reasoning" | "todo_list"}:
                return ()
        return self._tool(item, ended=ended)

    def _said(self, text: str) -> Sequence[Activity]:
        self._answer = text
        self._prose.start_block()
        return self._prose.write(text)

    def _tool(self, item: dict[str, Any], *, ended: bool) -> Sequence[Activity]:
        seen: list[Activity] = []
        tool_id, detail = item["id"], _detail(item, self._workspace)
        # Some tools, a search for one, say only at their end what they were called for.
        if tool_id not in self._tools and (detail or ended):
            self._tools.add(tool_id)
            seen.append(ToolStarted(tool_id=tool_id, name=_name(item), detail=detail))
        if ended:
            self._tools.discard(tool_id)
            trouble = _trouble(item)
            seen.append(ToolEnded(tool_id=tool_id, ok=not trouble, detail=trouble))
        return seen


def _name(item: dict[str, Any]) -> str:
    match item:
        case {"server": str(server), "tool": str(tool)}:
            return one_line(f"{server}.{tool}")
        case {"tool": str(tool)}:
            return one_line(tool)
    return _NAMES.get(item["type"], one_line(item["type"]))


def _detail(item: dict[str, Any], workspace: str) -> str:
    """The one telling argument of a tool."""
    match item:
        case {"command": str(command)}:
            return one_line(_typed(command))
        case {"changes": [{"path": str(path)}, *others]}:
            more = f" and {len(others)} more" if others else ""
            return one_line(within(path, workspace)) + more
        case {"arguments": arguments}:
            return telling(arguments, workspace)
        case {"query": str(text)} | {"prompt": str(text)}:
            return one_line(text)
    return ""


def _typed(command: str) -> str:
    """What the agent typed, without the shell that it is handed to: `/bin/bash -lc 'ls -a'`."""
    try:
        words = shlex.split(command) if len(command) <= _ESSAY else []
    except ValueError:
        return command
    return words[2] if len(words) == 3 and words[1] in ("-c", "-lc") else command


def _trouble(item: dict[str, Any]) -> str:
    """Why a tool did not go well; empty where it did."""
    status = item.get("status")
    if status not in ("failed", "declined"):
        return ""
    error, exit_code = mapping(item.get("error")), count(item.get("exit_code"))
    told = "" if exit_code is None else f"Exit code {exit_code}"
    return first_line(word(error.get("message"))) or told or str(status)
