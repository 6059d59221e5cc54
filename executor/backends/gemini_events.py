"""Reads what Gemini CLI prints with `--output-format stream-json`, and its complaints beside that."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from executor.backends.failures import QUOTE, broken_off, reason_of
from executor.backends.fields import count, first_line, one_line, parse, telling, without_colours, word
from executor.backends.gemini_endings import (
    GEMINI,
    error_text,
    last_of,
    outcome,
    reason_for,
    reason_in,
    reason_to_stop,
)
from executor.backends.prose import Prose
from executor.backends.todos import todos
from executor.events import Activity, Noticed, SessionOpened, TextWritten, ToolEnded, ToolStarted
from executor.limits import next_quota_day, resets_at, wait
from executor.model import Outcome, OutcomeKind, Usage
from executor.ports import SystemClock

LONGEST_WAIT = timedelta(seconds=60)
"""A longer wait for a quota is the executor's: the CLI would sleep for hours without a word."""

_ATTEMPT = re.compile(r"Attempt (\d+) failed(?: with status (\d{3}))?")
_NOISE = ("256-color", "Ripgrep is not available", "YOLO mode is enabled", "[STARTUP]")
_ESSAY = 8000
"""Characters of a complaint, and bytes of its line, that are read."""
_utc_now = SystemClock().now


class GeminiDecoder:
    """The decoder of one attempt.

    `workspace` is what paths are shown from, `resumed` whether it goes on with a conversation. `now` is
    asked when a wait is announced, to say when it ends.
    """

    session: None = None

    def __init__(
        self, *, workspace: str = "", resumed: bool = False, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self.verdict: Outcome | None = None
        self.retrying = False
        self._workspace = workspace
        self._resumed = resumed
        self._now = now
        self._prose = Prose()
        self._answer: list[str] = []
        self._turns = 0
        self._speaking = False
        self._writing = False
        self._result: dict[str, Any] | None = None
        self._complaints: deque[str] = deque(maxlen=5)
        self._attempt = ""
        self._trouble = self._said = ""
        self._resets_at: datetime | None = None

    def stdout(self, line: bytes) -> Sequence[Activity]:
        event = parse(line)
        if event is None:
            return ()
        match event:
            case {"type": "message", "role": "assistant", "content": str(text)}:
                return self._text(text)
            case {"type": "tool_use", "tool_name": "write_todos", "parameters": {"todos": listed}}:
                self._speak(writing=False)
                return todos(listed)
            case {"type": "tool_use", "tool_id": str(tool_id), "tool_name": str(name)}:
                self._speak(writing=False)
                detail = telling(event.get("parameters"), self._workspace)
                return (ToolStarted(tool_id=tool_id, name=name, detail=detail),)
            case {"type": "tool_result", "tool_id": str(tool_id)}:
                self._speaking = self._writing = False
                return (_ended(event, tool_id),)
            case {"type": "init", "session_id": str(session_id)}:
                return (SessionOpened(session_id=session_id, model=word(event.get("model"))),)
            case {"type": "error", "message": str(message)}:
                self._complaints.append(first_line(message, QUOTE))
                return (Noticed(text=f"gemini says: {self._complaints[-1]}"),)
            case {"type": "result"}:
                self._result = event
        return ()

    def stderr(self, line: bytes) -> Sequence[Activity]:
        text = without_colours(line[:_ESSAY].decode(errors="replace"))
        complaint = one_line(text, QUOTE)
        if not complaint or any(noise in text for noise in _NOISE):
            return ()
        # What is indented, or closes a brace, is the inside of a stack trace or of a printed object.
        if not text.startswith((" ", "\t", "}")):
            self._complaints.append(complaint)
        if wait(text) is not None:
            self._resets_at = resets_at(text, now=self._now())
        return self._retry(text)

    def conclude(self, exit_code: int) -> Outcome:
        if self.verdict is not None:
            return self.verdict
        result = self._result
        if result is not None and result.get("status") != "success":
            said = error_text(result) or last_of(self._complaints)
            return self._unsuccessful(reason_for(said, exit_code), said)
        if result is None:
            return self._without_result(exit_code)
        if exit_code != 0:
            return broken_off(GEMINI, exit_code, self._complaints, self._usage())
        return Outcome(kind=OutcomeKind.DONE, result="".join(self._answer), usage=self._usage())

    def _text(self, text: str) -> Sequence[TextWritten]:
        if not self._writing:
            self._prose.start_block()
            self._answer = []
        self._speak(writing=True)
        self._answer.append(text)
        return self._prose.write(text)

    def _speak(self, *, writing: bool) -> None:
        """The model answers: a turn of its own where tools or a person spoke last."""
        self._turns += not self._speaking
        self._speaking, self._writing = True, writing
        # It got through to its server, so whatever it complained about is over.
        self._attempt = self._trouble = ""
        self.retrying = False
        self._resets_at = None
        self._complaints.clear()

    def _retry(self, text: str) -> Sequence[Activity]:
        """A complaint about an attempt goes over several lines; the last one says how long it waits."""
        if text.startswith("Attempt "):
            self._attempt = text
            self.retrying = True
        elif self._attempt:
            self._attempt = f"{self._attempt}\n{text}"[:_ESSAY]
        begun = _ATTEMPT.match(self._attempt)
        if begun is None or "Retrying " not in text:
            return ()
        self._trouble = reason_of(int(begun[2] or 0)) or reason_in(self._attempt)
        self._said = self._attempt[begun.end() :].lstrip(": ").partition(" Retrying after")[0]
        self._attempt = ""
        pause = wait(text)
        if self._trouble == "rate_limit" and pause is not None and pause > LONGEST_WAIT:
            self.verdict = self._unsuccessful("rate_limit", self._said)
        cause = " ".join(filter(None, (begun[2], self._trouble.replace("_", " ")))) or "no answer"
        after = "" if pause is None else f" in {math.ceil(pause.total_seconds())} s"
        return (Noticed(text=f"gemini is retrying{after} ({cause}, attempt {begun[1]})"),)

    def _without_result(self, exit_code: int) -> Outcome:
        if self._trouble:
            return self._unsuccessful(self._trouble, self._said)
        # On SIGTERM the CLI ends with 0: what it complained about only tells where it gave up by itself.
        reason, complaint = "", ""
        if exit_code > 0:
            reason, complaint = reason_to_stop(self._complaints, exit_code, resumed=self._resumed)
        if reason:
            return self._unsuccessful(reason, complaint)
        return broken_off(GEMINI, exit_code, self._complaints, self._usage())

    def _unsuccessful(self, reason: str, said: str) -> Outcome:
        moment = self._resets_at or resets_at(said, now=self._now())
        if moment is None and "daily quota" in said:
            moment = next_quota_day(self._now())
        return outcome(reason, said, self._usage(), moment)

    def _usage(self) -> Usage:
        """What the attempt took: the CLI tells no cost, and leaves the turns to be counted."""
        result = self._result or {}
        duration_ms = None
        match result.get("stats"):
            case {"duration_ms": told}:
                duration_ms = count(told)
        return Usage(turns=self._turns if self._turns or result else None, duration_ms=duration_ms)


def _ended(event: dict[str, Any], tool_id: str) -> ToolEnded:
    if event.get("status") == "success":
        return ToolEnded(tool_id=tool_id, ok=True)
    return ToolEnded(
        tool_id=tool_id, ok=False, detail=first_line(error_text(event) or word(event.get("output")))
    )
