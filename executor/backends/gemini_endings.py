"""Reads how an attempt of Gemini CLI ended: its `result` event, its exit code and its complaints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from executor.backends.failures import QUOTE, Cli, failed, limited, reason_of
from executor.backends.fields import first_line
from executor.model import Outcome, Usage

GEMINI = Cli(name="gemini", key="GEMINI_API_KEY")

_CODE = re.compile(r'"code":\s*(\d{3})\b')
_MESSAGE = re.compile(r'"message":\s*"([^"]+)"')
_BAD_INPUT = 42
_BY_EXIT = {
    41: "auth",
    _BAD_INPUT: "configuration",
    44: "configuration",
    52: "configuration",
    53: "max_turns",
    55: "configuration",
}
# In this order: a sentence about a key or a model may also speak of a quota, never the other way round.
_BY_WORDS = {
    "permission_denied": "auth",
    "api key not valid": "auth",
    "api_key_invalid": "auth",
    "unauthenticated": "auth",
    "authentication failed": "auth",
    "modelnotfounderror": "model",
    "is not found for api version": "model",
    "model not found": "model",
    "invalid model": "model",
    "exceeds the maximum number of tokens": "prompt_too_long",
    "blocked due to safety": "invalid_request",
    "resource_exhausted": "rate_limit",
    "quota": "rate_limit",
    "exhausted your capacity": "rate_limit",
    "capacity exceeded": "rate_limit",
    "too many requests": "rate_limit",
    "error resuming session": "session_not_found",
    "invalid session identifier": "session_not_found",
}


def reason_in(text: str) -> str:
    """The machine word for what the CLI complains about; empty where it does not tell."""
    lowered = text.lower()
    return next((reason for words, reason in _BY_WORDS.items() if words in lowered), "")


def reason_for(said: str, exit_code: int) -> str:
    """The machine word for a `result` that is an error."""
    return reason_of(_status(said, exit_code)) or reason_in(said) or _BY_EXIT.get(exit_code) or "error"


def reason_to_stop(complaints: Sequence[str], exit_code: int, *, resumed: bool) -> tuple[str, str]:
    """The machine word, and the complaint it comes from, where a CLI ended by itself without a `result`."""
    for complaint in complaints:
        if reason := reason_in(complaint):
            return reason, complaint
    # What it cannot use of its input is the conversation: the prompt and the flags are always the same sort.
    by_exit = "session_not_found" if resumed and exit_code == _BAD_INPUT else _BY_EXIT.get(exit_code, "")
    return by_exit, last_of(complaints)


def last_of(complaints: Sequence[str]) -> str:
    """The last complaint; empty where there is none."""
    return complaints[-1] if complaints else ""


def error_text(event: dict[str, Any]) -> str:
    """What a result, of a tool or of all, says went wrong."""
    match event.get("error"):
        case {"message": str(message)}:
            return message
    return ""


def outcome(reason: str, said: str, usage: Usage, resets_at: datetime | None) -> Outcome:
    """The outcome of an attempt that did not go well; `said` is what the CLI said about it."""
    body = _MESSAGE.search(said)
    quote = body[1] if body else first_line(said, QUOTE).removeprefix("[API Error: ").removesuffix("]")
    if reason == "rate_limit":
        return limited(GEMINI, resets_at, quote=quote, usage=usage)
    return failed(GEMINI, reason, quote=quote, usage=usage)


def _status(said: str, exit_code: int) -> int:
    """The HTTP status of a failed request, as its body tells; an exit code is what is left of it mod 256."""
    if found := _CODE.search(said):
        return int(found[1])
    return exit_code + 256 if exit_code >= 400 - 256 else 0
