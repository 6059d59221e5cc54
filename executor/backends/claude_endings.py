"""Reads how an attempt of Claude Code ended: its `result` event, or what it said when there was none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from executor.backends.failures import Cli, broken_off, failed, limited, reason_of
from executor.backends.fields import count, word
from executor.limits import resets_at
from executor.model import Outcome, Usage

CLAUDE = Cli(name="claude", key="ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN")

_BY_TERMINAL = {
    "prompt_too_long": "prompt_too_long",
    "max_turns": "max_turns",
    "budget_exhausted": "budget",
    "aborted_streaming": "killed",
    "aborted_tools": "killed",
}
_BY_SUBTYPE = {"error_max_turns": "max_turns", "error_max_budget_usd": "budget"}
_BY_ERROR = {
    "authentication_failed": "auth",
    "oauth_org_not_allowed": "auth",
    "account_on_hold": "auth",
    "verification_required": "auth",
    "cloud_credential_error": "auth",
    "billing_error": "billing",
    "model_not_found": "model",
    "overloaded": "overloaded",
    "server_error": "server_error",
    "invalid_request": "invalid_request",
}
_BY_WORDS = {
    "cannot be used with root": "configuration",
    "is already in use": "session_in_use",
    "No conversation found": "session_not_found",
    "--resume requires a valid session": "session_not_found",
}
# "You've hit your 5-hour limit · resets 9pm (Zone)", "Claude AI usage limit reached|1795223753"
_LIMIT = re.compile(
    r"(?:hit|reached) your .{0,40}(?:limit|budget)|(?:usage|hour|weekly|session) limit reached"
    r"|out of (?:extra )?usage",
    re.IGNORECASE,
)
NOT_AS_ROOT = "Run the bot as another user, or set `allow_root` for the provider where that is safe."
"""Claude Code does not skip its questions as root, unless it is told that it runs in a sandbox."""


def unsuccessful(
    result: dict[str, Any],
    error: str,
    usage: Usage,
    *,
    lifts_at: datetime | None,
    now: datetime,
    zone: tzinfo,
) -> Outcome:
    """The outcome of a `result` that is an error. `error` is the machine word of the message before it.

    `lifts_at` is when a limit resets by the CLI's own event: exact, where its text drops the seconds.
    """
    said = word(result.get("result")) or _first_error(result)
    if _is_limit(result, error, said):
        moment = lifts_at or resets_at(said, now=now, zone=zone)
        return limited(CLAUDE, moment, quote=said, usage=usage)
    reason = _reason(result, error, said)
    # The diagnosis of an interrupted run, and the advice to /login, say nothing to people here.
    quote = "" if reason == "killed" or result.get("api_error_status") == 401 else said
    return failed(CLAUDE, reason, quote=quote, usage=usage)


def without_result(exit_code: int, complaints: Sequence[str], usage: Usage) -> Outcome:
    """The outcome of a CLI that ended before its `result`, or never started to work."""
    for complaint in complaints if exit_code > 0 else ():
        if reason := _by_words(complaint):
            advice = NOT_AS_ROOT if reason == "configuration" else ""
            return failed(CLAUDE, reason, quote=complaint, advice=advice)
    return broken_off(CLAUDE, exit_code, complaints, usage)


def _is_limit(result: dict[str, Any], error: str, said: str) -> bool:
    status = result.get("api_error_status")
    if status == 429 or result.get("api_error") == "usage_limit_reached" or error == "rate_limit":
        return True
    return status is None and _LIMIT.search(said) is not None


def _reason(result: dict[str, Any], error: str, said: str) -> str:
    status = count(result.get("api_error_status")) or 0
    return (
        _BY_TERMINAL.get(word(result.get("terminal_reason")))
        or _BY_SUBTYPE.get(word(result.get("subtype")))
        or reason_of(status)
        or _BY_ERROR.get(error)
        or _by_words(said)
        or "error"
    )


def _by_words(said: str) -> str:
    return next((reason for words, reason in _BY_WORDS.items() if words in said), "")


def _first_error(result: dict[str, Any]) -> str:
    match result.get("errors"):
        case [str(error), *_]:
            return error
    return ""
