"""Reads how an attempt of Claude Code ended: its `result` event, or what it said when there was none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from executor.backends.failures import Cli, broken_off, explain, failed
from executor.backends.fields import amount, count, word
from executor.model import Outcome, OutcomeKind, Usage

CLAUDE = Cli(name="claude", key="ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN")

_BY_TERMINAL = {
    "prompt_too_long": "prompt_too_long",
    "max_turns": "max_turns",
    "budget_exhausted": "budget",
    "aborted_streaming": "killed",
    "aborted_tools": "killed",
}
_BY_SUBTYPE = {"error_max_turns": "max_turns", "error_max_budget_usd": "budget"}
_BY_STATUS = {401: "auth", 403: "auth", 404: "model", 413: "prompt_too_long", 529: "overloaded"}
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
NOT_AS_ROOT = "Run the bot as another user, or set `allow_root` for the provider where that is safe."
"""Claude Code does not skip its questions as root, unless it is told that it runs in a sandbox."""


def usage(result: dict[str, Any]) -> Usage:
    """What the turns up to this `result`, and since the one before it, took."""
    match result.get("model_usage_since_last_result"):
        case dict(models):
            costs = (amount(model.get("costUSD")) for model in models.values() if isinstance(model, dict))
            cost: float | None = sum((cost for cost in costs if cost is not None), 0.0)
        case _:
            # Older versions only know the total, which is that of the whole conversation after a resume.
            cost = amount(result.get("total_cost_usd"))
    return Usage(
        cost_usd=cost, turns=count(result.get("num_turns")), duration_ms=count(result.get("duration_ms"))
    )


def unsuccessful(result: dict[str, Any], error: str, resets_at: datetime | None, usage: Usage) -> Outcome:
    """The outcome of a `result` that is an error. `error` is the machine word of the message before it."""
    said = word(result.get("result")) or _first_error(result)
    if _is_limit(result, error):
        # Where no event named the moment, the text may ("resets 9pm (Zone)"); None leaves it to a default.
        return Outcome(
            kind=OutcomeKind.LIMITED,
            reason="rate_limit",
            message=explain(CLAUDE, "rate_limit", quote=said),
            usage=usage,
            resets_at=resets_at,
        )
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


def _is_limit(result: dict[str, Any], error: str) -> bool:
    return (
        result.get("api_error_status") == 429
        or result.get("api_error") == "usage_limit_reached"
        or error == "rate_limit"
    )


def _reason(result: dict[str, Any], error: str, said: str) -> str:
    status = count(result.get("api_error_status")) or 0
    return (
        _BY_TERMINAL.get(word(result.get("terminal_reason")))
        or _BY_SUBTYPE.get(word(result.get("subtype")))
        or _BY_STATUS.get(status)
        or _BY_ERROR.get(error)
        or _by_words(said)
        or ("server_error" if status >= 500 else "error")
    )


def _by_words(said: str) -> str:
    return next((reason for words, reason in _BY_WORDS.items() if words in said), "")


def _first_error(result: dict[str, Any]) -> str:
    match result.get("errors"):
        case [str(error), *_]:
            return error
    return ""
