"""From a question of an agent to what is said of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.news.transcript import split
from bot.news.words import WAITS, excerpt, moment
from bot.platforms.base import (
    ALWAYS,
    APPROVE,
    CHOOSE,
    DENY,
    WHY,
    WORDS,
    Announcement,
    Attachment,
    Fact,
    Reaction,
    Shape,
    Tone,
)
from bot.platforms.text import visible
from executor.model import Job
from executor.questions import Asked, Decision, Question, QuestionKind, QuestionState, Verdict

_TEXT = 400
"""Characters of a question that stand above what it shows."""
_GRANT = 140
_SAID = 500
_BUTTONS, _BUTTON = 4, 40
"""Choices that have a button each, and characters that such a button may carry."""
_MARKUP = re.compile(r"([\\`*_~\[\]|#>])")
_ENDINGS = {"bash": "sh", "diff": "diff", "json": "json", "markdown": "md"}
_VERDICTS = {
    Verdict.APPROVE: "approved",
    Verdict.ALWAYS: "approved for this job",
    Verdict.DENY: "denied",
    Verdict.ANSWER: "answered",
}


def question(asked: Question, job: Job, *, most: int) -> Announcement:
    """A question as it stands, with its buttons as long as it is open.

    It shows at most `most` characters of what has to be seen to decide; `detail` has the rest.
    """
    is_open = asked.state is QuestionState.OPEN and not job.status.final
    shown = _shown(asked.asked, most)
    below = "\n\n".join(part for part in (*_became(asked), shown.body, shown.left_out) if part)
    return Announcement(
        shape=Shape.QUESTION,
        tone=_tone(asked),
        title=f"Question {asked.number} of {job.short_id} · {stands(asked)}",
        quote=excerpt(asked.asked.text, _TEXT),
        code=shown.code,
        syntax=asked.asked.syntax if shown.code else "",
        body=below,
        facts=_facts(asked) if is_open else (),
        reactions=reactions(asked) if is_open else (),
        mention=job.origin.actor.user_id if is_open else "",
    )


def told_alone(says: Announcement, asked: Question, *, advice: str) -> Announcement:
    """The same to whoever asked for the job, alone, where its channel does not take it."""
    # Buttons work only where jobs may be asked for, and nobody has to be named in a talk of two.
    why = f"*You read this here because the channel does not take it. {advice}*"
    how = how_to(asked) if says.reactions else ""
    body = "\n\n".join(filter(None, (says.body, how, why)))
    return replace(says, body=body, reactions=(), mention="")


def detail(asked: Question, job: Job, *, most: int) -> Attachment | None:
    """All that a message with `most` characters does not show of the question; None where it shows all."""
    if not _shown(asked.asked, most).left_out:
        return None
    ending = _ENDINGS.get(asked.asked.syntax, "txt")
    whole = asked.asked.detail
    if len(asked.asked.text) > _TEXT or not whole:
        ending, whole = "md", "\n\n".join(filter(None, (asked.asked.text, whole, _listed(asked.asked))))
    return Attachment(
        name=f"question-{job.short_id}-{asked.number}.{ending}",
        title=f"All that question {asked.number} is about",
        content=whole.encode(errors="replace"),
    )


def stands(asked: Question) -> str:
    """How it stands, within a sentence: "approved by Ann"."""
    match asked.state:
        case QuestionState.OPEN:
            return WAITS
        case QuestionState.DECIDED if asked.decision is not None:
            return f"{_VERDICTS[asked.decision.verdict]} by {asked.decision.by}"
        case QuestionState.EXPIRED:
            return "asked again below"
        case _:
            return "not asked any more"


def how_to(asked: Question) -> str:
    """How the question is answered by typing."""
    command = f"`/job answer {asked.job_id[:6]}"
    if asked.asked.kind is not QuestionKind.CHOICE:
        always = f", {command} always`" if asked.asked.grant else ""
        return f"Type {command} approve`{always} or {command} deny`, with a reason behind it if you like."
    last = len(asked.asked.choices)
    if not last:
        return f"Type {command} …`, with your answer in words."
    numbers = "1" if last == 1 else f"1 to {last}"
    many = ", or several with commas between," if asked.asked.several else ""
    return f"Type {command} NUMBER` with {numbers}{many} or {command} …` with other words."


def said(decision: Decision) -> str:
    """What somebody has decided, in their words, as far as they used any."""
    return decision.said if decision.verdict is Verdict.ANSWER else decision.text


def reactions(asked: Question) -> Sequence[Reaction]:
    """The buttons of an open question."""

    def button(says: str, label: str) -> Reaction:
        return Reaction(job_id=asked.job_id, question=asked.number, says=says, label=label)

    if asked.asked.kind is QuestionKind.CHOICE:
        return _picks(asked)
    whole_job = [button(ALWAYS, "Approve for this job")] if asked.asked.grant else []
    return (button(APPROVE, "Approve"), *whole_job, button(DENY, "Deny"), button(WHY, "Deny and say why…"))


def _picks(asked: Question) -> Sequence[Reaction]:
    """A button for each choice where they are few and one is wanted, and else one for the form with all."""
    labels = tuple(choice.label for choice in asked.asked.choices)

    def button(says: str, label: str, *, choices: Sequence[str] = (), several: bool = False) -> Reaction:
        return Reaction(
            job_id=asked.job_id,
            question=asked.number,
            says=says,
            label=label,
            choices=choices,
            several=several,
        )

    short = len(labels) <= _BUTTONS and all(len(label) <= _BUTTON for label in labels)
    if not labels or (short and not asked.asked.several):
        picks = [button(str(number), label) for number, label in enumerate(labels, 1)]
        return (*picks, button(WORDS, "Answer in words…"))
    return (button(CHOOSE, "Answer…", choices=labels, several=asked.asked.several),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What of a question stands in its message."""

    code: str
    body: str
    left_out: str
    """That there is more, and where."""


