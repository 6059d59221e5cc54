"""Reads what Claude Code prints with `--output-format stream-json`."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from executor.backends.claude_endings import CLAUDE, unsuccessful, without_result
from executor.backends.claude_session import ClaudeSession
from executor.backends.claude_usage import Meter
from executor.backends.failures import QUOTE, broken_off, failed
from executor.backends.fields import amount, count, first_line, mapping, one_line, parse, telling, word
from executor.backends.prose import Prose
from executor.backends.todos import todos
from executor.events import Activity, Noticed, SessionOpened, ToolEnded, ToolStarted
from executor.limits import from_unix
from executor.model import Outcome, OutcomeKind
from executor.moments import span
from executor.ports import SystemClock

_ESSAY = 8000
"""Bytes of a complaint's line that are read."""
_utc_now = SystemClock().now


class ClaudeDecoder:
    """The decoder of one attempt.

    `workspace` is what paths are shown from, `resumed` whether it goes on with a conversation, `zone` that
    of times without one.
    """

    def __init__(
        self,
        *,
        workspace: str = "",
        resumed: bool = False,
        zone: tzinfo = UTC,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.verdict: Outcome | None = None
        self.retrying = False
        self.session = ClaudeSession(workspace)
        self._workspace = workspace
        self._zone = zone
        self._now = now
        self._prose = Prose()
        self._session_id = ""
        self._has_api_key = False
        self._streamed = ""
        self._error = ""
        self._lifts_at: datetime | None = None
        self._warned = False
        self._meter = Meter(resumed=resumed)
        self._result: dict[str, Any] | None = None
        self._complaints: deque[str] = deque(maxlen=5)

    def stdout(self, line: bytes) -> Sequence[Activity]:
        event = parse(line)
        if event is None:
            return ()
        match event.get("type"):
            case "stream_event":
                return self._stream(event)
            case "assistant":
                return self._assistant(event)
            case "user":
                return [self._cut_off(each) for each in _answers(event)]
            case "system":
                return self._system(event)
            case "rate_limit_event":
                return self._limit(event)
            case "command_lifecycle":
                return self.session.told(event)
            case "control_request":
                self.session.requested(event)
            case "control_cancel_request":
                self.session.given_up(event)
            case "result":
                return self._ended(event)
        return ()

    def stderr(self, line: bytes) -> Sequence[Activity]:
        if complaint := one_line(line[:_ESSAY].decode(errors="replace"), QUOTE):
            self._complaints.append(complaint)
        return ()

    def conclude(self, exit_code: int) -> Outcome:
        if self.verdict is not None:
            return self.verdict
        result = self._result
        # A failure of the API has the subtype "success", and an interrupted run the exit code 0.
        if result is not None and result.get("is_error") is not False:
            return unsuccessful(
                result,
                self._error,
                self._meter.usage,
                lifts_at=self._lifts_at,
                now=self._now(),
                zone=self._zone,
            )
        if result is None:
            return without_result(exit_code, self._complaints, self._meter.usage)
        if exit_code != 0:
            return broken_off(CLAUDE, exit_code, self._complaints, self._meter.usage)
        return Outcome(kind=OutcomeKind.DONE, result=word(result.get("result")), usage=self._meter.usage)

    def _stream(self, event: dict[str, Any]) -> Sequence[Activity]:
        if event.get("parent_tool_use_id") is not None:
            return ()
        inner = mapping(event.get("event"))
        # Most lines come here. A pattern with fields in it, tried in vain, costs more than the line's JSON.
        match inner.get("type"):
            case "content_block_delta":
                delta = mapping(inner.get("delta"))
                if delta.get("type") == "text_delta":
                    return self._prose.write(word(delta.get("text")))
            case "content_block_start":
                if mapping(inner.get("content_block")).get("type") == "text":
                    self._prose.start_block()
            case "message_start":
                self._streamed = word(mapping(inner.get("message")).get("id"))
        return ()

    def _assistant(self, event: dict[str, Any]) -> Sequence[Activity]:
        message = mapping(event.get("message"))
        blocks = message.get("content")
        if not isinstance(blocks, list):
            return ()
        from_agent = event.get("parent_tool_use_id") is None
        if from_agent:
            self._error = word(event.get("error"))
        # A streamed message repeats its text here, and the CLI words its own troubles as a message.
        repeats = self._streamed != "" and message.get("id") == self._streamed
        spoken = from_agent and not repeats and message.get("model") != "<synthetic>"
        seen: list[Activity] = []
        for block in blocks:
            match block:
                case {"type": "text", "text": str(text)}:
                    if spoken:
                        self._prose.start_block()
                        seen += self._prose.write(text)
                case {"type": "tool_use", "name": "TodoWrite", "input": {"todos": listed}}:
                    seen += todos(listed) if from_agent else []
                case {"type": "tool_use", "id": str(tool_id), "name": str(name)}:
                    detail = telling(block.get("input"), self._workspace)
                    seen.append(ToolStarted(tool_id=tool_id, name=name, detail=detail))
        return seen

    def _system(self, event: dict[str, Any]) -> Sequence[Activity]:
        match event.get("subtype"):
            case "init":
                return self._opened(event)
            case "api_retry":
                return self._retried(event)
            case "background_tasks_changed":
                self.session.delegated(event.get("tasks"))
        return ()

    def _opened(self, event: dict[str, Any]) -> Sequence[Activity]:
        self._has_api_key = event.get("apiKeySource") != "none"
        session_id = word(event.get("session_id"))
        # A turn that the CLI starts by itself, for a background task's end, opens the same session again.
        if not session_id or session_id == self._session_id:
            return ()
        self._session_id = session_id
        return (SessionOpened(session_id=session_id, model=word(event.get("model"))),)

    def _retried(self, event: dict[str, Any]) -> Sequence[Activity]:
        status, delay_ms = count(event.get("error_status")), amount(event.get("retry_delay_ms"))
        # A refused key is retried like a server's failure, which looks like a hang. An OAuth session gives
        # up by itself after two tries, and may have got a fresh token by then.
        if status == 401 and self._has_api_key:
            self.verdict = failed(CLAUDE, "auth", usage=self._meter.usage)
            return ()
        error = word(event.get("error"))
        trouble = error.replace("_", " ") if error not in ("", "unknown") else "no answer"
        wait = "" if delay_ms is None else f" in {math.ceil(delay_ms / 1000)} s"
        cause = one_line(f"{status} {trouble}" if status else trouble)
        attempt, most = count(event.get("attempt")), count(event.get("max_retries"))
        tries = f", attempt {attempt} of {most}" if attempt and most else ""
        return (Noticed(text=f"claude is retrying{wait} ({cause}{tries})"),)

    def _limit(self, event: dict[str, Any]) -> Sequence[Activity]:
        info = event.get("rate_limit_info")
        if not isinstance(info, dict):
            return ()
        status, lifts_at = info.get("status"), self._moment(info.get("resetsAt"))
        # Any other status says that requests get through, so what was rejected before is over.
        self._lifts_at = lifts_at if status == "rejected" else None
        if status != "allowed_warning" or self._warned:
            return ()
        self._warned = True
        wait = None if lifts_at is None else lifts_at - self._now()
        return (Noticed(text=_warning(info, wait)),)

    def _moment(self, unix_s: object) -> datetime | None:
        seconds = amount(unix_s)
        return None if seconds is None else from_unix(seconds, now=self._now())

    def _ended(self, event: dict[str, Any]) -> Sequence[Activity]:
        # A run has more than one result where background tasks start turns of their own; each counts anew.
        self._result = event
        self._meter.read(event)
        seen = self.session.turn_ended(event)
        denials = event.get("permission_denials")
        unasked = [each for each in denials if self._is_news(each)] if isinstance(denials, list) else []
        return (Noticed(text=_denied(unasked)), *seen) if unasked else seen

    def _is_news(self, denial: object) -> bool:
        """What people have denied themselves, they know."""
        return word(mapping(denial).get("tool_use_id")) not in self.session.denied

    def _cut_off(self, answer: ToolEnded) -> ToolEnded:
        """A tool that fails because its turn is broken off has done nothing wrong."""
        return replace(answer, stopped=self.session.interrupting and not answer.ok)


def _answers(event: dict[str, Any]) -> Sequence[ToolEnded]:
    """What the tools answered; messages of this type that hold text are words put into the model's mouth."""
    match event.get("message"):
        case {"content": list(blocks)}:
            return [answer for block in blocks if (answer := _answer(block))]
    return ()


def _answer(block: object) -> ToolEnded | None:
    match block:
        case {"type": "tool_result", "tool_use_id": str(tool_id), "is_error": True, **rest}:
            return ToolEnded(tool_id=tool_id, ok=False, detail=_complaint(rest.get("content")))
        case {"type": "tool_result", "tool_use_id": str(tool_id)}:
            return ToolEnded(tool_id=tool_id, ok=True)
    return None


def _complaint(content: object) -> str:
    match content:
        case str(text) | [{"type": "text", "text": str(text)}, *_]:
            return first_line(text.removeprefix("<tool_use_error>").removesuffix("</tool_use_error>"))
    return ""


def _denied(denials: list[Any]) -> str:
    """Names the tools that were refused, and how often."""
    tools = Counter(one_line(word(each.get("tool_name")), 40) for each in denials if isinstance(each, dict))
    named = [f"{tool} ({times}×)" if times > 1 else tool for tool, times in tools.items() if tool]
    return f"claude was not allowed to use {', '.join(named[:10]) or 'a tool'}"


def _warning(info: dict[str, Any], wait: timedelta | None) -> str:
    limit = one_line(word(info.get("rateLimitType")).replace("_", "-")) or "usage"
    used = amount(info.get("utilization"))
    share = "most" if used is None else f"{used:.0%}"
    until = "" if wait is None else f"; it resets in {span(wait)}"  # whatever clocks people read it by
    return f"claude has used {share} of its {limit} limit{until}"
