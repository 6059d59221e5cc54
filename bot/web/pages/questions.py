"""What the agent of a job asks and was told, as the job's page shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.news.questions import reactions, said, stands
from bot.news.words import excerpt
from bot.platforms.base import Reaction
from executor.questions import Question, QuestionKind, QuestionState

_GRANT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A question that nobody has decided yet."""

    question: Question

    @property
    def prose(self) -> str:
        """What has to be seen, where that is Markdown."""
        asked = self.question.asked
        is_prose = asked.kind is QuestionKind.PLAN or asked.syntax == "markdown"
        return asked.detail if is_prose else ""

    @property
    def grant(self) -> str:
        """What a yes for the whole job lets it do, as far as that is short."""
        return excerpt(self.question.asked.grant, _GRANT)

    @property
    def reactions(self) -> Sequence[Reaction]:
        return reactions(self.question)

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """The choices, each with what there is to say of it."""
        return [(choice.label, choice.description) for choice in self.question.asked.choices]


def waiting(questions: Sequence[Question]) -> Sequence[Waiting]:
    """Those that are open, the first one first."""
    return [Waiting(question=each) for each in questions if each.state is QuestionState.OPEN]


def turns_of(questions: Sequence[Question]) -> Iterator[tuple[datetime, str]]:
    """When each was asked and decided, and what came of it, in words."""
    for each in questions:
        yield each.asked_at, f"Question {each.number}: {each.asked.text}"
        if each.decided_at is not None and each.decision is not None:
            words = said(each.decision)
            yield each.decided_at, f"Question {each.number}: {stands(each)}{f': {words}' if words else ''}"
