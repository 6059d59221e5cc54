"""The terms that a job may be asked for on: how long it may take, and who goes first."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.asks import Refusal
from executor.model import TIMEOUT
from executor.moments import TimeRefused, parse_span
from executor.queueing import PRIORITIES

_LONGEST_S = 86_400.0


def timeout_of(args: Mapping[str, str]) -> dict[str, str]:
    """`--timeout` as a part of the payload; nothing where it was not given. Raises Refusal."""
    text = args.get("timeout", "")
    if not text:
        return {}
    try:
        seconds = parse_span(text).total_seconds()
    except TimeRefused as error:
        raise Refusal(str(error), "timeout") from error
    if seconds > _LONGEST_S:
        raise Refusal(f"`{text}` is too long: an attempt may take a day at most.", "timeout")
    return {TIMEOUT: f"{seconds:g}"}


def priority_of(args: Mapping[str, str]) -> int:
    """`--priority` as a number. Raises Refusal."""
    name = args.get("priority") or "normal"
    if name not in PRIORITIES:
        listed = ", ".join(f"`{each}`" for each in PRIORITIES)
        raise Refusal(f"There is no priority `{name}`. There are: {listed}.", "priority")
    return PRIORITIES[name]