def _shown(asked: Asked, most: int) -> _Shown:
    """As much as there is room for; what it says itself comes before its choices."""
    is_prose = asked.kind is QuestionKind.PLAN or asked.syntax == "markdown"
    choices = _listed(asked)
    room = max(most // 2, most - len(choices))
    code = "" if is_prose else _beginning(visible(asked.detail), room)
    prose = split(asked.detail, room)[0] if is_prose and asked.detail.strip() else ""
    shown = _beginning(choices, most - len(code) - len(prose))
    whole = (
        len(asked.text) <= _TEXT
        and shown == choices
        and (code == asked.detail or (is_prose and len(asked.detail) <= room))
    )
    left_out = "" if whole else "*This is not all of it: the whole is in the file below.*"
    return _Shown(code=code, body="\n\n".join(filter(None, (prose, shown))), left_out=left_out)


def _beginning(text: str, most: int) -> str:
    """Whole lines, as many as there is room for; of a first line that is longer, what fits."""
    if len(text) <= most:
        return text
    cut = text[: most + 1].rfind("\n")
    return text[: cut if cut > 0 else most]


def _listed(asked: Asked) -> str:
    lines = (
        f"{number}. **{plain(choice.label)}**{f': {plain(choice.description)}' if choice.description else ''}"
        for number, choice in enumerate(asked.choices, 1)
    )
    return "\n".join(lines)


def plain(text: str) -> str:
    """Plain text of one line as Markdown that shows it to the letter."""
    return _MARKUP.sub(r"\\\1", text)


def _tone(asked: Question) -> Tone:
    if asked.state is QuestionState.OPEN:
        return Tone.WAITING
    decided = asked.state is QuestionState.DECIDED and asked.decision is not None and asked.decision.allows
    return Tone.GOOD if decided else Tone.STOPPED


def _became(asked: Question) -> list[str]:
    """What there is to say of a question that is open no more."""
    if asked.state is QuestionState.EXPIRED:
        return [
            "Nobody has answered in time, so the job has made room for others. "
            f"It asks the same again below, as question {asked.again}."
        ]
    words = said(asked.decision) if asked.decision is not None else ""
    return (
        [f"**{plain(asked.decision.by)}:** {plain(excerpt(words, _SAID))}"]
        if asked.decision and words
        else []
    )


def _facts(asked: Question) -> tuple[Fact, ...]:
    facts = []
    if asked.asked.grant:
        facts.append(Fact(label="approved for this job, it may", value=excerpt(asked.asked.grant, _GRANT)))
    if asked.expires_at is not None:
        facts.append(
            Fact(label="keeps its place at most until", value=moment(asked.expires_at), at=asked.expires_at)
        )
    else:
        facts.append(Fact(label="", value="goes on when this is answered"))
    return tuple(facts)
