"""Reads how an attempt of Codex ended, from the sentences in which it says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo

from executor.backends.failures import Cli, broken_off, failed, limited, reason_of
from executor.limits import resets_at
from executor.model import Outcome, Usage

CODEX = Cli(name="codex", key="CODEX_API_KEY")

_STATUS = re.compile(r"(?:unexpected|last) status:? (\d{3})\b")
# In this order: the notice of a usage limit goes on about plans and credits.
_BY_WORDS = {
    "usage limit": "rate_limit",
    "rate limit reached": "rate_limit",
    "missing environment variable": "auth",
    "sign in again": "auth",
    "does not exist or you do not have access": "model",
    "is not supported when using codex": "model",
    "out of room in the model's context window": "prompt_too_long",
    "check your plan and billing": "billing",
    "out of credits": "billing",
    "at capacity": "overloaded",
    "high demand": "overloaded",
    "stream disconnected": "server_error",
    "no rollout found": "session_not_found",
}
_BAD_REQUEST = 400


def cause(said: str) -> tuple[int, str]:
    """The HTTP status and the machine word behind a sentence; 0 and empty where it does not tell."""
    found, lowered = _STATUS.search(said), said.lower()
    status = int(found[1]) if found else 0
    in_words = (reason for words, reason in _BY_WORDS.items() if words in lowered)
    return status, reason_of(status) or next(in_words, "")


def unsuccessful(said: str, usage: Usage, *, now: datetime, zone: tzinfo) -> Outcome:
    """The outcome of a turn that failed; `said` is what the CLI said about it."""
    status, reason = cause(said)
    if reason == "rate_limit":
        return limited(CODEX, resets_at(said, now=now, zone=zone), quote=said, usage=usage)
    unknown = "invalid_request" if status == _BAD_REQUEST else "error"
    return failed(CODEX, reason or unknown, quote=said, usage=usage)


def without_turn(
    exit_code: int, complaints: Sequence[str], usage: Usage, *, now: datetime, zone: tzinfo
) -> Outcome:
    """The outcome of a CLI that ended in the middle of its turn, or never began one."""
    told = [complaint for complaint in complaints if cause(complaint)[1]] if exit_code > 0 else []
    if told:
        return unsuccessful(told[0], usage, now=now, zone=zone)
    return broken_off(CODEX, exit_code, complaints, usage)
