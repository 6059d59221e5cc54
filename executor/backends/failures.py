"""What the ways to fail mean for people: one machine word each, and sentences that say what to do next."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from executor.backends.fields import one_line
from executor.model import Outcome, OutcomeKind, Usage

QUOTE = 200
"""Characters of a CLI's own words that a message may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cli:
    """How people know a CLI: its name, and the variable that holds its key."""

    name: str
    key: str


_SOON = "This usually passes: press Retry in a few minutes."
_SENTENCES: dict[str, tuple[str, str]] = {
    "auth": (
        "{name} is not logged in or its key was refused",
        "Put a valid {key} into the bot's environment, then press Retry.",
    ),
    "model": (
        "{name} does not know the model, or its account may not use it",
        "Start the job again with another model.",
    ),
    "billing": ("The account behind {name} has no credit left", "Add credit, then press Retry."),
    "prompt_too_long": (
        "The request is longer than the model can read",
        "Shorten it or split the work, then start a new job.",
    ),
    "invalid_request": ("The model's server refused the request", "Change it, then start a new job."),
    "server_error": ("The servers behind {name} failed", _SOON),
    "overloaded": ("The servers behind {name} are overloaded", _SOON),
    "rate_limit": ("{name} ran into a limit of its provider", "The job goes on when the limit lifts."),
    "max_turns": ("{name} used up its turns before it was ready", "Press Resume to let it go on."),
    "budget": ("{name} used up its budget before it was ready", "Press Resume to let it go on."),
    "session_not_found": ("{name} does not have the conversation any more", "Start a new job."),
    "session_in_use": (
        "The conversation is still in use by another {name}",
        "Wait for that to end, then press Retry.",
    ),
    "configuration": ("{name} refused to start", "Run `bifrost doctor` where the bot runs to see why."),
    "no_result": ("{name} ended without a result", "Press Retry."),
    "exit": ("{name} ended with exit code {code}", "Press Retry; if it happens again, run `bifrost doctor`."),
    "killed": ("{name} was stopped from outside", "Press Resume to let it go on."),
    "killed_hard": ("{name} was killed, often because the memory ran out", "Press Resume to let it go on."),
    "error": ("{name} gave up because of an error", "Press Retry."),
}

_BY_STATUS = {
    401: "auth",
    403: "auth",
    404: "model",
    413: "prompt_too_long",
    429: "rate_limit",
    529: "overloaded",
}


def reason_of(status: int) -> str:
    """The machine word for an HTTP status of a model's server; empty where it tells nothing."""
    return _BY_STATUS.get(status) or ("server_error" if status >= 500 else "")


def explain(cli: Cli, reason: str, *, quote: str = "", advice: str = "", code: int = 0) -> str:
    """What happened and what to do next. `quote` is the CLI's own word, `advice` a better next step."""
    what, usual = _SENTENCES[reason]
    said = one_line(quote, QUOTE)
    cause = f" (“{said}”)" if said else ""
    named = {"name": cli.name, "key": cli.key, "code": code}
    return f"{what.format(**named)}{cause}. {advice or usual.format(**named)}"


def failed(
    cli: Cli, reason: str, *, quote: str = "", advice: str = "", usage: Usage | None = None
) -> Outcome:
    """The outcome of an attempt that failed for `reason`."""
    message = explain(cli, reason, quote=quote, advice=advice)
    return Outcome(kind=OutcomeKind.FAILED, reason=reason, message=message, usage=usage or Usage())


def limited(cli: Cli, resets_at: datetime | None, *, quote: str, usage: Usage) -> Outcome:
    """The outcome of an attempt that ran into a limit. None for `resets_at` leaves the wait to a default."""
    return Outcome(
        kind=OutcomeKind.LIMITED,
        reason="rate_limit",
        message=explain(cli, "rate_limit", quote=quote),
        usage=usage,
        resets_at=resets_at,
    )


def broken_off(cli: Cli, exit_code: int, complaints: Sequence[str], usage: Usage) -> Outcome:
    """The outcome of a CLI that ended without the last word that says how it went."""
    number = _signal(exit_code)
    if number:
        reason, sentence = "killed", "killed_hard" if number == signal.SIGKILL else "killed"
    else:
        reason = sentence = "exit" if exit_code else "no_result"
    quote = complaints[-1] if complaints and not number else ""
    message = explain(cli, sentence, quote=quote, code=exit_code)
    return Outcome(kind=OutcomeKind.FAILED, reason=reason, message=message, usage=usage)


def _signal(exit_code: int) -> int:
    """The signal that ended a process; a shell and Node add 128 to it. 0 where there was none."""
    number = -exit_code if exit_code < 0 else exit_code - 128
    return number if number in (signal.SIGHUP, signal.SIGINT, signal.SIGKILL, signal.SIGTERM) else 0
