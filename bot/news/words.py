"""Figures and texts as people read them. Pure."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

from executor.events import QuestionClosed
from executor.model import SHORT_ID, Job, JobStatus, Usage
from executor.processes.sandbox import Mode
from executor.questions import QuestionState
from executor.queueing import Hindrance

UNKNOWN = "unknown"
WAITS = "waiting for an answer"
_JOINER = "\u200d"
_ADDED = _JOINER + "".join(map(chr, (*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080))))
"""What changes the sign before it, beside the marks of Unicode: the joiner, skin tones, tags."""
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""Two of them are one flag."""
_LONGEST_SIGN = 30
"""Characters that one sign may be made of; what is longer is no writing, and is cut."""


def state(status: JobStatus) -> str:
    """The status within a sentence: `rate limited`."""
    return status.value.replace("_", " ")


def sandbox(mode: Mode) -> str:
    """What jobs are held in."""
    return {Mode.PIDNS: "pid namespace", Mode.REAPER: "none, reaper only"}[mode]


def money(usd: float | None) -> str:
    """`$0.42`; small sums keep the digits that matter."""
    if usd is None:
        return UNKNOWN
    return f"${usd:.4f}" if 0 < usd < 0.01 else f"${usd:.2f}"


def duration(milliseconds: float | None) -> str:
    """`0.8s`, `42s`, `2m 13s`, `1h 05m`."""
    if milliseconds is None:
        return UNKNOWN
    if milliseconds < 9_950:
        return f"{max(0, milliseconds) / 1000:.1f}s"
    seconds = round(milliseconds / 1000)
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}m {seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m"


def moment(at: datetime) -> str:
    """`2026-11-21 01:00 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def waits_for(job: Job, hindrance: Hindrance) -> str:
    """What keeps a job from starting: `workspace main, busy with #3fa9c1`."""
    if hindrance.asked:
        return answers(job.asking)
    if hindrance.switched_off:
        return f"{job.provider}, which is switched off here: cancel it, or ask the admin to switch it on"
    if hindrance.limited_until is not None:
        return f"the usage limit of {job.provider} until {moment(hindrance.limited_until)}"
    if hindrance.workspace_holder is not None:
        return f"workspace {job.workspace}, busy with #{hindrance.workspace_holder[:SHORT_ID]}"
    if hindrance.session_holder is not None:
        return f"its session, busy with #{hindrance.session_holder[:SHORT_ID]}"
    return f"a free slot of {job.provider}" if hindrance.provider_full else "a free slot"


def answers(asking: int) -> str:
    """What a job waits for that has asked so many questions."""
    return "an answer to its question" if asking < 2 else f"answers to its {asking} questions"


def answered(closed: QuestionClosed) -> str:
    """What became of a question."""
    if closed.state == QuestionState.DECIDED:
        return f"{closed.by}: {closed.said}"
    expired = closed.state == QuestionState.EXPIRED
    return "not answered in time, and asked again" if expired else "not asked any more"


def turns(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def took(usage: Usage) -> str:
    """What a job took, on one line."""
    parts = (money(usage.cost_usd), turns(usage.turns), duration(usage.duration_ms))
    return "cost {} · turns {} · duration {}".format(*parts)


def excerpt(text: str, length: int) -> str:
    """The text on one line, cut at a word where that is near."""
    flat = re.sub(r"\s+", " ", text).strip()
    if len(flat) <= length:
        return flat
    cut = flat[: between_signs(flat, length - 1)]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > length // 2 else cut) + "…"


def between_signs(text: str, cut: int) -> int:
    """The last place up to `cut` that is not inside of what a reader sees as one sign, as emoji are."""
    for place in range(cut, max(-1, cut - _LONGEST_SIGN), -1):
        if not _inside_sign(text, place):
            return place
    return cut


def _inside_sign(text: str, place: int) -> bool:
    if not 0 < place < len(text):
        return False
    before, after = text[:place], text[place]
    if after in _FLAG_LETTERS:
        return (len(before) - len(before.rstrip(_FLAG_LETTERS))) % 2 == 1
    return before[-1] == _JOINER or after in _ADDED or unicodedata.category(after).startswith("M")
